"""What shows the gateway: its status documents, Home Assistant, what is retained, the page. Joined to the service here.

The street does without any of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import announced
from .config import Config
from .ingest.boards import Boards
from .leftovers import Leftovers
from .log.lines import log
from .model import Features
from .notes import Notes
from .parts import Parts
from .publish.client import Will
from .publish.overwritten import Overwritten
from .publish.publisher import Publisher
from .telling.report import Reporter
from .telling.status import Look
from .threads import tried

if TYPE_CHECKING:
    from .webbed import Webbed

AGAIN = 1.0  # s after which it is tried again when no thread can start


class Showing:
    """config: as it counts now. look: one look at everything. moves: whether the street does. now: s, its clock.

    alarmed: of (board, sensor), whether an alarm watches it. event: for the log.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        boards: Boards,
        publisher: Publisher,
        notes: Notes,
        look: Callable[[], Look],
        *,
        moves: Callable[[], bool],
        now: Callable[[], float],
        alarmed: Callable[[str, str], bool],
        event: Callable[..., Any],
    ) -> None:
        self._config, self._boards, self._publisher, self._notes = config, boards, publisher, notes
        self._moves, self._now, self._event = moves, now, event
        self.reporter = Reporter(
            look, self._send, log, lambda board: publisher.largest(self._topic(board)), again=publisher.again
        )
        self.faults = self.reporter.faults
        self._announcing = announced.announcing(config, boards, publisher, notes, event, alarmed)
        self._leftovers = Leftovers(notes, config, boards, publisher, event)
        self._overwritten = Overwritten(publisher.naming.base, publisher.naming.run, event)
        self._web: Webbed | None = None
        self._wanted = asyncio.Event()  # a page

    def start(self, parts: Parts, failed: Callable[[str, Exception], None]) -> None:
        """Has all of it run. failed: is told what a part has failed with, and of which."""
        announced.remember(self._announcing, self._notes.folder)
        parts.keep(self._announcing.run, failed)
        parts.start(self.reporter.run())
        parts.keep(self._leftovers.run, failed)
        parts.keep(self._page, failed)
        self._want()

    async def finish(self) -> None:
        """Before the connection ends."""
        await self._leftovers.finish()

    # what the rest of the gateway tells

    def feed(self, features: list[Features]) -> None:
        """Takes what was computed."""
        if self._web is not None:
            self._web.feed(features)

    def gone(self, board: str) -> None:
        """What was told of a board is taken back; if it is there again soon, it is told of anew."""
        self._publisher.document(self._topic(board), b"")
        if self._web is not None:
            self._web.gone(board)
        self.reporter.forget(board)

    def renew(self) -> None:
        """The configuration was read again."""
        self._announcing.renew()
        if self._web is not None:
            self._web.renew(self._config().web)
        self._want()

    # what the connection asks and tells

    def will(self) -> Will:
        """What the broker is to say when this gateway is lost."""
        whole, brief = self.reporter.will()
        return Will(self._topic(None), whole, brief=brief)

    def connected(self) -> None:
        """There is a connection: all is said again."""
        for board in self._announcing.absent():
            if not self._leftovers.cleared(self._topic(board)):
                self._send(board, self.reporter.absent(board))
        self.reporter.report(all_of_them=True)
        self._announcing.opened()

    def heard(self, topic: str, payload: bytes) -> None:
        """Somebody else has written."""
        if not self._overwritten.concerns(topic):
            self._announcing.heard(topic, payload)
        elif self._overwritten.heard(topic, payload, time.monotonic()):
            self.reporter.report(all_of_them=True)

    def last_words(self) -> dict[str, bytes]:
        """The documents for a stop, by topic."""
        return {self._topic(board): text for board, text in self.reporter.last_words().items()}

    def _topic(self, board: str | None) -> str:
        naming = self._publisher.naming
        return f"{naming.base if board is None else naming.board(board)}/status"

    def _send(self, board: str | None, payload: bytes) -> None:
        self._publisher.document(self._topic(board), payload)

    # the page

    def _want(self) -> None:
        if self._config().web.listen is not None:
            self._wanted.set()

    async def _page(self) -> None:
        """Keeps it, from when there is to be one."""
        await self._wanted.wait()
        while True:
            if (web := await tried(self.web, "page", None)) is not None:
                web.renew(self._config().web)  # which may have been read again meanwhile
                await web.host.run()
            await asyncio.sleep(AGAIN)

    def web(self) -> Webbed:
        """The page, made when it is first wanted: what it needs is imported then."""
        if self._web is None:
            from .webbed import Webbed

            self._web = Webbed(
                self._config(), self._boards, self._now, self.reporter.documents, self._moves,
                lambda text: self.faults.tell("web", text), self._event, self._publisher.alarms,
            )  # fmt: skip
        return self._web
