"""The boards that are read: a reader and an account each; those of the configuration, and those that were found."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..ledger import Account
from ..model import Board, Format, Take
from ..parts import Part, Parts
from .asking.party import Party
from .asking.talk import Talk
from .discover import discover
from .formats import decoder
from .intake import Intake
from .lending import Lending, Lent
from .loans import Loans
from .notes import noted
from .seen import Seen, listening
from .sensors import Sensors, Treatments
from .shared_lines import SharedLines
from .sharing import watch


class Boards:
    """take, changed: as Intake takes them. accounts stay when a board is read no more. event: for the log.

    treatments: what is done with the values of a board's sensors. moved: (board, sensor) whose next values are not
    comparable with those before.
    """

    def __init__(
        self,
        take: Take,
        changed: Callable[[], None],
        event: Callable[..., Any],
        treatments: Callable[[str], Treatments | None] = lambda board: None,
        moved: Callable[[str, str], None] = lambda board, sensor: None,
    ) -> None:
        self.accounts: dict[str, Account] = {}
        self.readers: dict[str, Seen] = {}
        self.rates: dict[str, int] = {}  # of boards with baud = "auto", as they were found last
        self.tuned = asyncio.Event()  # `rates` has changed
        self.loans = Loans()
        self._tails = False  # the newest bytes of ports are kept
        self._lines = SharedLines(take, changed, self.loans)
        self._take, self._changed, self._event = take, changed, event
        self._treatments, self._moved = treatments, moved
        self._sensors: dict[str, Sensors] = {}
        self._reading: dict[str, Part] = {}
        self._tags: dict[str, dict[str, str]] = {}  # of all that were read: what they sent last may still be under way
        self._named: set[str] = set()  # paths that tables name, which nobody else is to find

    def tags(self, board: str) -> dict[str, str]:
        """What stands in each message of a board, also when it is read no more."""
        return self._tags.get(board, {})

    def account(self, board: str) -> Account:
        """A board's, made when it is asked for first."""
        return self.accounts.setdefault(board, Account())

    def sensors(self, board: str) -> Sensors:
        """A board's, made when they are asked for first; they stay as accounts do."""
        found = self._sensors.get(board)
        if found is None:
            found = self._sensors[board] = Sensors(lambda sensor: self._moved(board, sensor))
            found.treat(self._treatments(board))
        return found

    def has(self, board: str, sensor: str) -> bool:
        """Whether the board is read, and the sensor has that name now."""
        return board in self.readers and not self.sensors(board).gone(sensor)

    def treat(self) -> None:
        """The configuration was read again: what `treatments` says now counts from the next bytes on."""
        for board, sensors in self._sensors.items():
            sensors.treat(self._treatments(board))
            if sensors.treats and board in self.readers:
                self.readers[board].intake.failed.clear()  # by names that may be others now

    def keep_tails(self, *, kept: bool) -> None:
        """Keeps the newest bytes of all ports from now on, or of none."""
        self._tails = kept
        for seen in self.readers.values():
            seen.tail.keep(kept=kept)

    def open(self, boards: Sequence[Board], parts: Parts) -> None:
        """Starts to read, and to look for boards where a port is "auto"."""
        self._named |= {board.port.path for board in boards}
        for board in boards:
            if board.port.path == "auto":
                parts.start(discover(board, self._named, lambda found: self._add(found, parts), not_now=self._lent))
            else:
                self._add(board, parts)
        parts.start(watch(self.readers))

    async def add(self, board: Board, parts: Parts) -> list[str]:
        """Starts to read a board that has a table now. Gives the boards that had been found, and are this one."""
        same = self._same(board)
        for name in same:
            await self.drop(name, parts)
        self._named.add(board.port.path)
        self._add(board, parts)
        return same

    def change(self, board: Board) -> bool:
        """Reads a board by another table, with its port open; False where that cannot be: it is to be dropped, and
        added. So it is where its port's settings are others, or it is asked, or its rate is looked for.
        """
        name, seen = board.name, self.readers[board.name]
        if replace(seen.board, tags=board.tags) != board:
            alike = (seen.board.port, seen.board.on_silence) == (board.port, board.on_silence)
            if not alike or seen.board.asked or board.asked or not board.port.baud:
                return False
            seen.becomes(board, lambda: self._intake(board))
        seen.board, self._tags[name] = board, dict(board.tags)
        return True

    def _intake(self, board: Board) -> tuple[Intake, Format]:
        """What takes the bytes of a board that speaks by itself."""
        name, format = board.name, decoder(board.format, board.options)
        return Intake(board, format, self._take, self.account(name), self._changed, self.sensors(name)), format

    def _same(self, board: Board) -> list[str]:
        """Those that have its name, or its port, and do not share that with it."""
        device = os.path.realpath(board.port.path)
        return [
            name
            for name, seen in self.readers.items()
            if name == board.name
            or (os.path.realpath(seen.board.port.path) == device and not (board.asked and seen.board.asked))
        ]

    def made(self, board: Board) -> Seen:
        """A board that speaks by itself, which is not read yet."""
        name, account = board.name, self.account(board.name)
        format = decoder(board.format, board.options)
        seen = listening(board, format, self._take, account, self._changed, self.sensors(name), self.loans)
        self.readers[name], self._tags[name] = seen, dict(board.tags)
        return seen

    def talk(self, boards: Sequence[Board]) -> Talk:
        """The conversation with boards that are asked on one port, which is not read."""
        talk = Talk(boards[0].port)
        for board in boards:
            sensors = self.sensors(board.name)
            talk.join(Party(board, self._take, self.account(board.name), self._changed, sensors), 0.0)
        return talk

    def _add(self, board: Board, parts: Parts) -> None:
        if board.asked:
            account, sensors = self.account(board.name), self.sensors(board.name)
            self._tags[board.name] = dict(board.tags)
            self.readers[board.name] = self._lines.join(board, account, sensors, parts)
        else:
            seen = self.made(board)
            if board.port.baud == 0:
                seen.seek(self.rates.get(board.name, 0), self._sought)
            self._reading[board.name] = parts.start(seen.run())
        self.readers[board.name].tail.keep(kept=self._tails)
        parts.start(noted(board, self._event))

    def _sought(self, seen: Seen, baud: int) -> None:
        """The rate of a board was found, or, where `baud` is 0, has become another one."""
        name = seen.board.name
        if baud:
            self._event("board.tuned", board=name, port=seen.port, baud=baud)
            if self.rates.get(name) != baud:
                self.rates[name] = baud
                self.tuned.set()
        else:
            self._event("board.seeking", board=name, port=seen.port, baud=self.rates[name])

    def _lent(self) -> bool:
        return self.loans.any

    async def lend(self, board: str, seconds: float) -> Lent:
        """Closes the port of a board that is read, and of all others on it, for so long."""
        lending = self.readers[board].lending
        return self._of_loan(lending, done=await lending.lend(seconds))

    async def take_back(self, board: str) -> Lent:
        """Reads them again, as soon as nobody else has the port open."""
        lending = self.readers[board].lending
        return self._of_loan(lending, done=await lending.take_back())

    def _of_loan(self, lending: Lending, *, done: bool) -> Lent:
        names = [name for name, seen in self.readers.items() if seen.lending is lending]
        return Lent(lending.reader.port, names, lending.until, done, lending.holder)

    async def drop(self, board: str, parts: Parts) -> None:
        """Reads a board no more; its port is closed, unless others share it."""
        seen = self.readers[board]
        if seen.board.asked:
            await self._lines.leave(board, parts)
        else:
            await parts.end([self._reading.pop(board)])
        del self.readers[board]  # until its port is closed it gives readings
        if all(other.board.port.path != seen.board.port.path for other in self.readers.values()):
            self._named.discard(seen.board.port.path)
