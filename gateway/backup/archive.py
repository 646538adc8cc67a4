"""The file of a backup: a plain tar (ustar) of plain files, a list of them with their checksums, and that of the list.

    0000-configuration  0001-preset  …  list.json  list.sha256

Not compressed, so that nothing in it is larger than it looks. It is read by rules of our own and not by the library's,
which knows links, devices, sparse files and headers of any size: here all but a plain file is refused, and a member's
own name is no path. What is in the list is not believed either: `restoring.py` says where what of it may go.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

BLOCK = 512  # bytes; all in a tar is a multiple of it
PIECE = 1 << 18  # bytes that are copied at once
LIST, SUM = "list.json", "list.sha256"
LONGEST_LIST = 1 << 20  # bytes
MOST = 2000  # files
LARGEST = 8_000_000_000  # bytes of one; a tar can say so much
FORMAT = 1
ROLES = ("configuration", "preset", "feature", "tls", "secret", "state", "spool")
NAME = re.compile(r"[0-9]{4}-[a-z]{1,20}|list\.(json|sha256)")


class BackupError(Exception):
    """A backup that cannot be made, or read: one sentence."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One file. name: its path under the folder of its role, with "/" between the parts."""

    role: str
    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a backup. made: when, as text. left_out: keys of the configuration whose files are not in it."""

    gateway: str
    version: str
    made: str
    secrets: bool
    left_out: tuple[str, ...]
    files: tuple[Kept, ...]


class Writer:
    """Puts files into `file`, one after another."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.files: list[Kept] = []

    def add(self, role: str, name: str, source: BinaryIO, size: int) -> None:
        """The first `size` bytes of `source`. Raises BackupError where there are fewer, and OSError."""
        if len(self.files) >= MOST:
            raise BackupError(f"more than {MOST} files belong to this gateway; are there so many presets?")
        if size > LARGEST:
            raise BackupError(f"{name} has more than {LARGEST // 1_000_000_000} GB, which is too large for a backup")
        self._file.write(_head(f"{len(self.files):04}-{role}", size))
        checksum, left = hashlib.sha256(), size
        while left:
            if not (data := source.read(min(left, PIECE))):
                raise BackupError(f"{name} became shorter while it was copied; try again")
            checksum.update(data)
            self._file.write(data)
            left -= len(data)
        self._pad(size)
        self.files.append(Kept(role, name, size, checksum.hexdigest()))

    def finish(self, contents: Contents) -> None:
        """The list, and its checksum. Raises OSError."""
        listed = json.dumps({"backup": FORMAT, **asdict(contents)}, ensure_ascii=True).encode()
        for name, data in ((LIST, listed), (SUM, hashlib.sha256(listed).hexdigest().encode())):
            self._file.write(_head(name, len(data)))
            self._file.write(data)
            self._pad(len(data))
        self._file.write(bytes(2 * BLOCK))

    def _pad(self, size: int) -> None:
        self._file.write(bytes(-size % BLOCK))


def _head(name: str, size: int) -> bytes:
    one = tarfile.TarInfo(name)
    one.size, one.mode = size, 0o600
    return one.tobuf(tarfile.USTAR_FORMAT)


class Reader:
    """A backup that is whole: every checksum was compared. Raises BackupError for any other, and OSError."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = file.seek(0, os.SEEK_END)
        places = self._members()
        listed = self._small(places, LIST)
        if self._small(places, SUM) != hashlib.sha256(listed).hexdigest().encode():
            raise BackupError("the list in it is damaged: its checksum is another")
        self.contents = _contents(listed)
        wanted = [f"{at:04}-{one.role}" for at, one in enumerate(self.contents.files)]
        if [*places] != [*wanted, LIST, SUM]:
            raise BackupError("what is in it is not what its list says")
        self._places = dict(zip(self.contents.files, (places[name] for name in wanted), strict=True))
        for one, (_, size) in self._places.items():
            if size != one.bytes or self.copy(one, None) != one.sha256:
                raise BackupError(f"{one.role} {one.name!a} in it is damaged: its checksum is another")

    def copy(self, one: Kept, to: BinaryIO | None) -> str:
        """Writes a file of it to `to`, if that is given. Gives the checksum of what was read."""
        place, left = self._places[one]
        self._file.seek(place)
        checksum = hashlib.sha256()
        while left:
            if not (data := self._file.read(min(left, PIECE))):
                raise BackupError("it ends early")
            checksum.update(data)
            left -= len(data)
            if to is not None:
                to.write(data)
        return checksum.hexdigest()

    def _small(self, places: Mapping[str, tuple[int, int]], name: str) -> bytes:
        place, size = places.get(name, (0, LONGEST_LIST + 1))
        if size > LONGEST_LIST:
            raise BackupError("it has no list of what is in it, so it is no backup of a gateway, or not all of one")
        self._file.seek(place)
        return self._file.read(size)

    def _members(self) -> dict[str, tuple[int, int]]:
        """Where each begins, and its bytes."""
        places: dict[str, tuple[int, int]] = {}
        at = 0
        while True:
            self._file.seek(at)
            head = self._file.read(BLOCK)
            if head == bytes(BLOCK) and places:
                return places
            name, size = _plain(head)
            if name in places or len(places) > MOST + 2 or at + BLOCK + size > self._end:
                raise BackupError("it is damaged, or no backup of a gateway")
            places[name] = at + BLOCK, size
            at += BLOCK + size + -size % BLOCK


def _plain(head: bytes) -> tuple[str, int]:
    """Name and bytes of a plain file, of which this is the header; all else is none of ours."""
    name, size, kind = head[:100].rstrip(b"\0"), head[124:136].rstrip(b"\0 "), head[156:157]
    sum_of = sum(head[:148]) + 8 * 32 + sum(head[156:])
    told = head[148:156].strip(b"\0 ")
    octal = re.fullmatch(rb"[0-7]{1,11}", size) and re.fullmatch(rb"[0-7]{1,8}", told)
    known = NAME.fullmatch(name.decode("latin-1"))
    if len(head) != BLOCK or head[257:263] != b"ustar\0" or kind != b"0" or any(head[345:]) or not octal or not known:
        raise BackupError("it is no backup of a gateway, or not all of one")
    if int(told, 8) != sum_of:
        raise BackupError("it is damaged: the checksum of a header is another")
    return name.decode(), int(size, 8)


def _contents(listed: bytes) -> Contents:
    try:
        said = json.loads(listed)
    except (ValueError, RecursionError):
        raise BackupError("its list is none") from None
    if isinstance(said, dict) and isinstance(said.get("backup"), int) and said["backup"] > FORMAT:
        raise BackupError("a newer version of this program has made it; restore it with that")
    try:
        return _checked(said)
    except (AttributeError, KeyError, TypeError):
        raise BackupError("its list is not as this program writes it") from None


def _checked(said: Any) -> Contents:
    if said["backup"] != FORMAT or len(said["files"]) > MOST:
        raise KeyError
    texts = [said["gateway"], said["version"], said["made"], *said["left_out"]]
    files = tuple(Kept(one["role"], one["name"], one["bytes"], one["sha256"]) for one in said["files"])
    for one in files:
        texts += [one.name, one.sha256]
        if one.role not in ROLES or type(one.bytes) is not int or one.bytes < 0:
            raise KeyError
    if not all(isinstance(text, str) and len(text) <= 1000 for text in texts) or type(said["secrets"]) is not bool:
        raise TypeError
    if len({(one.role, one.name) for one in files}) != len(files):
        raise KeyError
    return Contents(
        said["gateway"], said["version"], said["made"], said["secrets"], tuple(said["left_out"]), files
    )  # fmt: skip
