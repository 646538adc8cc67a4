"""A lane of users' own features for tests, with a module own.py, and what came out of it."""

import contextlib
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gateway.compute.custom.lane import Lane
from gateway.compute.custom.pieces import Custom
from gateway.model import Features, Plan

from .made import KEYS, features
from .waiting import until

GOOD = """
import os
import numpy as np

def last(times, values, new):
    return values[-new:]

def both(times, values, new):
    return {"low": values[-new:] - 1, "size": np.full(new, len(values))}

def pid(times, values, new):
    return np.full(new, os.getpid())
"""


class Street:
    """A lane, and what came out of it."""

    def __init__(self, folder: Path, names: str, plan: Plan | None = None, **options: Any) -> None:
        self.names = tuple(f"own:{name}" for name in names.split())
        self.plan = plan or Plan(window_s=None, window_n=3, custom=self.names)
        self.out: list[Features] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        covered = options.pop("covered", lambda board, sensor: self.plan)
        custom = Custom(self.names, folder, **{"deadline": 2.0, **options})
        self.lane = Lane(custom, covered, self.out.extend, lambda name, **fields: self.events.append((name, fields)))
        self.seq = 0

    async def ask(self, sensor: str = "S1", rows: int = 1, **more: Any) -> dict[str, list[float]]:
        """Puts some readings in and waits for them: the columns behind the built-in ones."""
        piece = self.put(sensor, rows, **more)
        await until(lambda: any(one.seq == piece.seq and one.sensor == sensor for one in self.out))
        return self.of(piece)

    def put(self, sensor: str = "S1", rows: int = 1, **more: Any) -> Features:
        """Puts some readings in."""
        self.seq += rows
        piece = features(range(self.seq - rows + 1, self.seq + 1), sensor=sensor, **more)
        self.lane.put([piece])
        return piece

    def of(self, piece: Features) -> dict[str, list[float]]:
        """What the lane has added; it has changed nothing else."""
        (one,) = (one for one in self.out if one.sensor == piece.sensor and one.seq == piece.seq)
        built_in = len(KEYS)
        assert one.keys[:built_in] == piece.keys and one.columns[:built_in] == piece.columns
        assert (one.value, one.quality, one.n, one.count) == (piece.value, piece.quality, piece.n, piece.count)
        assert len(one.keys) == len(one.columns) == len(set(one.keys))
        return dict(zip(one.keys[built_in:], map(list, one.columns[built_in:]), strict=True))

    def told(self, name: str) -> list[dict[str, Any]]:
        """The fields of all events of a name."""
        return [fields for event, fields in self.events if event == name]

    @property
    def quarantined(self) -> list[str]:
        """Who is."""
        found: list[str] = self.lane.look()["quarantined"]
        return found


@contextlib.asynccontextmanager
async def street(
    folder: Path, source: str, names: str, plan: Plan | None = None, **options: Any
) -> AsyncIterator[Street]:
    """A running lane with the module own.py."""
    (folder / "own.py").write_text(source)
    one = Street(folder, names, plan, **options)
    one.lane.start()
    try:
        yield one
    finally:
        await one.lane.stop(0.0)
        assert one.lane.held("bench") == 0
        assert (one.lane.oldest(), one.lane.older(math.inf, {})) == (math.inf, [])


def null(values: list[float]) -> bool:
    """Whether all of them are."""
    return all(map(math.isnan, values))
