"""The compute stage: samples in, features out, in order within each sensor. Runs in the loop, computes nothing there.

A board has at most one batch under way; what arrives meanwhile is its next one. So batches are small while workers are
free and grow while they are busy, and a board that is slow to compute holds up no other. Boards take turns.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ..model import Chunk, Drop, Features, Plan, Sample
from .batching import Batch, leaves, portion, read, settled, written
from .desks import Desk, in_turn, taken
from .pool import Pool
from .sensors import Row, Sensor
from .tasks import Result
from .uncomputed import uncomputed

if TYPE_CHECKING:
    from .cluster.batches import Batches

NOTHING: Mapping[tuple[str, str], int] = {}
MOST_WAITING = 20_000  # readings of a board


class Stage:
    """Joins boards' readings to batches and keeps a pool busy with them.

    plan: of (board, sensor). emit: gets each batch's features. dropped: (board, reason, readings), for the ledger.
    most: readings of a board that may wait; what comes beyond is shed. linger: s that a batch waits for company.
    """

    def __init__(
        self,
        plan: Callable[[str, str], Plan],
        emit: Callable[[list[Features]], None],
        dropped: Callable[[str, Drop, int], None],
        *,
        workers: int,
        linger: float = 0.0,
        most: int = MOST_WAITING,
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> None:
        self.pool = Pool(workers, self.soon, event)
        self._plan, self._emit, self._dropped, self._event = plan, emit, dropped, event
        self._linger, self._most = linger, most
        self._desks: dict[str, Desk] = {}
        self._seqs: dict[tuple[str, str], int] = {}  # the last of sensors that are forgotten: a run has each once
        self._apart: deque[Batch] = deque()  # what failed together, to be tried again one by one
        self._elsewhere: Batches | None = None
        self._returned: deque[Batch] = deque()  # what the cluster has not computed: it goes first
        self._given: dict[int, Batch] = {}  # what the pool has
        self._turns = itertools.count()
        self._wake: asyncio.Handle | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self._start = 0.0

    @property
    def began(self) -> float:
        """When it started; s of the loop's clock, which `now` and Features.mono count from."""
        return self._start

    def join(self, elsewhere: Batches) -> None:
        """Batches may go to a cluster from now on."""
        self._elsewhere = elsewhere

    async def start(self, began: float | None = None) -> None:
        """Starts the pool; returns when a worker has answered. began: see above; the present when None. Raises OSError
        when none can start."""
        self._start = asyncio.get_running_loop().time() if began is None else began
        await self.pool.start()

    async def stop(self, patience: float = 4.0) -> list[Features]:
        """Computes what waits, then ends the workers; gives what is not computed after `patience` seconds."""
        self._linger = 0.0
        if self._wake is not None:
            self._wake.cancel()
        self._dispatch()
        try:
            async with asyncio.timeout(patience):
                await self._empty.wait()
        except TimeoutError:
            pass
        finally:
            await self.pool.stop()
        left = self.older(math.inf)
        self._given, self._apart, self._returned = {}, deque(), deque()
        for desk in self._desks.values():
            desk.waiting = desk.computing = 0
            desk.ready.clear()
        return left

    def held(self, board: str) -> int:
        """Readings of `board` that have come in and not left this stage."""
        desk = self._desks.get(board)
        return desk.waiting + desk.computing if desk else 0

    def oldest(self) -> float:
        """When the oldest reading came that is here; s, on the clock of `now`; infinity when there is none."""
        under_way = (row.t for made in (*self._given.values(), *self._apart) for row in made.first_rows)
        waiting = (desk.since for desk in self._desks.values() if desk.ready)
        return min(itertools.chain(under_way, waiting), default=math.inf)

    def firsts(self) -> dict[tuple[str, str], int]:
        """The lowest seq that is here, by (board, sensor)."""
        return {(sensor.board, sensor.name): rows[0][0].seq for sensor, rows in self._rows().items()}

    def older(self, cut: float, beyond: Mapping[tuple[str, str], int] = NOTHING) -> list[Features]:
        """What came until `cut` and is here, in order within each sensor, as far as it can be told without a worker.

        beyond: by (board, sensor), the seq up to which nobody asks.
        """
        out: list[Features] = []
        for sensor, several in self._rows().items():
            low = beyond.get((sensor.board, sensor.name), 0)
            late = itertools.takewhile(lambda row: row.t <= cut, itertools.chain.from_iterable(several))
            out += uncomputed(sensor, (row for row in late if row.seq > low))
        return out

    def _rows(self) -> dict[Sensor, list[list[Row]]]:
        """All readings that are here: what is under way, and then what waits."""
        rows: dict[Sensor, list[list[Row]]] = {}
        for made in (*self._given.values(), *self._apart):
            for entry in made.entries:
                rows.setdefault(entry.sensor, []).append(entry.rows)
        for desk in self._desks.values():
            for sensor in desk.ready:
                rows.setdefault(sensor, []).append(sensor.fresh)
        return rows

    def replan(self, plan: Callable[[str, str], Plan]) -> None:
        """From each sensor's next batch on `plan`, of (board, sensor), counts."""
        self._plan = plan
        for desk in self._desks.values():
            for sensor in desk.sensors.values():
                sensor.replan(plan(sensor.board, sensor.name))

    def renew(self, board: str, name: str) -> int:
        """The next values of a sensor are not comparable with those before. Gives the seq of the first of them."""
        desk = self._desks.get(board)
        sensor = desk.sensors.get(name) if desk else None
        return sensor.renew(self._plan(board, name)) if sensor else self._seqs.get((board, name), 0) + 1

    def forget(self, board: str) -> None:
        """Lets the windows of a board go that is not read any more; of its sensors only the numbers are kept."""
        if not self.held(board) and (desk := self._desks.pop(board, None)) is not None:
            self._seqs |= {(board, name): sensor.seq for name, sensor in desk.sensors.items()}

    def sensors(self, board: str) -> list[Sensor]:
        """The sensors of `board` so far."""
        desk = self._desks.get(board)
        return list(desk.sensors.values()) if desk else []

    def now(self) -> float:
        """The present on the clock of `Row.t`."""
        return asyncio.get_running_loop().time() - self._start

    def take(self, board: str, samples: list[Sample], chunk: Chunk) -> None:
        """Takes in what arrived in one piece."""
        desk = self._desks.get(board)
        if desk is None:
            desk = self._desks[board] = Desk()
        wall, t = chunk.wall, chunk.mono - self._start
        sensors, ready, room = desk.sensors, desk.ready, self._most - desk.waiting
        taken = out_of_range = shed = 0
        for name, value, unit, count in samples:
            sensor = sensors.get(name)
            if sensor is None:
                seq = self._seqs.pop((board, name), 0)
                sensor = sensors[name] = Sensor(board, name, self._plan(board, name), seq)
            if taken >= room:
                sensor.seq += 1  # a reading that is shed leaves its gap
                shed += 1
            elif sensor.add(value, unit, count, wall, t):
                taken += 1
                ready[sensor] = None
            else:
                out_of_range += 1
        if taken:
            if not desk.waiting:
                desk.since, desk.turn = t, next(self._turns)
            desk.waiting += taken
            self._empty.clear()
            self.soon()
        if out_of_range:
            self._dropped(board, Drop.OUT_OF_RANGE, out_of_range)
        if shed:
            self._dropped(board, Drop.SHED, shed)

    def soon(self) -> None:
        """Looks for a batch to send once the loop has seen what else has arrived."""
        if isinstance(self._wake, asyncio.TimerHandle):  # it waits for company; something else has come up
            self._wake.cancel()
            self._wake = None
        if self._wake is None:
            self._wake = asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._wake = None
        while free := self.pool.free:
            if first := self._returned or self._apart:
                self._compute(first.popleft())
                continue
            waiting = self._waiting()
            if not waiting:
                return
            made = taken(self._desks, waiting, portion([desk.waiting for desk in waiting], free))
            self._given[id(made)] = made
            if self._elsewhere is not None and self._elsewhere.goes(made.sensors, made.readings, 0):
                self._elsewhere.give(made, self.now())
            else:
                self._compute(made)
        if self._elsewhere is not None:
            self._overflow(self._elsewhere)

    def _overflow(self, elsewhere: Batches) -> None:
        """All workers here are busy: what waits goes to the cluster where it is done sooner there."""
        while free := elsewhere.free:
            waiting = self._waiting()
            counts = [desk.waiting for desk in waiting]
            most, sensors = portion(counts, free), [sensor for desk in waiting for sensor in desk.ready]
            if not waiting or not elsewhere.goes(sensors, most, sum(counts) - most):
                return
            made = taken(self._desks, waiting, most)
            self._given[id(made)] = made
            elsewhere.give(made, self.now())

    def _waiting(self) -> list[Desk]:
        """The boards whose turn it is, in turn. Where they wait for company, none, and it is looked again later."""
        waiting = in_turn(self._desks.values())
        oldest = min((desk.since for desk in waiting), default=0.0)
        if waiting and not leaves(oldest, self.now(), self._linger):
            if self._wake is None:
                self._wake = asyncio.get_running_loop().call_at(self._start + oldest + self._linger, self._dispatch)
            return []
        return waiting

    def _compute(self, made: Batch) -> None:
        """Hands a batch to a worker here."""
        self._given[id(made)] = made
        task = written(made)
        self.pool.give(task, partial(self._answered, made), partial(self._failed, made))
        if self._elsewhere is not None:
            self._elsewhere.begins(made, task)

    def take_back(self, made: Batch) -> None:
        """A batch that the cluster has not computed."""
        self._returned.append(made)
        self.soon()

    def _answered(self, made: Batch, answer: bytes) -> None:
        """A worker's answer. Raises Nonsense when it is none."""
        results = read(answer)
        if isinstance(results, str):
            self._failed(made, results)
        else:
            self.settle(made, results)

    def settle(self, made: Batch, results: list[Result]) -> None:
        """A batch is computed. Raises Nonsense when these are not its results."""
        if id(made) not in self._given:  # it was handed over uncomputed at the stop
            return
        features = settled(made, results)
        self._leave(made)
        self._emit(features)

    def _failed(self, made: Batch, why: str) -> None:
        """One sensor's fault stays with it: the others of its batch are computed without it."""
        entries = list(made.entries)
        if len(entries) > 1:
            if self._elsewhere is not None:
                self._elsewhere.ends(made)
            del self._given[id(made)]
            self._apart += made.apart()
            self.soon()
            return
        self._event("compute.failed", why=why, boards=made.boards, readings=made.readings)
        for entry in entries:
            entry.sensor.forget(len(entry.rows))
            self._dropped(entry.sensor.board, Drop.COMPUTE_FAILED, len(entry.rows))
        self._leave(made)

    def _leave(self, made: Batch) -> None:
        if self._elsewhere is not None:
            self._elsewhere.ends(made)
        self._given.pop(id(made), None)
        for entry in made.entries:
            desk = self._desks[entry.sensor.board]
            desk.computing -= len(entry.rows)
            desk.turn = next(self._turns)  # what has come meanwhile waits behind those that wait already
        if not any(desk.waiting or desk.computing for desk in self._desks.values()):
            self._empty.set()
