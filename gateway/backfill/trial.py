"""What the user's own features answer, found out before anything is read: all files have the same columns.

A program of its own tries them on a worker of a cluster, where they may find other libraries: orders in, keys out.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..alone import Custom, try_out
from ..config import Config
from ..ingest.capture.file import CaptureError

TAKEN = ("day",)  # by the folders


def keys_of(configs: Sequence[Config]) -> dict[str, list[str]]:
    """The keys of each feature, "module:function". Raises CaptureError for one that cannot be used."""
    return tried(orders(configs))


def orders(configs: Sequence[Config]) -> list[dict[str, Any]]:
    """Each feature of theirs once, by what it is tried with: names, folder, deadline in s, memory in bytes."""
    out: list[dict[str, Any]] = []
    known: set[str] = set()
    for config in configs:
        if names := [name for name in config.custom if name not in known]:
            folder = str(config.path.parent.absolute())
            out.append({"names": names, "folder": folder, "deadline": config.deadline, "memory": config.memory})
            known.update(names)
    return out


def tried(orders: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The keys of each feature. Raises CaptureError for one that cannot be used."""
    out: dict[str, list[str]] = {}
    for order in orders:
        custom = Custom(tuple(order["names"]), Path(order["folder"]), order["deadline"], order["memory"])
        for one in asyncio.run(try_out(custom)):
            if one.why:
                raise CaptureError(f"{one.feature} {one.why}; mend it, `gateway check` tries it as well")
            if taken := [key for key in one.keys if key in TAKEN]:
                raise CaptureError(f"{one.feature} answers {taken[0]!r}, as the folders are called; rename it")
            out[one.feature] = list(one.keys)
    return out


def main() -> None:
    """Prints {"keys": …}, or {"why": a sentence}."""
    try:
        said: dict[str, Any] = {"keys": tried(json.load(sys.stdin))}
    except CaptureError as error:
        said = {"why": str(error)}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
