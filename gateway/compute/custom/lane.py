"""The lane of users' own features: computed readings in, the same with more columns out, in order within each sensor.

Readings of sensors that none covers pass straight through. The others wait for the features that cover them, each of
which has a process of its own, for at most `deadline`; what is not there then is null. So no feature keeps another
waiting, nor a sensor that it does not cover; and what waits here is bounded by rate x deadline.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...model import Features, Plan
from .feature import Feature
from .pieces import Columns, Covered, Custom, Piece
from .window import Window

if TYPE_CHECKING:
    from ..cluster.cluster import Cluster

MOST_WAITING = 50_000  # readings; beyond, the oldest leave before their time


class Lane:
    """Between the compute stage and whoever takes its features.

    plan: of (board, sensor), says which features cover it; emit: gets what leaves.
    """

    def __init__(
        self,
        custom: Custom,
        plan: Callable[[str, str], Plan],
        emit: Callable[[list[Features]], None],
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> None:
        self._custom, self._plan, self._emit, self._event = custom, plan, emit, event
        self._features: dict[str, Feature] = {}
        self._owners: dict[str, str] = {}  # key -> the feature that may use it; a function's name is its own
        self._sensors: dict[tuple[str, str], Covered | None] = {}
        self._line: deque[Piece] = deque()  # all that wait, in the order in which they came
        self._held: Counter[str] = Counter()
        self._out: list[Features] | None = None  # what leaves during a call, to be emitted at its end
        self._alarm: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self._stopping = False
        self._cluster: Cluster | None = None

    def join(self, cluster: Cluster) -> None:
        """Features may be asked of a cluster as well; to be said before the start."""
        self._cluster = cluster

    def start(self) -> None:
        """Starts the features' processes, in the background."""
        for name in self._custom.names:
            feature = Feature(name, self._custom, self._settled, self._owners, self._event)
            if self._cluster is not None:
                from ..cluster.calls import Calls

                feature.join(Calls(name, self._custom.deadline, self._cluster))
                self._cluster.listen(feature.flush)
            self._features[name] = feature
            self._owners.setdefault(feature.function, name)
            feature.start()

    async def stop(self, patience: float = 1.0) -> None:
        """Waits for answers, at most `patience` seconds; then all leaves as it is, and the processes are ended."""
        try:
            async with asyncio.timeout(patience):
                await self._empty.wait()
        except TimeoutError:
            pass
        finally:
            self._stopping = True
            for feature in self._features.values():
                feature.end()
            if self._alarm is not None:
                self._alarm.cancel()
        await asyncio.gather(*(feature.runner.gone(1.0) for feature in self._features.values()))

    def replan(self, plan: Callable[[str, str], Plan]) -> None:
        """From now on `plan`, of (board, sensor), counts; the windows of sensors that have another one start anew."""
        self._plan = plan
        self._sensors = {key: sensor for key, sensor in self._sensors.items() if sensor is not None}
        for key, sensor in self._sensors.items():
            if sensor is not None and (new := self._known(plan(*key))) != sensor.plan:
                sensor.plan, sensor.window = new, Window(new, sensor.window.unit)

    def renew(self, board: str, name: str, seq: int) -> None:
        """A sensor's readings from `seq` on are not comparable with those before: they get a window of their own."""
        sensor = self._sensors.get((board, name))
        if sensor is None:
            self._sensors.pop((board, name), None)  # it may be covered now
        else:
            sensor.plan = self._known(self._plan(board, name))
            sensor.borders.append(seq)

    def forget(self, board: str) -> None:
        """Lets the windows of a board go that is not read any more."""
        if not self._held[board]:
            del self._held[board]
            self._sensors = {key: sensor for key, sensor in self._sensors.items() if key[0] != board}

    def _known(self, plan: Plan) -> Plan:
        """A feature that came into the configuration later has no process yet."""
        return replace(plan, custom=tuple(name for name in plan.custom if name in self._features))

    def release(self) -> None:
        """Lifts all quarantines, and has all modules imported anew: for a reload."""
        for feature in self._features.values():
            feature.anew()

    # what there is to say

    def held(self, board: str) -> int:
        """Readings of `board` that wait here."""
        return self._held[board]

    def oldest(self) -> float:
        """When the oldest reading came that waits here; s, as Features.mono has it; infinity when there is none."""
        return min((piece.features.mono[0] for piece in self._line if not piece.left), default=math.inf)

    def firsts(self) -> dict[tuple[str, str], int]:
        """The lowest seq that waits here, by (board, sensor)."""
        out: dict[tuple[str, str], int] = {}
        for piece in self._line:
            if not piece.left:
                out.setdefault((piece.features.board, piece.features.sensor), piece.features.seq[0])
        return out

    def older(self, cut: float, beyond: Mapping[tuple[str, str], int]) -> list[Features]:
        """What came until `cut` and waits here, in order within each sensor, with what is computed so far.

        beyond: by (board, sensor), the seq up to which nobody asks.
        """
        out = []
        for piece in self._line:
            features = piece.features
            first = bisect_right(features.seq, beyond.get((features.board, features.sensor), 0))
            last = bisect_right(features.mono, cut)
            if not piece.left and first < last:
                out.append(self._finished(piece).cut(first, last))
        return out

    def look(self) -> dict[str, Any]:
        """What the status shows under `pool`. reason: a sentence, while something is in quarantine."""
        features = self._features.values()
        shown: dict[str, Any] = {
            "quarantined": [feature.name for feature in features if feature.quarantined],
            "reason": "; ".join(feature.reason for feature in features if feature.reason) or None,
        }
        if self._custom.names:
            shown["custom"] = {
                "workers": sum(feature.runner.idle or feature.busy for feature in features),
                "calls": sum(feature.calls for feature in features),
                "missed": sum(feature.missed for feature in features),
                "replaced": sum(feature.replaced for feature in features),
            }
        return shown

    # in

    def put(self, pieces: list[Features]) -> None:
        """Takes in computed readings, in order within each sensor."""
        if not self._features or self._stopping:
            self._emit(pieces)
            return
        self._out = out = []
        for features in pieces:
            sensor = self._sensor(features.board, features.sensor, features.unit)
            if sensor is None:
                out.append(features)
            else:
                self._take(sensor, features)
        while self._held.total() > MOST_WAITING:
            self._expire(self._line[0])
        self._out = None
        if out:
            self._emit(out)
        for feature in self._features.values():
            feature.flush()

    def _sensor(self, board: str, name: str, unit: str) -> Covered | None:
        """What there is of a sensor; None when nothing covers it."""
        key = board, name
        if key not in self._sensors:
            plan = self._known(self._plan(board, name))
            self._sensors[key] = Covered(plan, Window(plan, unit)) if plan.custom else None
        return self._sensors[key]

    def _take(self, sensor: Covered, features: Features) -> None:
        apart = bool(sensor.borders) and sensor.borders[0] <= features.seq[0]
        if apart:
            sensor.borders = [border for border in sensor.borders if border > features.seq[0]]
        if apart or sensor.window.unit != features.unit:  # °C and °F make no window
            sensor.window = Window(sensor.plan, features.unit)
        window, waiting = sensor.window, sensor.waiting
        span = window.add(features)
        # those in front may wait for another window: from before a reload, or in the unit of before
        window.forget(next((one.span.start for one in waiting if one.window is window), span.start))
        wanted = [feature for name in sensor.plan.custom if (feature := self._features[name]).wanted]
        due = asyncio.get_running_loop().time() + self._custom.deadline
        piece = Piece(features, sensor, window, span, due, {feature.name for feature in wanted})
        waiting.append(piece)
        self._line.append(piece)
        self._held[features.board] += len(features)
        self._empty.clear()
        for feature in wanted:
            feature.put(piece)
        if not wanted:
            self._leave(piece)
        elif self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_at(due, self._ring)

    # out

    def _ring(self) -> None:
        """Somebody's time is over."""
        loop = asyncio.get_running_loop()
        while self._line and self._line[0].due <= loop.time():
            self._expire(self._line[0])
        self._alarm = loop.call_at(self._line[0].due, self._ring) if self._line else None

    def _expire(self, piece: Piece) -> None:
        """The oldest piece of all leaves as it is."""
        for name in piece.missing:
            self._features[name].expired(piece)
        piece.missing.clear()
        self._leave(piece)

    def _settled(self, piece: Piece, name: str) -> None:
        """A feature has answered for a piece, or never will."""
        piece.missing.discard(name)
        if not piece.missing:
            self._leave(piece)

    def _leave(self, piece: Piece) -> None:
        """Nothing is missing of this piece: it leaves, and what waited behind it, once it is its sensor's oldest."""
        out, waiting = [], piece.sensor.waiting
        while waiting and not waiting[0].missing:
            first = waiting.popleft()
            first.left = True
            self._held[first.features.board] -= len(first.features)
            out.append(self._finished(first))
        while self._line and self._line[0].left:
            self._line.popleft()
        if not self._line:
            self._empty.set()
        if self._out is not None:
            self._out += out
        elif out:
            self._emit(out)

    def _finished(self, piece: Piece) -> Features:
        """With the columns that came, and null for those that did not."""
        features, columns = piece.features, Columns()
        for name in piece.sensor.plan.custom:
            made = piece.columns.get(name) or {
                key: array("d", [math.nan]) * len(features) for key in self._features[name].null_keys
            }
            columns |= {key: column for key, column in made.items() if key not in columns}
        return replace(features, keys=(*features.keys, *columns), columns=[*features.columns, *columns.values()])
