"""Where a gateway's own directory is, as its configuration and its user say; and folders that are missing are made."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..shown import shown
from ..state import default
from .archive import BackupError

FILE = Path("/etc/gateway/gateway.toml")  # of the service
SERVICE = Path("/var/lib/gateway")  # the state of the service
USER = "gateway"  # of the service


def state_of(data: Mapping[str, Any], path: Path, given: str | None) -> Path:
    """The directory of a gateway with this configuration. given: what the user says. Raises BackupError."""
    told = _told(data, path)
    if given and told and told.resolve() != Path(given).resolve():
        raise BackupError(f"--state: the configuration says state_dir = {shown(str(told), 500)}; leave --state out")
    if given or told:
        return Path(given) if given else told or SERVICE
    service = "STATE_DIRECTORY" not in os.environ and path == FILE
    return SERVICE if service and (SERVICE.exists() or os.geteuid() == 0) else default()


def _told(data: Mapping[str, Any], path: Path) -> Path | None:
    table = data.get("gateway")
    told = table.get("state_dir") if isinstance(table, dict) else None
    return path.parent / told if told and isinstance(told, str) else None


def state_for(data: Mapping[str, Any], path: Path, given: str | None) -> Path:
    """The same, of a backup: what that says is done within the configuration's folder, and elsewhere when it is said
    here as well.
    """
    told = _told(data, path)
    if told is not None and not given and not told.resolve().is_relative_to(path.parent.resolve()):
        raise BackupError(
            f"its configuration says state_dir = {shown(str(told), 500)}; if that is right on this machine, "
            f"give --state {shown(str(told), 500)} as well"
        )
    return state_of(data, path, given)


def made(folder: Path, mode: int) -> None:
    """Makes a folder where it is missing; root makes it the service's."""
    if folder.exists():
        return
    folder.mkdir(mode=mode, parents=True)
    if os.geteuid() == 0:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with contextlib.suppress(KeyError):
                os.fchown(place, pwd.getpwnam(USER).pw_uid if mode == 0o700 else 0, grp.getgrnam(USER).gr_gid)
        finally:
            os.close(place)
