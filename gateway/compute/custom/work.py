"""The process that runs one feature of a user's own: it imports the module, and answers call after call.

Whatever the function does ends here: it has a memory limit, its output goes to the log, what it leaves running is
looked at (left.py), and the gateway believes nothing that this process says (answers.py).
"""

import importlib
import io
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from pickle import loads
from typing import Any, NoReturn, TextIO

import numpy as np

from ..wire import READY, Inbox, framed, room
from ..worker import STDERR, STDOUT, die_with_parent, goes_first
from .answers import bad, good
from .checked import Unfit, columns
from .left import Looks

LAST = 5  # how far it stands back from those who want a core as well: they get two thirds and more
WORN = 0.8  # of the memory that it may use after the import: then it is replaced before it fails
Function = Callable[[Any, Any, int], object]
Call = tuple[int, bytes, bytes]  # new readings; times and values, float64


class NoFeature(Exception):
    """The function cannot be had; the text is a clause: "cannot be imported: …"."""


def work(pipe: socket.socket, output: socket.socket | FileIO) -> NoReturn:
    """Takes what to import, and then calls, until the gateway has gone. Ends the process."""
    code = 1
    try:
        die_with_parent()
        _settle_in(output)
        _answer_all(pipe)
        code = 0
    except ConnectionError:  # the gateway has let go
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _settle_in(output: socket.socket | FileIO) -> None:
    """Output to the log; out of memory it goes first, and for a core it goes last: built-in features come before it."""
    os.dup2(output.fileno(), STDOUT)
    os.dup2(output.fileno(), STDERR)
    output.close()
    sys.stdout, sys.stderr = map(_text_to, (STDOUT, STDERR))
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.pop("NOTIFY_SOCKET", None)
    goes_first(900)
    with suppress(OSError):  # some sandboxes forbid that
        os.nice(LAST)


def _text_to(descriptor: int) -> TextIO:
    """Line by line, and whatever the locale is: a degree sign is no reason for a feature to fail."""
    return io.TextIOWrapper(
        io.FileIO(descriptor, "w", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True
    )


def _answer_all(pipe: socket.socket) -> None:
    inbox, piece = Inbox(), room()
    function: Function | None = None
    worn_at, looks = 0, Looks(1.0, 0)
    while size := pipe.recv_into(piece):
        for _, data in inbox.feed(piece[:size]):
            if function is None:
                order = json.loads(data)
                most = _limited(order["memory"])
                looks = Looks(order["pace"], most)
                sys.dont_write_bytecode = True
                try:
                    function = imported(order)
                except NoFeature as error:
                    pipe.sendall(framed(READY, str(error).encode(errors="replace")[:400] or b"cannot be imported"))
                    return
                here = _mapped()
                worn_at = int(here + WORN * (most - here))
                pipe.sendall(framed(READY, b""))
                continue
            for number, call in enumerate(loads(data), 1):
                said = answer(function, order["function"], call, order["folder"], worn_at, looks)
                pipe.sendall(framed(number, said))


def answer(function: Function, key: str, call: Call, folder: str, worn_at: int, looks: Looks) -> bytes:
    """What `function` says to a call. key: of a lone array; worn_at: bytes mapped; looks: for what it leaves."""
    new, times, values = call
    try:
        result = function(np.frombuffer(times).copy(), np.frombuffer(values).copy(), new)
        keys, numbers = columns(result, key, new)
        del result
        mapped = _mapped()
        if wrong := looks.wrong(mapped):
            return bad(wrong, True)  # it is replaced, and so all that it left ends
    except Unfit as error:
        return bad(str(error), _mapped() > worn_at)
    except MemoryError as error:
        return bad(f"{raised(error, folder)}; compute.memory is its limit", True)
    except BaseException as error:  # whatever a user's code can raise, SystemExit too
        return bad(raised(error, folder), _mapped() > worn_at)
    return good(keys, numbers, mapped > worn_at)


def raised(error: BaseException, folder: str) -> str:
    """What an exception was and where, as a clause: the deepest line of a file beside the configuration."""
    text = ""
    with suppress(BaseException):  # the user's own class may fail to say what it is
        text = str(error)[:200]
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if frame.filename.startswith(folder + os.sep)] or frames[1:]
    where = f" at line {inside[-1].lineno} of {Path(inside[-1].filename).name}" if inside else ""
    return f"raised {type(error).__name__}{where}" + (f": {text}" if text else "")


def imported(order: dict[str, Any]) -> Function:
    """The function, found beside the configuration or among what is installed, but not in the working directory.

    order: module, function, folder. Raises NoFeature.
    """
    name, function, folder = order["module"], order["function"], order["folder"]
    with suppress(OSError):
        sys.path[:] = [path for path in sys.path if path not in ("", os.getcwd())]
    sys.path.insert(0, folder)
    try:
        found = getattr(importlib.import_module(name), function, None)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(missing + "."):
            raise NoFeature(f"cannot be imported: there is no module {name} in {folder}, and none installed") from None
        raise NoFeature(f"cannot be imported: it needs the module {missing}, which is not installed") from None
    except MemoryError as error:
        raise NoFeature(f"cannot be imported: it {raised(error, folder)}; compute.memory is its limit") from None
    except BaseException as error:  # whatever a user's module can raise
        raise NoFeature(f"cannot be imported: it {raised(error, folder)}") from None
    if not callable(found):
        what = "there is no such function" if found is None else "that is no function"
        raise NoFeature(f"cannot be called: {what} in {name}")
    return found  # type: ignore[no-any-return]


def _mapped() -> int:
    """Bytes that are mapped."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _limited(memory: int) -> int:
    """Lets this process map `memory` bytes more than it has now; gives the limit."""
    limit = _mapped() + memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return limit
