"""One board as the status, the valve and the watch over ports see it, whether its port is its own or shared."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from ..ledger import Account
from ..model import Board, Format, Take
from .asking.party import Party
from .asking.talk import Talk
from .hearing import Hearing
from .identity import Device
from .intake import Intake
from .lending import Lending
from .loans import Loans
from .reader import Reader
from .sensors import Sensors
from .tail import Tail


class Seen:
    """A board. lending: reads its port, or lends it; party: where it is asked, its part of the conversation there.

    hold: is called after `paused` has changed, where the port is not this board's alone.
    """

    def __init__(
        self,
        board: Board,
        lending: Lending,
        intake: Intake,
        decoder: Format,
        party: Party | None = None,
        hold: Callable[[], None] | None = None,
    ) -> None:
        self.board, self.intake, self.decoder, self.paused = board, intake, decoder, False
        self.lending, self._reader, self._party = lending, lending.reader, party
        self._hold = hold or self._alone

    @property
    def hearing(self) -> Hearing | Talk:
        """What takes the bytes of its port."""
        return self._reader.hearing

    @property
    def account(self) -> Account:
        """Of a board that speaks by itself."""
        return self._reader.hearing.accounts[0]

    def seek(self, first: int, told: Callable[[Seen, int], None]) -> None:
        """Has its rate found by listening. first: where to begin, or 0; told: gets what was found, or 0."""
        from .finding.seeking import Seeking  # with the formats that it tries, which take a moment

        if isinstance(self._reader.hearing, Hearing):
            self._reader.hearing.seeking = Seeking(self.board, first, lambda: told(self, self.baud))

    def becomes(self, board: Board, made: Callable[[], tuple[Intake, Format]]) -> None:
        """A board that speaks by itself is read by another table from its next frame on."""

        def intake() -> Intake:
            self.intake, self.decoder = made()
            return self.intake

        hearing = self._reader.hearing
        assert isinstance(hearing, Hearing)
        hearing.becomes(board, intake, time.monotonic())

    async def run(self) -> None:
        """Reads a board whose port is its own, for ever."""
        await self.lending.run()

    @property
    def state(self) -> str:
        """online | silent | offline | lent; of several boards on one port some may answer and others not."""
        silent = self._party is not None and self._party.silent and self._reader.state == "online"
        return "silent" if silent else self._reader.state

    @property
    def since(self) -> float:
        """When `state` became what it is; s since 1970."""
        party = self._party
        return party.since if party is not None and party.since > self._reader.since else self._reader.since

    @property
    def reason(self) -> str | None:
        """One sentence, where there is something to say: of the board's answers, else of its port."""
        party = self._party
        own = party.reason if party is not None and self._reader.state in ("online", "silent") else None
        hearing = self._reader.hearing
        seeking = hearing.seeking.reason if isinstance(hearing, Hearing) and hearing.seeking else None
        return own or self._reader.reason or seeking

    @property
    def baud(self) -> int:
        """Of its port; 0 while the board's own is not known."""
        hearing = self._reader.hearing
        seeking = hearing.seeking if isinstance(hearing, Hearing) else None
        return hearing.baud if seeking is None or seeking.found else 0

    @property
    def format(self) -> str:
        """The format's name; of `auto` what it has found, once it has."""
        return self.decoder.name

    @property
    def failed(self) -> Collection[str]:
        """Sensors whose last value did not hold."""
        return self.intake.failed

    @property
    def garbage(self) -> bool:
        """Whether what comes is no text."""
        return self.intake.trust.garbage

    @property
    def port(self) -> str:
        """Its stable path, once it was seen."""
        return self._reader.port

    @property
    def note(self) -> str | None:
        """What one should know of the port."""
        return self._reader.note

    @property
    def device(self) -> Device | None:
        """What is open."""
        return self._reader.device

    @property
    def tail(self) -> Tail:
        """The newest bytes of its port, where they are kept."""
        return self._reader.hearing.tail

    @property
    def sharer(self) -> str | None:
        """Another program that has the port open."""
        return self._reader.sharer

    @property
    def overdue(self) -> bool:
        """Whether the port was lent, and somebody has it open although its time is over."""
        return self.lending.holder is not None

    @property
    def sender_waits(self) -> bool:
        """Whether who sends waits while the port is not read."""
        return self._reader.sender_waits

    def share(self, sharer: str | None) -> None:
        """Another program has the device open as well; None: none has."""
        self._reader.share(sharer)

    def pause(self) -> None:
        """Is read no more, until `resume`; with it the other boards on its port."""
        self.paused = True
        self._hold()

    def resume(self) -> None:
        """Is read again."""
        self.paused = False
        self._hold()

    def _alone(self) -> None:
        (self._reader.pause if self.paused else self._reader.resume)()


def listening(
    board: Board,
    decoder: Format,
    take: Take,
    account: Account,
    changed: Callable[[], None],
    sensors: Sensors | None = None,
    loans: Loans | None = None,
) -> Seen:
    """A board that speaks by itself, on a port of its own: nothing is ever written to it. See Intake and Reader."""
    intake = Intake(board, decoder, take, account, changed, sensors)
    reader = Reader(board, Hearing(board, intake, account), changed)
    return Seen(board, Lending(reader, loans), intake, decoder)
