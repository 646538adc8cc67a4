"""Boards that are asked, read from real pseudo-terminals, for tests."""

import contextlib
import os
from collections.abc import AsyncIterator

from gateway.asks import Ask, Modbus, Register
from gateway.ingest.boards import Boards
from gateway.ingest.seen import Seen
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, Port, Sample
from gateway.parts import Parts
from tests.faults.tree import opened
from tests.readers import until

TEMPERATURE = Register("temperature", 1, "input", factor=0.1)
FAST = Ask(questions=(b"R\r",), every=0.05, timeout=0.5)


class Rig:
    """Boards that are read, and what came of them."""

    def __init__(self) -> None:
        self.parts = Parts()
        self.came: list[tuple[float, str, str, float]] = []
        self.boards = Boards(self._take, lambda: None, lambda *_, **__: None)

    def _take(self, board: str, samples: list[Sample], at: Chunk) -> None:
        self.came += [(at.mono, board, sample.sensor, sample.value) for sample in samples]

    def values(self, board: str) -> list[float]:
        return [value for _, name, _, value in self.came if name == board]

    def seen(self, board: str) -> Seen:
        return self.boards.readers[board]

    def account(self, board: str) -> Account:
        return self.boards.accounts[board]

    async def more(self, board: str, number: int = 3, within: float = 5.0) -> None:
        """Returns when so many more readings of a board have come."""
        before = len(self.values(board))
        await until(lambda: len(self.values(board)) >= before + number, within)


@contextlib.asynccontextmanager
async def reading(*boards: Board) -> AsyncIterator[Rig]:
    """These boards, read; at the end every ledger balances and nothing has failed."""
    rig = Rig()
    rig.boards.open(list(boards), rig.parts)
    try:
        yield rig
        for name, account in rig.boards.accounts.items():
            assert imbalances(account, account.readings) == [], name
        assert all(not part.done() for part in rig.parts.running)
    finally:
        await rig.parts.end()


def asked(path: str, ask: Ask = FAST, name: str = "tank", **options: object) -> Board:
    return Board(name, Port(path, 9600), "plain", ask=ask, **options)


def open_ports(path: str) -> int:
    """How many descriptors of this process are the port `path`."""
    return opened(os.getpid(), path).count(path)


def counter() -> object:
    """A board's answers: 1.0, 2.0, 3.0, …"""
    numbers = iter(range(1, 10_000))
    return lambda question: b"%d.0\r" % next(numbers)


def unit(path: str, number: int, *, every: float = 0.05, timeout: float = 0.4, **options: object) -> Board:
    modbus = Modbus(number, (TEMPERATURE,), every, timeout)
    return Board(f"unit {number}", Port(path, 9600), "modbus", modbus=modbus, **options)
