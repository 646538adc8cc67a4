"""A reader for tests, and the made-up port that it opens: a pseudo-terminal that is plugged in and unplugged."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.ingest.hearing import Hearing
from gateway.ingest.intake import Intake
from gateway.ingest.reader import Reader
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, Decoded, Frame, Noise, Port, Refusal, Sample, Why
from tests import street
from tests.faults.tree import opened


class Numbers:
    """A format for tests: "S1=21.5" is a value, "# text" is noise, and all else is refused."""

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        name, _, value = frame.decode("latin-1").partition("=")
        if frame.startswith(b"#") or not frame:
            return Noise(frame)
        if not value.replace(".", "", 1).isdecimal():
            return Refusal(Why.NOT_A_NUMBER, frame)
        return Decoded([Sample(name, float(value), "°C")], [])


class Adapter:
    """A false USB adapter: a pseudo-terminal, and the link by which it is found."""

    def __init__(self, folder: Path) -> None:
        self.link = folder / "usb-board-if00"
        self.main = -1
        self.path = ""

    def plug(self) -> None:
        self.main, other = os.openpty()
        self.path = os.ttyname(other)
        os.close(other)
        fresh = self.link.with_suffix(".new")
        fresh.symlink_to(self.path)
        fresh.rename(self.link)

    def write(self, data: bytes) -> None:
        os.write(self.main, data)

    def unplug(self) -> None:
        self.link.unlink(missing_ok=True)  # as udev does; the number may be another program's a moment later
        if self.main >= 0:
            os.close(self.main)
        self.main = -1


class Rig:
    """A running reader, what it handed on, and the states that it told."""

    def __init__(self, path: str, *, port: dict[str, float] | None = None, **options: float) -> None:
        self.account, self.samples, self.chunks, self.told = Account(), [], [], []
        board = Board("bench", Port(path, **(port or {})), **options)
        intake = Intake(board, Numbers(), self.take, self.account, self.changed)
        self.reader = Reader(board, Hearing(board, intake, self.account), self.changed)

    def take(self, board: str, samples: list[Sample], at: Chunk) -> None:
        self.samples += samples
        self.chunks.append(at)

    def changed(self) -> None:
        assert imbalances(self.account, self.account.readings) == []
        self.told.append((self.reader.state, self.reader.reason))

    def values(self) -> list[float]:
        return [sample.value for sample in self.samples]

    async def state(self, state: str, within: float = 2.0) -> None:
        await until(lambda: self.reader.state == state, within)


def held(*kinds: str) -> set[str]:
    """What the descriptors of this process name, of these kinds."""
    return {name for name in opened(os.getpid(), "") if name.startswith(kinds)}


def open_ports() -> set[str]:
    return held("/dev/pts/")


async def until(condition: Callable[[], object], within: float = 2.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.005)


async def pause(seconds: float) -> None:
    """Lets that much time go by: what the test is about is time itself."""
    end = time.monotonic() + seconds
    await until(lambda: time.monotonic() >= end, within=seconds + 2.0)


async def rounds() -> None:
    """Time enough for the loop to do whatever it would do."""
    for _ in range(20):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def reading(path: object, **options: object) -> AsyncIterator[Rig]:
    """A reader at work; at the end it is stopped, and no frame is missing."""
    rig = Rig(str(path), **options)
    task = asyncio.create_task(rig.reader.run())
    try:
        yield rig
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    assert rig.reader.state == "offline"
    assert imbalances(rig.account, rig.account.readings) == []


@pytest.fixture(autouse=True)
def nothing_stays_open():
    """After each test, what it opened is closed."""
    before = held("/dev/pts/", "pipe:", "socket:")
    yield
    street.until(lambda: held("/dev/pts/", "pipe:", "socket:") <= before, "all is closed, what threads close too", 5)


@pytest.fixture
def adapter(tmp_path):
    adapter = Adapter(tmp_path)
    yield adapter
    adapter.unplug()
