"""The modules of users' own features on their way to a worker elsewhere: files beside the configuration, and back.

Each file's place and text, as JSON: what ends in .py, in the folder itself and in the packages that they are of.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

MOST = 1_000_000  # bytes of them all


class TooLarge(Exception):
    """The files are more than can go along; the text is a clause."""


def files_of(folder: Path, features: Iterable[str]) -> list[Path]:
    """The files in `folder`, and those of packages in it that `features` ("module:function") are of."""
    packages = {feature.partition(":")[0].split(".")[0] for feature in features}
    found = [*folder.glob("*.py"), *(file for name in packages for file in (folder / name).rglob("*.py"))]
    return [file for file in found if file.is_file()]


def gathered(folder: Path, features: Iterable[str]) -> bytes:
    """What `files_of` says, and what they hold. Raises TooLarge; OSError where one cannot be read."""
    found = files_of(folder, features)
    files = {str(file.relative_to(folder)): file.read_bytes().decode("latin-1") for file in found}
    data = json.dumps(files, sort_keys=True).encode()
    if len(data) > MOST:
        raise TooLarge(
            f"the Python files in {folder.resolve()} are {len(data) / 1e6:.1f} MB; {MOST / 1e6:.0f} MB are the most"
        )
    return data


def mark_of(data: bytes) -> str:
    """Other modules have another mark."""
    return hashlib.sha256(data).hexdigest()[:32]


def laid_out(data: bytes, folder: Path) -> None:
    """Writes the files into `folder`, which is new. Raises OSError, and ValueError for a place outside it."""
    for name, text in json.loads(data).items():
        place = folder / name
        if not name.endswith(".py") or os.path.isabs(name) or ".." in Path(name).parts:
            raise ValueError(f"no place for a module: {name!r}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode("latin-1"))
