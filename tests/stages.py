"""A compute stage for tests: what came out of it, and a pool whose answers the test gives."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from gateway.compute.batch import answer
from gateway.compute.stage import Stage
from gateway.model import Chunk, Drop, Features, Plan, Sample


class Hands:
    """Takes the pool's place: a task is answered when the test says so, by the code that workers run."""

    def __init__(self, size: int, on_free: Callable[[], None], event: object) -> None:
        self.size, self.on_free = size, on_free
        self.held: list[tuple[bytes, Callable[[bytes], None], Callable[[str], None]]] = []

    @property
    def free(self) -> int:
        return self.size - len(self.held)

    def give(self, data: bytes, answered: Callable[[bytes], None], failed: Callable[[str], None]) -> None:
        assert self.free
        self.held.append((data, answered, failed))

    def answer(self, k: int = 0, instead: bytes | None = None) -> None:
        data, answered, _ = self.held.pop(k)
        answered(answer(data) if instead is None else instead)
        self.on_free()

    def fail(self, k: int = 0) -> None:
        self.held.pop(k)[2]("given up")
        self.on_free()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.size = 0


class Street:
    """A stage, and what came out of it."""

    def __init__(self, plan: Plan | Callable[[str, str], Plan], **options: object) -> None:
        self.out: list[Features] = []
        self.dropped: Counter[tuple[str, Drop]] = Counter()
        self.came: Counter[str] = Counter()
        self.events: list[str] = []
        self.latest = 0.0
        self.stage = Stage(
            plan if callable(plan) else lambda board, sensor: plan,
            self._emit,
            lambda board, reason, readings: self.dropped.update({(board, reason): readings}),
            event=lambda name, **fields: self.events.append(name),
            **{"workers": 1, **options},  # type: ignore[arg-type]
        )

    def _emit(self, features: list[Features]) -> None:
        now = self.stage.now()
        self.latest = max([self.latest, *(now - f.mono[0] for f in features)])
        self.out += features

    def take(self, board: str, *samples: tuple[str, float]) -> None:
        """One piece of `board`, now."""
        self.came[board] += len(samples)
        now = asyncio.get_running_loop().time()
        self.stage.take(board, [Sample(sensor, value, "°C") for sensor, value in samples], Chunk(0.0, now))

    def left(self, board: str) -> int:
        """Readings of `board` that have come out or were dropped."""
        out = sum(len(f) for f in self.out if f.board == board)
        return out + sum(n for (name, _), n in self.dropped.items() if name == board)

    def seqs(self) -> dict[tuple[str, str], list[int]]:
        """The numbers that came out of each sensor, in order."""
        seqs = defaultdict(list)
        for f in self.out:
            seqs[f.board, f.sensor] += f.seq
        return seqs


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test answers."""
    monkeypatch.setattr("gateway.compute.stage.Pool", Hands)


def hands(street: Street) -> Hands:
    """The pool of a street by hand."""
    assert isinstance(street.stage.pool, Hands)
    return street.stage.pool


async def settle() -> None:
    """Lets the loop see what has arrived."""
    for _ in range(3):
        await asyncio.sleep(0)
