"""Home Assistant's part of the connection: what has spoken is announced, what comes back is looked at.

When, announcer.py says; what, pages.py. What is announced is written down before it goes out, so that a later run can
clear it, whatever happens to this one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from ...threads import tried
from ..naming import Naming
from .announcer import Announcer
from .known import Known
from .nouns import Pages, Place, Sensor, topic

LOOK = 5.0  # s between looks at which boards there are
AGAIN = 1.0  # s after which it is tried again when no thread can start
DAY = 86_400  # s
ONLINE = b"online"


@dataclass(frozen=True, slots=True)
class Street:
    """What is asked of the rest of the gateway.

    prefix: of discovery, "" for none; boards: those that are read; may_come: of one that is not, whether it may be
    found again; kind: of a board, what it is; quantity: what a name says; hardware: the board's own name for a sensor;
    alarmed: whether an alarm watches a sensor.
    """

    prefix: Callable[[], str]
    boards: Callable[[], Collection[str]]
    may_come: Callable[[str], bool]
    kind: Callable[[str], str]
    quantity: Callable[[str], str]
    hardware: Callable[[str, str], str]
    alarmed: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Broker:
    """What is asked of the connection. put: a retained message; listen: topics from now on; largest: bytes it takes."""

    put: Callable[[str, bytes], None]
    listen: Callable[[list[str]], None]
    largest: Callable[[str], int | None]


class Announcing:
    """version: ours. store: writes down what is remembered. event: for the log."""

    def __init__(
        self,
        naming: Naming,
        version: str,
        street: Street,
        broker: Broker,
        *,
        store: Callable[[str], Awaitable[None]],
        event: Callable[..., None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._place, self._version = Place(naming), version
        self._street, self._broker, self._store = street, broker, store
        self._now, self._wall = clock, wall
        self._announcer = Announcer(Known(), event)
        self._prefix, self._day = "", 0
        self._renewed = False
        self._changed = asyncio.Event()

    @property
    def known(self) -> Known:
        """What is remembered."""
        return self._announcer.known

    def remember(self, known: Known) -> None:
        """What the run before has left; to be called before `run`."""
        self._announcer.known = known

    def absent(self) -> list[str]:
        """Boards that were there before, are not read now, and may be found again."""
        return [name for name in self.known.absent(self._street.boards()) if self._street.may_come(name)]

    def seen(self, board: str, name: str, unit: str, keys: tuple[str, ...]) -> None:
        """A sensor has spoken."""
        hardware = self._street.hardware(board, name)
        quantity = self._street.quantity(name) or self._street.quantity(hardware)
        sensor = Sensor(name, unit, quantity, keys, self._street.alarmed(board, name))
        if self.known.see(board, sensor, hardware, int(self._wall() // DAY)):
            self._announcer.news(self._now())
            self._changed.set()

    def renew(self) -> None:
        """The configuration was read again."""
        self._renewed = True
        self._changed.set()

    def opened(self) -> None:
        """There is a connection."""
        self._announcer.opened(self._now())
        self._changed.set()

    def heard(self, at: str, payload: bytes) -> None:
        """Something came on one of our topics."""
        if at == f"{self._prefix}/status":
            if payload == ONLINE:
                self._announcer.born(self._now())
        else:
            self._announcer.heard(at, payload, self._now())
        self._changed.set()

    def taken(self, at: str) -> None:
        """The broker has taken a document."""
        if self._announcer.taken(at):
            self._changed.set()

    async def run(self) -> None:
        """Announces for ever."""
        while True:
            self._look()
            if (due := self._announcer.due) is not None and due <= self._now():
                await self._send()
            await self._keep()
            await self._wait()

    def _look(self) -> None:
        """Which boards there are, and under which prefix they are announced."""
        street, news = self._street, False
        if (prefix := street.prefix()) != self._prefix:
            self._prefix, news = prefix, True
            node = self._place.node
            mine = [topic(prefix, node), topic(prefix, node, "+")]
            self._broker.listen([f"{prefix}/status", *mine] if prefix else [])
        if (day := int(self._wall() // DAY)) != self._day:
            self._day = day
            news |= self.known.forget_silent()
        if self._renewed:
            self._renewed = False
            news |= self.known.watch(street.alarmed)
        if self.known.keep(street.boards(), street.may_come) or news:
            self._announcer.news(self._now())

    async def _send(self) -> None:
        """Puts out what is due. Made in a thread: thousands of entities take a while."""
        prefix, boards = self._prefix, self.known.listed(self._street.kind)
        gone, largest = dict(self._announcer.gone()), self._broker.largest(topic(prefix, self._place.node))

        def make() -> Pages:
            if not prefix:
                return Pages()
            from .pages import pages  # only where somebody is told

            return pages(prefix, self._place, self._version, boards, largest, gone)

        announcer, announcing = self._announcer, self._announcer.begin(self._now())
        if (found := await tried(make, "discovery", None)) is None:
            announcer.news(self._now())
            await asyncio.sleep(AGAIN)
            return
        out = (announcer.announce(found) if announcing else []) + announcer.right(found, self._now())
        await self._keep()
        for at, payload in out:
            self._broker.put(at, payload)
        announcer.sent([at for at, _ in out], self._now())

    async def _keep(self) -> None:
        if self.known.changed:
            await self._store(self.known.text())

    async def _wait(self) -> None:
        """Until something has come, is due, or may have changed."""
        due = self._announcer.due
        left = LOOK if due is None else min(LOOK, max(0.0, due - self._now()))
        try:
            async with asyncio.timeout(left):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._changed.clear()
