"""Who runs the gateway, and what that user may do with a file, by its mode: without becoming that user."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class User:
    """A user. gids: all groups; me: this process is that user; service: the service is run by it."""

    name: str
    uid: int
    gids: frozenset[int]
    me: bool
    service: bool


def user(name: str | None, more: Collection[str] = ()) -> User:
    """The user `name`, or who runs this where there is none such. more: groups that the unit adds."""
    try:
        found = pwd.getpwnam(name) if name else None
    except KeyError:
        found = None
    if found is None:
        uid = os.geteuid()
        return User(_name(uid), uid, frozenset((os.getegid(), *os.getgroups())), True, False)
    gids = {*os.getgrouplist(found.pw_name, found.pw_gid), *filter(None, map(_gid, more))}
    return User(found.pw_name, found.pw_uid, frozenset(gids), found.pw_uid == os.geteuid(), True)


def may(user: User, mode: int, owner: int, group: int, wanted: int) -> bool:
    """Whether a mode lets `user` do what `wanted` says, of 4 (read), 2 (write), 1 (search); of the first class it is in
    alone, as the kernel does it."""
    if user.uid == 0:
        return True
    shift = 6 if user.uid == owner else 3 if group in user.gids else 0
    return mode >> shift & wanted == wanted


def reaches(user: User, path: Path, wanted: int) -> bool | None:
    """Whether `user` may do that with `path`, through its folders too; None where this cannot be seen from here."""
    try:
        for folder in reversed(path.parents):
            found = folder.stat()
            if not may(user, found.st_mode, found.st_uid, found.st_gid, 1):
                return None if listed(folder) else False
        found = path.stat()
    except PermissionError:
        return None
    return may(user, found.st_mode, found.st_uid, found.st_gid, wanted) or (None if listed(path) else False)


def listed(path: str | Path) -> bool:
    """Whether an access list, which is not looked into, says more than its mode."""
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except OSError:  # a file system without any
        return False


def group_of(found: os.stat_result) -> str | None:
    """The group that may read and write the device, or None when its mode gives that to none."""
    if not found.st_gid or stat.S_IMODE(found.st_mode) & 0o060 != 0o060:
        return None
    try:
        return grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        return None


def _gid(group: str) -> int | None:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
