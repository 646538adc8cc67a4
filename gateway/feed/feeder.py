"""What the web process is sent while somebody looks, and what it gets for an answer. Pure: no socket, no clock.

What costs something to write (numbers of many sensors) goes out as it lies in memory: the web process makes text of it.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..instants import instant
from ..ledger import Refused
from .protocol import encoded, written
from .ring import STEP
from .rings import Rings, Shown

Documents = tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]
"""The gateway's document, and those of its boards by name."""
ALARMS: dict[str | None, float] = {None: 0.0, "above": 1.0, "below": 2.0}


class Piece(NamedTuple):
    """Some bytes of a port. at: s of the monotonic clock."""

    at: float
    data: bytes
    sent: bool


class Taped(NamedTuple):
    """The newest bytes of a port, oldest first. about: port, baud, serial, asked, started (s since 1970)."""

    about: Mapping[str, Any]
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what is shown comes from.

    documents: one look at everything. refused: of each board the newest frames that it had refused. taped: the newest
    bytes of a board's port. now: s since 1970, and s of the clock of readings. moves: whether the street does. alarms:
    what is said of those sensors of a board whose alarm is on.
    """

    documents: Callable[[], Documents]
    refused: Callable[[], Iterable[tuple[str, Iterable[Refused]]]]
    taped: Callable[[str], Taped | None]
    now: Callable[[], tuple[float, float]]
    moves: Callable[[], bool]
    alarms: Callable[[str], Mapping[str, str]]


@dataclass(slots=True)
class Feeder:
    """What one web process was told, and is to be told."""

    sources: Sources
    rings: Rings
    _told: dict[str | None, Mapping[str, Any]] = field(default_factory=dict)
    _refused: dict[str, Refused] = field(default_factory=dict)  # the newest that was told, by board

    def look(self, looked_at: bool) -> None:
        """Somebody looks from now on, and has to be told all; or nobody does."""
        self.rings.look(looked_at)
        self._told, self._refused = {}, {}

    def values(self) -> list[bytes]:
        """The sensors that came and went, and the newest readings, since the last time."""
        rings, out = self.rings, []
        if rings.gone:
            out.append(_event("gone", {"ids": rings.gone}))
            rings.gone = []
        if rings.new:
            told = sorted(rings.new, key=lambda shown: shown.id)
            out.append(_event("sensors", {"sensors": [_named(shown) for shown in told]}))
            rings.new = set()
        if rings.changed:
            out.append(self._readings(rings.changed))
            rings.changed = set()
        return out

    def documents(self) -> list[bytes]:
        """The documents that are not as they were told, and the refused lines of boards that have new ones."""
        gateway, boards = self._documents()
        now: dict[str | None, Mapping[str, Any]] = {None: gateway}
        now.update(boards.items())
        before, self._told = self._told, now
        changed = {name: one for name, one in boards.items() if before.get(name) != one}
        out = []
        left = [name for name in before if name is not None and name not in boards]
        for name in left:
            self._refused.pop(name, None)
        if changed or left or gateway != before.get(None):
            out.append(_event("documents", {"gateway": gateway, "boards": changed, "left": left}))
        for board, refused in self.sources.refused():
            lines = list(refused)
            if lines and self._refused.get(board) is not lines[-1]:
                self._refused[board] = lines[-1]
                out.append(_event("lines", {"board": board, "refused": [_line(one) for one in lines]}))
        return out

    def _documents(self) -> Documents:
        gateway, boards = self.sources.documents()
        self.rings.keep({name: document["sensors"] for name, document in boards.items()})
        return gateway, boards

    def answer(self, asked: Mapping[str, Any], clock: Callable[[], float] = lambda: 0.0) -> bytes:
        """The answer to what the web process asks. clock: s of CPU; what a snapshot has taken is told."""
        head: dict[str, Any] = {"answer": asked.get("ask")}
        match asked.get("what"):
            case "health":
                return written({**head, "moves": self.sources.moves()})
            case "snapshot":
                began = clock()
                gateway, boards = self._documents()
                shown = self.rings.all()
                names = [[one.board, one.sensor, one.unit, one.wall, one.value] for one in shown]
                whole = {"gateway": gateway, "boards": boards, "sensors": names, "left_out": self.rings.left_out}
                text = encoded(whole)
                return written({**head, "took": clock() - began}, text)
            case "history":
                return self._history(head, self.rings.find(asked.get("id")))
            case "capture":
                return self._capture(head, str(asked.get("board")))
        return written({**head, "none": True})

    def _readings(self, changed: Iterable[Shown]) -> bytes:
        """The newest readings as 64-bit numbers: id, time, value, quality, alarm, which list of keys, features."""
        lists: dict[tuple[str, ...], int] = {}
        alarms: dict[str, Mapping[str, str]] = {}
        numbers = array("d")
        for one in changed:
            if one.board not in alarms:
                alarms[one.board] = self.sources.alarms(one.board)
            alarm = ALARMS[alarms[one.board].get(one.sensor)]
            which = lists.setdefault(one.keys, len(lists))
            numbers.extend((one.id, one.wall, one.value, one.quality, alarm, which, *one.columns))
        head = {"event": "values", "time": self.sources.now()[0], "keys": [list(keys) for keys in lists]}
        return written(head, numbers.tobytes())

    def _history(self, head: dict[str, Any], shown: Shown | None) -> bytes:
        if shown is None:
            return written({**head, "none": True})
        wall, mono = self.sources.now()
        begins, columns = shown.ring.hour(mono)
        start = round(wall - mono + begins, 3)
        return written({**head, "id": shown.id, "step": STEP, "start": start}, b"".join(map(array.tobytes, columns)))

    def _capture(self, head: dict[str, Any], board: str) -> bytes:
        taped = self.sources.taped(board)
        if taped is None:
            return written({**head, "none": True})
        lengths = array("i", [-len(data) if sent else len(data) for _, data, sent in taped.pieces])
        times = array("d", [at for at, _, _ in taped.pieces])
        data = b"".join(data for _, data, _ in taped.pieces)
        about = {**taped.about, "board": board, "pieces": len(times)}
        return written({**head, "about": about}, times.tobytes() + lengths.tobytes() + data)


def _event(name: str, data: Any) -> bytes:
    return written({"event": name}, encoded(data))


def _named(shown: Shown) -> dict[str, Any]:
    return {"id": shown.id, "board": shown.board, "sensor": shown.sensor, "unit": shown.unit}


def _line(one: Refused) -> dict[str, Any]:
    return {"time": instant(one.wall), "why": one.why, "hex": one.data.hex()}
