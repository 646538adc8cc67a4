"""When the status documents go out: at once when something changes, at most every second; all of them every 30 s.

It also has told.py compare each look with what was told, and checks the ledger.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from .faults import Faults
from .sized import will, written
from .status import BoardLook, Look, absent, board_document, board_shape, gateway_document, offline, shape, unbalanced
from .told import Told
from .told_broker import BrokerTold
from .told_spool import SpoolTold

EVERY, LEAST = 30.0, 1.0  # s
LOOK = 1.0  # s after which it looks although nobody has told of a change: silence comes without a word


class Reporter:
    """Turns looks into retained documents.

    send: (board or None for the gateway, payload). largest: bytes that the broker takes in the document
    of that, None where no limit is known. again: has all else said again that is retained, when all documents are.
    """

    def __init__(
        self,
        look: Callable[[], Look],
        send: Callable[[str | None, bytes], None],
        event: Callable[..., None],
        largest: Callable[[str | None], int | None] = lambda name: None,
        again: Callable[[], None] = lambda: None,
    ) -> None:
        self.faults = Faults(time.time, self.changed)
        self._look, self._send, self._event, self._largest, self._again = look, send, event, largest, again
        self._told: dict[str, Told] = {}
        self._spool, self._broker = SpoolTold(event, self.faults), BrokerTold(event)
        self._shapes: dict[str | None, object] = {}
        self._unbalanced_at: float | None = None
        self._change = asyncio.Event()

    def changed(self) -> None:
        """Something may have to be told soon."""
        self._change.set()

    def forget(self, board: str) -> None:
        """Its document was taken back: the next one goes out, whatever it says, and all is told anew."""
        self._shapes.pop(board, None)
        self._told.pop(board, None)

    async def run(self) -> None:
        """Reports for ever."""
        full_at, woken = 0.0, True
        while True:
            now = time.monotonic()
            full = now >= full_at
            if full:
                full_at = now + EVERY
            self._change.clear()
            if self.report(all_of_them=full) or woken:
                await asyncio.sleep(LEAST)
                woken = await self._changed_or(min(full_at, time.monotonic() + LOOK))
            else:  # nothing was said, so that what comes now is looked at while it is there
                woken = await self._changed_or(min(full_at, time.monotonic() + LEAST + LOOK))

    async def _changed_or(self, at: float) -> bool:
        """Waits until then, or for a change; whether it was that."""
        try:
            async with asyncio.timeout(max(0.0, at - time.monotonic())):
                await self._change.wait()
        except TimeoutError:
            return False
        return True

    def report(self, *, all_of_them: bool) -> bool:
        """Takes a look, and sends each document that has changed its shape, or all. Gives whether it sent any."""
        look = self._look()
        self._tell(look)
        document = gateway_document(look, self.faults)
        shapes: dict[str | None, object] = {
            board.name: board_shape(board, self._of(board.name).faults) for board in look.boards
        }
        shapes[None] = shape(document)  # last: once it says online again, what is said of the boards is of this run
        before, self._shapes, sent = self._shapes, shapes, False
        boards: dict[str | None, BoardLook] = {board.name: board for board in look.boards}
        for name, seen in shapes.items():
            if all_of_them or name not in before or seen != before[name]:
                told = board_document(boards[name], self._of(name).faults) if name is not None else document
                self._send(name, written(told, self._largest(name)))
                sent = True
        if all_of_them:
            self._again()
        return sent

    def documents(self) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """The gateway's document and its boards' by name, as they are at this moment."""
        look = self._look()
        boards = {board.name: board_document(board, self._of(board.name).faults) for board in look.boards}
        return gateway_document(look, self.faults), boards

    def will(self) -> tuple[bytes, bytes]:
        """What the broker is to say of the gateway when it is lost: whole, and as short as can be."""
        return will(offline(gateway_document(self._look(), self.faults), "lost"))

    def last_words(self) -> dict[str | None, bytes]:
        """The documents for a stop, of the gateway and of its boards."""
        look = self._look()
        words = {None: offline(gateway_document(look, self.faults), "stopped")} | {
            board.name: offline(board_document(board, self._of(board.name).faults), "the gateway has stopped")
            for board in look.boards
        }
        return {name: written(document, self._largest(name)) for name, document in words.items()}

    def absent(self, board: str) -> bytes:
        """The document of a board that the last run had and this one has not found yet."""
        return written(absent(board), self._largest(board))

    def _of(self, board: str) -> Told:
        if board not in self._told:
            self._told[board] = Told(self._event, Faults(time.time, self.changed))
        return self._told[board]

    def _tell(self, look: Look) -> None:
        now = time.monotonic()
        for board in look.boards:
            self._of(board.name).tell(board, now)
        away = look.broker["reason"]
        self.faults.tell("broker", away)
        self.faults.tell("refused_by_broker", look.broker["refusing"])
        self.faults.tell("embedded", look.broker["embedded"])
        self.faults.tell("stalled", look.broker["stalled"])
        self.faults.tell("broker_lacks", look.broker["lacking"])
        self.faults.tell("spool", look.spool["trouble"])
        self.faults.tell("spool_damaged", look.spool["damage"])
        self._spool.tell(look, now)
        self._broker.tell(look, now)
        self.faults.tell("pool", look.pool.get("trouble"))
        self.faults.tell("custom", look.pool.get("reason"))
        self.faults.tell("cluster", look.pool.get("cluster", {}).get("reason"))
        wrong = unbalanced(look)
        told = f"the ledger does not balance ({'; '.join(wrong)}): please report it"
        self.faults.tell("ledger", told if wrong else None)
        if wrong and self._unbalanced_at is None:
            self._unbalanced_at = now
            self._event("ledger.unbalanced", laws=wrong)
        elif not wrong and self._unbalanced_at is not None:
            self._event("ledger.balanced", after_s=round(now - self._unbalanced_at, 1))
            self._unbalanced_at = None
