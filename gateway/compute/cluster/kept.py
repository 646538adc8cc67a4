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
            folder = Path(tempfile.mkdtemp(prefix="gateway-features-", dir=place))
            laid_out(modules, folder)
            _known[mark] = Modules(folder, used=time.monotonic())
    with _using(mark) as found:
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
        return UNPREPARED


def _asked(of: Modules, order: str, call: bytes) -> bytes:
    with _lock:
        idle = of.idle.get(order)
        child = idle.pop() if idle else None
    try:
        child = child or Child(order, of.folder)
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


def _rest(of: Modules, order: str, child: Child) -> None:
    """It has nothing to do."""
    child.since = time.monotonic()
    with _lock:
        of.idle.setdefault(order, []).append(child)


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
    removed: list[Path] = []
    with _lock:
        for mark, found in [*_known.items()]:
            for order, idle in [*found.idle.items()]:
                old += [one for one in idle if now - one.since > UNUSED]
                idle[:] = [one for one in idle if now - one.since <= UNUSED]
                if not idle:
                    del found.idle[order]
            if not found.idle and not found.users and now - found.used > FORGOTTEN:
                removed.append(_known.pop(mark).folder)
        left = bool(_known)
        if not left:
            _looking.clear()
    for one in old:
        one.end()
    for folder in removed:
        shutil.rmtree(folder, ignore_errors=True)  # Dask clears its own directory in the end
    return left
