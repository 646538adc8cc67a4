"""When the status documents go out: at once when something changes, at most every second; all of them every 30 s.

It also tells the log of what comes and goes: boards, shedding, a ledger that does not balance.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .faults import Faults
from .status import BoardLook, Look, board_document, gateway_document, offline, shape, unbalanced, written

EVERY, LEAST = 30.0, 1.0  # s
SHEDDING = "more comes from this board than the broker or this machine takes, so its oldest readings are dropped"
SHED_OVER = 5.0  # s without shedding after which it is over


@dataclass(slots=True)
class Shedding:
    """Readings of a board are being dropped."""

    before: int  # readings shed before it began
    began: float  # s, monotonic
    latest: float


class Reporter:
    """Turns looks into retained documents. send: (board or None for the gateway, payload)."""

    def __init__(
        self, look: Callable[[], Look], send: Callable[[str | None, bytes], None], event: Callable[..., None]
    ) -> None:
        self.faults = Faults(time.time, self.changed)
        self._look, self._send, self._event = look, send, event
        self._boards: dict[str, Faults] = {}
        self._shapes: dict[str | None, object] = {}
        self._links: dict[str, tuple[str, float]] = {}  # the state that was told, and since when (monotonic)
        self._shed_told: dict[str, int] = {}
        self._shedding: dict[str, Shedding] = {}
        self._unbalanced_at: float | None = None
        self._change = asyncio.Event()

    def changed(self) -> None:
        """Something may have to be told soon."""
        self._change.set()

    async def run(self) -> None:
        """Reports for ever."""
        full_at = 0.0
        while True:
            now = time.monotonic()
            full = now >= full_at
            if full:
                full_at = now + EVERY
            self._change.clear()
            self.report(all_of_them=full)
            await asyncio.sleep(LEAST)
            if not self._watched():
                await self._changed_or(full_at)

    async def _changed_or(self, at: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, at - time.monotonic())):
                await self._change.wait()
        except TimeoutError:
            return

    def _watched(self) -> bool:
        """Whether something is going on whose end nobody tells of."""
        return bool(self._shedding) or self._unbalanced_at is not None

    def report(self, *, all_of_them: bool) -> None:
        """Takes a look, and sends each document that has changed its shape, or all."""
        look = self._look()
        self._tell(look)
        documents: dict[str | None, dict[str, Any]] = {None: gateway_document(look, self.faults)}
        for board in look.boards:
            documents[board.name] = board_document(board, self._boards[board.name])
        for name, document in documents.items():
            seen = shape(document)
            if all_of_them or seen != self._shapes.get(name):
                self._shapes[name] = seen
                self._send(name, written(document))

    def last_words(self, reason: str) -> dict[str | None, bytes]:
        """The gateway's document for its end, and at a stop those of the boards."""
        look = self._look()
        words: dict[str | None, bytes] = {None: written(offline(gateway_document(look, self.faults), reason))}
        if reason == "stopped":
            for board in look.boards:
                document = board_document(board, self._boards.get(board.name) or Faults(time.time, self.changed))
                words[board.name] = written(offline(document, "the gateway has stopped"))
        return words

    # what is told

    def _tell(self, look: Look) -> None:
        now = time.monotonic()
        for board in look.boards:
            faults = self._boards.setdefault(board.name, Faults(time.time, self.changed))
            faults.tell("link", None if board.state == "online" else board.reason)
            self._tell_link(board, now)
            self._tell_shedding(board, faults, now)
        away = look.broker["reason"]
        self.faults.tell("broker", away)
        self.faults.tell("refused_by_broker", look.broker.get("refusing"))
        wrong = unbalanced(look)
        self.faults.tell("ledger", f"the ledger does not balance ({'; '.join(wrong)}): please report it" if wrong else None)
        if wrong and self._unbalanced_at is None:
            self._unbalanced_at = now
            self._event("ledger.unbalanced", laws=wrong)
        elif not wrong and self._unbalanced_at is not None:
            self._event("ledger.balanced", after_s=round(now - self._unbalanced_at, 1))
            self._unbalanced_at = None

    def _tell_link(self, board: BoardLook, now: float) -> None:
        before, since = self._links.get(board.name, ("", now))
        if board.state == before or (not before and board.state == "offline" and board.reason is None):
            return  # nothing new, or not tried yet
        trouble_since = since if before in ("silent", "offline") else now
        self._links[board.name] = (board.state, now if board.state == "online" else trouble_since)
        if board.state == "silent":
            self._event("board.silent", board=board.name, port=board.port, why=board.reason)
        elif board.state == "offline":
            self._event("board.offline", board=board.name, port=board.port, why=board.reason)
        elif before:
            self._event("board.recovered", board=board.name, port=board.port, after_s=round(now - since, 1))
        else:
            self._event("board.online", board=board.name, port=board.port, baud=board.baud)

    def _tell_shedding(self, board: BoardLook, faults: Faults, now: float) -> None:
        """Shedding begins with the first reading shed, and is over when none was for a while."""
        shed, known = board.account.dropped["shed"], self._shed_told.get(board.name, 0)
        going_on = self._shedding.get(board.name)
        if shed > known:
            self._shed_told[board.name] = shed
            if going_on is None:
                self._shedding[board.name] = Shedding(known, now, now)
                self._event("street.shedding", board=board.name, waiting=board.in_flight)
                faults.tell("shedding", SHEDDING)
            else:
                going_on.latest = now
        elif going_on is not None and now - going_on.latest > SHED_OVER:
            del self._shedding[board.name]
            faults.tell("shedding", None)
            away = round(now - going_on.began, 1)
            self._event("street.recovered", board=board.name, shed=shed - going_on.before, after_s=away)
