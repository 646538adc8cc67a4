"""A TOML file -> its tables, or a sentence that says why there are none."""

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

from ..shown import shown
from .words import path_of

LONGEST = 1_000_000  # bytes of a file; more is no configuration


class Wrong(Exception):
    """A configuration that the gateway cannot run with. `problems`: a sentence each, saying where, what, what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read(path: str | Path) -> bytes:
    """What is in the file. Raises Wrong; also for a pipe, of which an opening, or a reading, might never end."""
    place = path_of(path)
    try:
        kind = os.stat(path).st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            raise Wrong([f"{place}: is a pipe or a device and no file; give a file, with -c"])
        with open(path, "rb") as file:
            return file.read(LONGEST + 1)
    except FileNotFoundError:
        raise Wrong([f"{place}: there is no such file; `gateway init` writes one"]) from None
    except IsADirectoryError:
        raise Wrong([f"{place}: is a directory; give the file in it, with -c"]) from None
    except PermissionError:
        raise Wrong(
            [f"{place}: this user may not read it; `sudo chmod a+r` on it, or run as the user it is meant for"]
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise Wrong([f"{place}: cannot be read: {_short(error)}; give another file, with -c"]) from None


def parsed(data: bytes, where: str) -> tuple[dict[str, Any], list[str]]:
    """What TOML makes of it; or ({}, what is wrong)."""
    name = path_of(where)
    if len(data) > LONGEST:
        return {}, [f"{name}: over {LONGEST // 1_000_000} MB is no configuration; give another file, with -c"]
    try:
        return tomllib.loads(data.decode("utf-8-sig")), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return {}, [f"{name}: line {line} is not UTF-8; save the file as UTF-8"]
    except RecursionError:
        return {}, [f"{name}: not TOML that makes sense here: tables or lists in each other, too deep; take them out"]
    except ValueError as error:  # TOMLDecodeError, and a number too long for int()
        return {}, [f"{name}: not TOML: {_short(error)}; put that right first"]


def _short(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return shown(text[:1].lower() + text[1:], 200)
