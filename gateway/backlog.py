"""What may be under way: the bounds of the street, and which ports are not read for the moment.

Only a port whose sender waits (a pseudo-terminal, a socket) is ever held: a UART goes on sending, and what it sends
into a full kernel buffer is lost uncounted. And only while the broker takes what it is sent: in an outage readings are
kept as long as there is room, and then shed with a count.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

WAITING = 100_000  # readings that wait in memory while the broker is away
HIGH, LOW = 2000, 1000  # readings under way, of all boards, at which ports are held, and let go; those held share them
GULP = 300  # readings that the first look at a port brings which was held, about: the kernel has 4 kB of it
RELIEF = 0.25  # s between looks at held ports: when nothing is acknowledged, nothing else would let them go


class Source(Protocol):
    """What can be held: the reader of a board."""

    paused: bool

    @property
    def sender_waits(self) -> bool:
        """Whether who sends waits while it is not read."""
        ...

    def pause(self) -> None:
        """Reads no more."""
        ...

    def resume(self) -> None:
        """Reads again."""
        ...


def holds(under_way: int, held: bool, *, sender_waits: bool, moving: bool, others: int = 0) -> bool:
    """Whether a port is to be held. held: whether it is; moving: whether the broker takes what it is sent.

    others: how many more are held. However many boards flood, as much is under way, and as long does a quiet one wait.
    """
    return sender_waits and moving and under_way > (LOW if held else HIGH) // (1 + others)


class Valve:
    """Holds sources while much is under way. under_way: readings of a board; moving: as `holds` takes it."""

    def __init__(self, under_way: Callable[[str], int], moving: Callable[[], bool]) -> None:
        self._under_way, self._moving = under_way, moving
        self._held: dict[str, Source] = {}
        self._coming: set[str] = set()  # let go, and not heard since
        self._known: dict[str, int] = {}  # what was under way of each board when it was last heard …
        self._total = 0  # … and of all: at least as much as there is
        self._relief: asyncio.TimerHandle | None = None

    def fed(self, board: str, source: Source) -> None:
        """More of `board` has come in."""
        self._coming.discard(board)
        under_way = self._under_way(board)
        self._total += under_way - self._known.get(board, 0)
        self._known[board] = under_way
        if self._total <= HIGH or source.paused or not source.sender_waits:  # as it is nearly always
            return
        if self._moving() and (self._is_much(under_way) or self._holds(board, source)):
            source.pause()
            self._held[board] = source
            self._watch()

    def _is_much(self, under_way: int) -> bool:
        """Whether all boards together have much under way, and one with so many its share, or more."""
        self._known = {board: left for board in self._known if (left := self._under_way(board))}
        self._total = sum(self._known.values())
        return self._total > HIGH and under_way * len(self._known) >= self._total

    def relieve(self) -> None:
        """Lets those go whose backlog has gone, or whose readings have nowhere to go.

        One after the other, the first that was held first: what they bring shall have room, however many they are.
        """
        if not self._held:
            return
        under_way = sum(map(self._under_way, self._held)) + GULP * len(self._coming)
        room = HIGH - under_way if self._moving() else math.inf
        for board, source in list(self._held.items()):
            if room <= 0:
                return
            if not self._holds(board, source):
                del self._held[board]
                source.resume()
                self._coming.add(board)
                room -= GULP

    def _holds(self, board: str, source: Source) -> bool:
        others = len(self._held.keys() - {board})
        return holds(
            self._under_way(board), source.paused,
            sender_waits=source.sender_waits, moving=self._moving(), others=others,
        )  # fmt: skip

    def _watch(self) -> None:
        if self._relief is None:
            self._relief = asyncio.get_running_loop().call_later(RELIEF, self._look_after)

    def _look_after(self) -> None:
        self._relief = None
        self._coming.clear()  # whoever has nothing to say holds up nobody
        self.relieve()
        if self._held:
            self._watch()
