"""What may be under way: the bounds of the street, and which ports are not read for the moment.

Only a port whose sender waits (a pseudo-terminal, a socket) is ever held: a UART goes on sending, and what it sends
into a full kernel buffer is lost uncounted. And only while the broker takes what it is sent: in an outage readings are
kept as long as there is room, and then shed with a count.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

WAITING = 100_000  # readings that wait in memory while the broker is away
HIGH, LOW = 2000, 1000  # readings under way at which a board's port is held, and let go; those that are held share them
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
    """Holds sources while much of theirs is under way. under_way: readings of a board; moving: as `holds` takes it."""

    def __init__(self, under_way: Callable[[str], int], moving: Callable[[], bool]) -> None:
        self._under_way, self._moving = under_way, moving
        self._held: dict[str, Source] = {}
        self._relief: asyncio.TimerHandle | None = None

    def fed(self, board: str, source: Source) -> None:
        """More of `board` has come in."""
        if source.sender_waits and not source.paused and self._holds(board, source):
            source.pause()
            self._held[board] = source
            self._watch()

    def relieve(self) -> None:
        """Lets those go whose backlog has gone, or whose readings have nowhere to go."""
        for board, source in list(self._held.items()):
            if not self._holds(board, source):
                del self._held[board]
                source.resume()

    def _holds(self, board: str, source: Source) -> bool:
        under_way, waits = self._under_way(board), source.sender_waits
        if under_way <= HIGH and not self._held:
            return False
        others = len(self._held.keys() - {board})
        return holds(under_way, source.paused, sender_waits=waits, moving=self._moving(), others=others)

    def _watch(self) -> None:
        if self._relief is None:
            self._relief = asyncio.get_running_loop().call_later(RELIEF, self._look_after)

    def _look_after(self) -> None:
        self._relief = None
        self.relieve()
        if self._held:
            self._watch()
