"""The compute stage: samples in, features out, in order within each sensor. Runs in the loop and computes nothing there.

A board has at most one batch under way; what arrives meanwhile is its next one. So batches are small while workers are
free and grow while they are busy, and a board that is slow to compute holds up no other.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ..model import Chunk, Drop, Features, Plan, Sample
from .batching import Batch, batch, leaves, portion, read, settled, written
from .pool import Pool
from .sensors import Sensor


@dataclass(slots=True)
class Desk:
    """One board's sensors, and its readings that wait."""

    sensors: dict[str, Sensor] = field(default_factory=dict)
    ready: dict[Sensor, None] = field(default_factory=dict)  # those with waiting readings, first come first
    waiting: int = 0
    computing: int = 0
    since: float = 0.0  # when the oldest waiting reading came


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
        most: int = 20_000,
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> None:
        self.pool = Pool(workers, self._answered, self._soon, event)
        self._plan, self._emit, self._dropped, self._event = plan, emit, dropped, event
        self._linger, self._most = linger, most
        self._desks: dict[str, Desk] = {}
        self._under_way: dict[int, Batch] = {}
        self._number = 0
        self._wake: asyncio.Handle | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self._start = 0.0

    async def start(self) -> None:
        """Starts the pool; returns when a worker has answered. Raises OSError when none can start."""
        self._start = asyncio.get_running_loop().time()
        await self.pool.start()

    async def stop(self, patience: float = 4.0) -> None:
        """Computes what waits, then ends the workers; gives up after `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                await self._empty.wait()
        except TimeoutError:
            for name, desk in self._desks.items():
                self._dropped(name, Drop.SHED, desk.waiting + desk.computing)
                desk.waiting = desk.computing = 0
        await self.pool.stop()

    def held(self, board: str) -> int:
        """Readings of `board` that have come in and not left this stage."""
        desk = self._desks.get(board)
        return desk.waiting + desk.computing if desk else 0

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
                sensor = sensors[name] = Sensor(board, name, self._plan(board, name))
            if taken >= room:
                sensor.seq += 1  # a reading that is shed leaves its gap
                shed += 1
            elif sensor.add(value, unit, count, wall, t):
                taken += 1
                ready[sensor] = None
            else:
                out_of_range += 1
        if out_of_range:
            self._dropped(board, Drop.OUT_OF_RANGE, out_of_range)
        if shed:
            self._dropped(board, Drop.SHED, shed)
        if taken:
            if not desk.waiting:
                desk.since = t
            desk.waiting += taken
            self._empty.clear()
            self._soon()

    def _soon(self) -> None:
        """Looks for a batch to send once the loop has seen what else has arrived."""
        if self._wake is None:
            self._wake = asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._wake = None
        while free := self.pool.free:
            waiting = [(desk.since, name, desk) for name, desk in self._desks.items() if desk.ready and not desk.computing]
            if not waiting:
                return
            waiting.sort()
            oldest = waiting[0][0]
            if not leaves(oldest, self.now(), self._linger):
                self._wake = asyncio.get_running_loop().call_at(self._start + oldest + self._linger, self._dispatch)
                return
            self._send(waiting, portion([desk.waiting for _, _, desk in waiting], free))

    def _send(self, waiting: list[tuple[float, str, Desk]], most: int) -> None:
        chosen: list[tuple[str, Desk]] = []
        readings = 0
        for _, name, desk in waiting:
            chosen.append((name, desk))
            readings += desk.waiting
            if readings >= most:
                break
        made = batch(tuple(name for name, _ in chosen), (s for _, desk in chosen for s in desk.ready), most)
        for entries in made.groups:
            for entry in entries:
                desk = self._desks[entry.sensor.board]
                desk.waiting -= len(entry.rows)
                desk.computing += len(entry.rows)
        now = self.now()
        for _, desk in chosen:
            desk.ready = {sensor: None for sensor in desk.ready if sensor.fresh}
            desk.since = min((sensor.fresh[0].t for sensor in desk.ready), default=now)
        self._number += 1
        self._under_way[self._number] = made
        self.pool.give(written(self._number, made))

    def _answered(self, answer: bytes) -> None:
        number, results = read(answer)
        made = self._under_way.pop(number)
        for name in made.boards:
            self._desks[name].computing = 0
        if isinstance(results, str):
            self._event("compute.failed", why=results, boards=made.boards, readings=made.readings)
            for entries in made.groups:
                for entry in entries:
                    self._dropped(entry.sensor.board, Drop.COMPUTE_FAILED, len(entry.rows))
        else:
            self._emit(settled(made, results))
        if not self._under_way and not any(desk.waiting for desk in self._desks.values()):
            self._empty.set()
