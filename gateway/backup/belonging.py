"""Which files belong to a configuration, and where they lie: in its folder, or elsewhere, or nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRESETS = "presets.d"
LARGEST = 1 << 20  # bytes of such a file
MOST = 500  # files of features
SECRET = {
    "mqtt.password_file": "secret", "mqtt.key_file": "secret", "mqtt.ca_file": "tls", "mqtt.cert_file": "tls",
    "web.token_file": "secret", "compute.cluster_key_file": "secret", "compute.cluster_ca_file": "tls",
    "compute.cluster_cert_file": "tls",
}  # fmt: skip
"""Keys that name files."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """One file. name: its path in the configuration's folder. key: of the configuration that names it, or ""."""

    role: str
    name: str
    path: Path
    key: str = ""


def belonging(data: Mapping[str, Any], folder: Path, *, secrets: bool) -> tuple[list[Belonging], list[str]]:
    """The files beside a configuration with these tables, and the keys whose files are left out: secrets, where these
    are not wanted, and what lies elsewhere or is hidden, as are presets.
    """
    found = [Belonging("preset", f"{PRESETS}/{path.name}", path) for path in sorted((folder / PRESETS).glob("*.toml"))]
    found += [Belonging("feature", str(path.relative_to(folder)), path) for path in _features(data, folder)]
    left_out = [one.name for one in found if one.role == "preset" and hidden(one.name)]
    found = [one for one in found if not hidden(one.name) and _plain(one.path)]
    given = _given(data)
    hot = {os.path.realpath(folder / value) for key, value in given.items() if _secret(key, given)}
    for key, value in given.items():
        path = folder / value
        role = "secret" if os.path.realpath(path) in hot else SECRET[key]
        inside = not path.is_symlink() and path.resolve().is_relative_to(folder.resolve())
        name = _name(path, folder) if inside else ""
        if (role == "secret" and not secrets) or not inside or hidden(name):
            left_out.append(f"{key} = {value}")
        elif name not in {one.name for one in found}:  # two keys may name one file
            found.append(Belonging(role, name, path, key))
    return found, left_out


def hidden(name: str) -> bool:
    """Whether a file or a folder of this path is hidden, as is what others read: `.ssh`, `.profile`, `.git`."""
    return any(part.startswith(".") for part in name.split("/"))


def is_named(name: str, data: Mapping[str, Any]) -> bool:
    """Whether a key of these tables says that there is such a file in the configuration's folder."""
    return any(f"/{os.path.normpath(value)}".endswith(f"/{name}") for value in _given(data).values())


def _given(data: Mapping[str, Any]) -> dict[str, str]:
    """What these keys say, as far as they say anything."""
    found = {}
    for key in SECRET:
        table, _, name = key.partition(".")
        value = data[table].get(name) if isinstance(data.get(table), dict) else None
        if isinstance(value, str) and value:
            found[key] = value
    return found


def _name(path: Path, folder: Path) -> str:
    """A file's path in the folder, as the configuration has it where that does not lead out of it and in again."""
    name = os.path.relpath(os.path.normpath(path), folder)
    return str(path.resolve().relative_to(folder.resolve())) if name.startswith("..") else name


def _secret(key: str, given: Mapping[str, str]) -> bool:
    """Whether the file that this key names has a secret in it; without a `key_file` that of the certificate has."""
    return SECRET[key] == "secret" or (key.endswith("cert_file") and key.replace("cert", "key") not in given)


def _features(data: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    """All modules beside the configuration where it names any, and all of a package of which one is named."""
    named = list(_named(data))
    if not named:
        return
    found = sorted(folder.glob("*.py"))
    for package in sorted({name.split(".")[0] for name in named}):
        if (folder / package).is_dir() and not (folder / package).is_symlink():
            found += sorted((folder / package).rglob("*.py"))
    yield from found[:MOST]


def _named(data: Mapping[str, Any]) -> Iterator[str]:
    tables = [data.get("features"), *(data["sensors"] if isinstance(data.get("sensors"), list) else ())]
    for table in tables:
        custom = table.get("custom") if isinstance(table, dict) else None
        for name in custom if isinstance(custom, list) else ():
            if isinstance(name, str):
                yield name.partition(":")[0]


def _plain(path: Path) -> bool:
    return path.name.isprintable() and path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST
