"""Why a port does not open, as a sentence that says what to do."""

import errno
import grp
import os
import pwd
from pathlib import Path

from .identity import holders


class PortError(Exception):
    """A port that cannot be used now: one sentence that says what is wrong and what to do."""


def trouble(path: str, number: int, text: str) -> str:
    """One sentence for a user. number: the errno, 0 when there is none; text: what the error said of itself."""
    match number:
        case errno.ENOENT | errno.ENOTDIR | errno.ELOOP:
            return f"{path} is not there: is the board plugged in? `gateway ports` lists what is"
        case errno.EACCES | errno.EPERM:
            return f"no permission to open {path}: run `{_permit(path)}`, then log in or start the service anew"
        case errno.EBUSY | errno.EAGAIN:
            return f"{path} is in use by {_holder(path)}"
        case errno.ENOTTY | errno.EINVAL:
            return f"{path} is no serial port, or cannot be set like this: `gateway ports` lists the serial ports"
        case errno.ENXIO | errno.ENODEV | errno.EIO:
            return f"{path} does not answer: its device has gone or its adapter has failed; plug it in anew"
        case errno.EMFILE | errno.ENFILE:
            return (
                f"{path} cannot be opened, as too many files are open: raise LimitNOFILE of the service, or `ulimit -n`"
            )
    return f"{path} cannot be opened: {text}"


def errno_of(error: BaseException) -> int:
    """The errno of an error: the library keeps some of them, and hides others in the error that it wraps."""
    for each in (error, error.__context__):
        if each is not None and each.args and isinstance(each.args[0], int):
            return each.args[0]
    return 0


def _holder(path: str) -> str:
    found = holders(path)
    if not found:
        return f"a program that this user cannot see: `sudo fuser -v {path}` names it"
    if found[0].pid == os.getpid():
        return "this gateway itself: another board has the same port"
    who = f"{found[0].program} (pid {found[0].pid})"
    if found[0].program == "gateway":  # as it is run where it is installed, or by python -m
        return f"{who}: `gateway release BOARD` has it lent"
    return f"{who}: stop it, or give the board another port"


def _permit(path: str) -> str:
    """The command that lets this user open the device: by its group, or Debian's where that one gives no access."""
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    try:
        found = Path(path).stat()
        group = grp.getgrgid(found.st_gid).gr_name if found.st_gid and found.st_mode & 0o060 == 0o060 else "dialout"
    except (OSError, KeyError):
        group = "dialout"
    return f"sudo usermod -aG {group} {user}"
