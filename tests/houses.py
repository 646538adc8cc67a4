"""A gateway's room with a Dask cluster or without, in a test's own loop, and all that came out of it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.compute.room import Custom, Remote, Room
from gateway.model import Chunk, Features, Plan, Sample
from tests.waiting import until

SOURCE = """
import os, time
import numpy as np

def last(times, values, new):
    return {"twice": 2 * values[-new:], "held": np.arange(len(times) - new, len(times))}

def slow(times, values, new):
    time.sleep(0.05)
    return values[-new:]

def crash(times, values, new):
    os.abort()

def picky(times, values, new):
    if "BAD" in os.environ:
        raise RuntimeError("libfoo is too old")
    return values[-new:]

def pid(times, values, new):
    return np.full(new, os.getpid())
"""
"""Users' own features, in each house."""


class House:
    """A room, with a cluster or without, and what came out of it. plan: of all sensors."""

    def __init__(self, folder: Path, plan: Plan, remote: Remote | None, deadline: float = 5.0) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.out: list[Features] = []
        self.latest = 0.0
        (folder / "own.py").write_text(SOURCE)
        self.room = Room(
            lambda board, sensor: plan, self._emit, lambda board, why, readings: pytest.fail(why),
            workers=1, linger=0.0, custom=Custom(plan.custom, folder, deadline),
            event=lambda name, **fields: self.events.append((name, fields)), remote=remote,
        )  # fmt: skip
        self.began, self.sent = 0.0, 0

    def _emit(self, pieces: list[Features]) -> None:
        now = self.room.now()
        self.latest = max([self.latest, *(now - piece.mono[0] for piece in pieces)])
        self.out += pieces

    async def start(self) -> None:
        await self.room.start()
        self.began = self.room.began

    def take(self, board: str, values: list[float], at: float | None = None) -> None:
        """One piece with a value of each of some sensors; at: s since the start, the present when None."""
        t = asyncio.get_running_loop().time() if at is None else self.began + at
        self.room.take(board, [Sample(f"S{k}", value, "°C") for k, value in enumerate(values)], Chunk(0.0, t))
        self.sent += len(values)

    @property
    def look(self) -> dict[str, Any]:
        found: dict[str, Any] = self.room.look()["cluster"]
        return found

    async def connected(self, workers: int = 1) -> None:
        await until(lambda: (self.look["state"], self.look["workers"]) == ("connected", workers), 60.0)

    def all_goes(self) -> None:
        """Whatever it costs."""
        cluster = self.room.cluster
        assert cluster is not None
        cluster.takes = lambda kind, readings, wait, feature=None: bool(cluster.free) and cluster._able(feature)  # type: ignore[method-assign]

    def columns(self) -> dict[tuple[str, str], dict[str, list[float]]]:
        """All that came of each sensor, in the order in which it came."""
        found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for piece in self.out:
            one = found[piece.board, piece.sensor]
            for key, column in zip(piece.keys, piece.columns, strict=True):
                one[key] += column
            one["seq"] += piece.seq
            one["n"] += piece.n
            one["quality"] += piece.quality
        return found

    def told(self, name: str) -> list[dict[str, Any]]:
        return [fields for event, fields in self.events if event == name]


@asynccontextmanager
async def housed(folder: Path, plan: Plan, remote: Remote | None, deadline: float = 5.0) -> AsyncIterator[House]:
    """One that runs. remote: the cluster; None is without."""
    house = House(folder, plan, remote, deadline)
    await house.start()
    try:
        yield house
    finally:
        await house.room.stop(4.0)
