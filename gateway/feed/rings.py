"""The rings of all sensors, and the newest reading of each. Pure: fed with computed readings, asked by the feeder."""

from collections.abc import Callable, Collection, Iterable, Mapping

from ..model import Features
from .ring import Ring

MOST = 2000
"""Sensors that have a ring; what comes beyond is published all the same, and not shown."""
COUNTED = 100_000  # of those, told apart by a number each


class Shown:
    """One sensor. id: holds for this run of the gateway."""

    __slots__ = ("board", "columns", "id", "keys", "quality", "ring", "sensor", "unit", "value", "wall")

    def __init__(self, id: int, features: Features) -> None:
        self.id, self.board, self.sensor, self.unit = id, features.board, features.sensor, features.unit
        self.ring = Ring()
        self.wall = self.value = 0.0
        self.quality = 0
        self.keys: tuple[str, ...] = ()
        self.columns: list[float] = []

    def take(self, features: Features) -> None:
        """Takes computed readings in order."""
        self.ring.take(features.mono, features.value)
        self.wall, self.value, self.quality = features.wall[-1], features.value[-1], features.quality[-1]
        self.keys, self.columns = features.keys, [column[-1] for column in features.columns]


class Rings:
    """has: whether a board is read and a sensor of it has that name now, so that what a board has under way when it
    leaves brings it back no more.

    new, changed: sensors that came, or have another unit, and those with newer readings, since they were asked for;
    gone: ids of those that left. They are kept only while somebody looks.
    """

    def __init__(self, has: Callable[[str, str], bool], most: int = MOST) -> None:
        self.looked_at = False
        self.new: set[Shown] = set()
        self.changed: set[Shown] = set()
        self.gone: list[int] = []
        self.left_out = 0  # sensors that found no place; counted anew whenever one leaves
        self._has, self._most = has, most
        self._shown: dict[str, dict[str, Shown]] = {}  # by board and sensor
        self._by_id: dict[int, Shown] = {}
        self._without: set[int] = set()
        self._ids = 0

    def feed(self, pieces: Iterable[Features]) -> None:
        """Takes what was computed, in order within each sensor."""
        shown_by_board, looked_at = self._shown, self.looked_at
        for features in pieces:
            board = shown_by_board.get(features.board)
            shown = board.get(features.sensor) if board is not None else None
            if shown is None:
                shown = self._met(features)
                if shown is None:
                    continue
            elif shown.unit != features.unit:
                shown.unit, shown.ring = features.unit, Ring()  # values that cannot be compared with those before
                self.new.add(shown)
            shown.take(features)
            if looked_at:
                self.changed.add(shown)

    def _met(self, features: Features) -> Shown | None:
        """A sensor that came; None where there is no place for it."""
        if not self._has(features.board, features.sensor):
            return None
        if len(self._by_id) >= self._most and not self._room(hash((features.board, features.sensor))):
            return None
        self._ids += 1
        shown = Shown(self._ids, features)
        self._shown.setdefault(features.board, {})[features.sensor] = self._by_id[shown.id] = shown
        self.new.add(shown)
        return shown

    def _room(self, name: int) -> bool:
        """Looks once for each name whether others have left, though nobody looks. Gives whether there is room."""
        if name in self._without or len(self._without) >= COUNTED:
            return False
        for shown in [one for one in self._by_id.values() if not self._has(one.board, one.sensor)]:
            self._forget(self._shown[shown.board].pop(shown.sensor))
        if len(self._by_id) < self._most:
            return True
        self._without.add(name)
        self.left_out = len(self._without)
        return False

    def drop(self, board: str) -> None:
        """The board is read no more."""
        for shown in self._shown.pop(board, {}).values():
            self._forget(shown)

    def keep(self, sensors: Mapping[str, Collection[str]]) -> None:
        """Drops those that there are no more: what is called otherwise now. sensors: all that there are, by board."""
        for board, known in self._shown.items():
            there = sensors.get(board, ())
            for name in [name for name in known if name not in there]:
                self._forget(known.pop(name))

    def _forget(self, shown: Shown) -> None:
        del self._by_id[shown.id]
        self.gone.append(shown.id)
        self.new.discard(shown)
        self.changed.discard(shown)
        self._without.clear()
        self.left_out = 0

    def clear(self) -> None:
        """Nobody is to look any more: all memory is given back."""
        for board in [*self._shown]:
            self.drop(board)
        self.gone.clear()

    def look(self, looked_at: bool) -> None:
        """Somebody looks, from nothing: all is new; or nobody does."""
        self.looked_at = looked_at
        self.new = set(self._by_id.values()) if looked_at else set()
        self.changed = set(self.new)
        self.gone.clear()

    def all(self) -> list[Shown]:
        """In the order in which they came."""
        return list(self._by_id.values())

    def find(self, id: object) -> Shown | None:
        """The sensor with this id."""
        return self._by_id.get(id) if isinstance(id, int) else None
