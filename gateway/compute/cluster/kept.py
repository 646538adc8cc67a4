"""On a worker of the cluster: users' modules that are laid out, and processes that have imported a feature of them.

One thread asks a process at a time; a worker with several threads has as many of each feature. What was of use to
nobody for long goes: a worker may live for years, and gateways come, reload and go.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..custom.answers import bad
from .children import Child, Gone
from .letters import UNPREPARED
from .modules import laid_out, mark_of

UNUSED = 600.0  # s after which a process that nothing was asked of is ended
FORGOTTEN = 6 * 3600.0  # s after which modules that nobody used are removed: of a gateway that has gone, of a reload
LOOK = 60.0  # s between looks for such


@dataclass(slots=True)
class Modules:
    """Users' modules that are laid out here. idle: processes, by their order, the latest used last."""

    folder: Path
    idle: dict[str, list[Child]] = field(default_factory=dict)
    users: int = 0  # at the moment
    used: float = 0.0  # when last
    over: bool = False  # nobody will ask for them any more


_lock = threading.Lock()
_known: dict[str, Modules] = {}  # by their mark
_looking = threading.Event()  # somebody looks for what is unused


class Unprepared(Exception):
    """Modules that are not here, or not any more."""


def prepared(place: str, order: str, modules: bytes) -> str:
    """See there.py."""
    mark = mark_of(modules)
    with _lock:
        if mark not in _known:
            _known[mark] = Modules(_laid_out(modules, place), used=time.monotonic())
    with _using(mark) as found:
        if found.idle.get(order):  # a bridge asks each time that it connects, and there may be many
            return ""
        try:
            _rest(found, order, Child(order, found.folder))
        except Gone as error:
            return str(error)
    return ""


def called(order: str, mark: str, call: bytes) -> bytes:
    """See there.py."""
    try:
        with _using(mark) as found:
            return _asked(found, order, call)
    except Unprepared:
        with _lock:
            gone = _known.pop(mark, None)
        if gone is not None:  # its files are perhaps no more what they were
            _ended(gone)
        return UNPREPARED


def _laid_out(modules: bytes, place: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gateway-features-", dir=place))
    try:
        laid_out(modules, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _asked(of: Modules, order: str, call: bytes) -> bytes:
    """Raises Unprepared where the feature cannot be imported any more."""
    child = _rested(of, order)
    if child is None:
        try:
            child = Child(order, of.folder)
        except Gone as error:
            raise Unprepared from error
    try:
        said = child.ask(call)
    except Gone as error:
        return bad(str(error), False)
    if said[1:2] == b"+":  # it has used up its memory
        child.end()
    else:
        _rest(of, order, child)
    return said


@contextmanager
def _using(mark: str) -> Iterator[Modules]:
    """The modules, which stay for as long. Raises Unprepared."""
    with _lock:
        if (found := _known.get(mark)) is None:
            raise Unprepared
        found.users += 1
    try:
        yield found
    finally:
        with _lock:
            found.users, found.used = found.users - 1, time.monotonic()
            if not _looking.is_set():
                _looking.set()
                threading.Thread(target=_look, name="unused", daemon=True).start()


def _rested(of: Modules, order: str) -> Child | None:
    """A process that has nothing to do, and that has not ended meanwhile: that is no fault of the next call's."""
    while True:
        with _lock:
            idle = of.idle.get(order)
            child = idle.pop() if idle else None
        if child is None or child.waits():
            return child
        child.end()


def _rest(of: Modules, order: str, child: Child) -> None:
    """It has nothing to do."""
    child.since = time.monotonic()
    with _lock:
        if not of.over:
            of.idle.setdefault(order, []).append(child)
            return
    child.end()


def _look() -> None:
    """Ends and removes what is unused, until there is nothing left."""
    left = True
    while left:
        time.sleep(LOOK)
        left = sweep(time.monotonic())


def sweep(now: float) -> bool:
    """Ends processes that had nothing to do for long, and removes modules that nobody used for longer. Gives whether
    any are left. now: s, monotonic."""
    old: list[Child] = []
    forgotten: list[Modules] = []
    with _lock:
        for mark, found in [*_known.items()]:
            for order, idle in [*found.idle.items()]:
                old += [one for one in idle if now - one.since > UNUSED]
                idle[:] = [one for one in idle if now - one.since <= UNUSED]
                if not idle:
                    del found.idle[order]
            if not found.idle and not found.users and now - found.used > FORGOTTEN:
                forgotten.append(_known.pop(mark))
        left = bool(_known)
        if not left:
            _looking.clear()
    for one in old:
        one.end()
    for each in forgotten:
        _ended(each)
    return left


def _ended(of: Modules) -> None:
    """Lets go of modules, and of their processes."""
    with _lock:
        of.over = True
        rested = [child for idle in of.idle.values() for child in idle]
    for child in rested:
        child.end()
    shutil.rmtree(of.folder, ignore_errors=True)  # Dask clears its own directory in the end
