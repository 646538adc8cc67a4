"""All boards that are asked on one port, in the place of the hearing of a board that speaks by itself.

Takes the port's bytes and the time, gives what is to be written, and sees that each board has its own answers and the
port's troubles. Pure: no port, no clock.
"""

from __future__ import annotations

from math import inf

from ...ledger import Account
from ...model import Chunk, Port
from ..modem import Losses
from ..tail import Tail
from .asker import Asker, Candidate, Missed, Stray
from .party import Party
from .turns import Turn

CHARACTERS, LEAST_GAP = 3.5, 0.00175  # of silence before a request; s, at 19,200 baud and above (Modbus RTU, 2.5.1.1)
BITS = 11  # of a character, at most


class Talk:
    """The conversation on one port. latest: when a board was heard last, or could have been."""

    def __init__(self, port: Port) -> None:
        self.parties: list[Party] = []
        self.settled_at = 0.0
        self.baud = port.baud
        self._settle = port.settle
        self._asker = Asker(max(LEAST_GAP, CHARACTERS * BITS / port.baud))
        self._last: Party | None = None  # who was asked last
        self._came = Chunk(0.0, 0.0)  # when bytes came last: that is when an answer came which a silence ends
        self._run = False  # bytes that answer nothing are under way, and counted
        self.tail = Tail()

    def join(self, party: Party, now: float) -> None:
        """One more board is asked."""
        self.parties.append(party)
        self._asker.join(party.turn, now)
        party.hearing.resumes(now)

    def leave(self, party: Party) -> None:
        """A board is not asked any more."""
        self.parties.remove(party)
        self._asker.leave(party.turn)
        if self._last is party:
            self._last = None

    # as a reader needs it

    @property
    def accounts(self) -> list[Account]:
        """Of all boards here: what happens to the port happens to each."""
        return [party.account for party in self.parties]

    @property
    def latest(self) -> float:
        """Of the board that was heard last."""
        return max((party.hearing.latest for party in self.parties), default=0.0)

    @property
    def patience(self) -> float:
        """S without an answer from any board after which the port is silent."""
        return max((party.hearing.patience for party in self.parties), default=inf)

    def tuned(self) -> None:
        """The port is at `baud`, as ever."""

    def untuned(self) -> None:
        """Nor is it put to another one."""

    def silenced(self) -> None:
        """The port is silent; its boards count that themselves."""

    def silence(self, now: float) -> str:
        """What is to be said of a silence."""
        return f"nothing that it is asked was answered for {now - self.latest:.0f} s: is anything there, and set alike?"

    def share(self, shared: bool) -> None:
        """Another program has the port open as well, or no more."""
        for party in self.parties:
            party.intake.trust.shared = shared

    def opened(self, now: float, *, anew: bool) -> None:
        """The port is open."""
        for party in self.parties:
            party.hearing.opened(now, anew=anew)
        self.restarts(now)

    def restarts(self, now: float) -> None:
        """The boards may have started anew: once they have settled they are started as configured, and asked."""
        self.settled_at = now + self._settle
        self._asker.opened(self.settled_at)

    def resumes(self, now: float) -> None:
        """The port was not read before."""
        for party in self.parties:
            party.hearing.resumes(now)
        self._asker.resumed(now)

    def pauses(self) -> None:
        """The port is not read for a while."""
        if rest := self._asker.closed():
            self._stray(rest)

    def closed(self) -> None:
        """The port is closed."""
        self.pauses()
        for party in self.parties:
            party.hearing.closed()

    def counts(self, losses: Losses | None, now: float) -> None:
        """What the driver has lost."""
        for party in self.parties:
            party.hearing.counts(losses, now)

    def lost_bytes(self, times: int, now: float) -> None:
        """Bytes were lost, so many times."""
        for party in self.parties:
            party.hearing.lost_bytes(times, now)

    def begins(self) -> None:
        """What comes next begins a frame."""
        for party in self.parties:
            party.hearing.begins()

    def take(self, data: bytes, at: Chunk) -> bool:
        """Takes bytes. Whether one of them shows that a board answers, and is no echo nor boot text."""
        self.tail.take(data, at.mono)
        if len(self.parties) == 1 and not self.parties[0].turn.questions:
            return self._speaks(self.parties[0], data, at)
        if at.mono < self.settled_at:
            self._stray(data)
            return False
        self._came = at
        self._asker.feed(data, at.mono)
        return self._drain(at)

    def _speaks(self, party: Party, data: bytes, at: Chunk) -> bool:
        """A board that speaks by itself, once it was started."""
        heard = party.hearing.take(data, at)
        if heard:
            party.heard(at)
        return heard

    # the time

    @property
    def wake(self) -> float:
        """When to call `look` and `question` again."""
        return min(self._asker.wake, self._silent_at())

    @property
    def ripe(self) -> float:
        """When to call `look` again, where nothing is asked but what was asked before; inf: not before bytes come."""
        return min(self._asker.ripe, self._silent_at())

    def _silent_at(self) -> float:
        silent = (party.hearing.latest + party.hearing.patience for party in self.parties if not party.silent)
        return min(silent, default=inf)

    def look(self, at: Chunk) -> None:
        """Sees to what time alone tells."""
        self._drain(at)
        for party in self.parties:
            party.look(at)

    def question(self, now: float) -> bytes:
        """What is to be written now; b"" when nothing is."""
        data = self._asker.question(now)
        if data:
            self.tail.take(data, now, sent=True)
            self._asked()
        return data

    def sent(self, data: bytes, at: Chunk) -> bool:
        """`data` was written when this was heard first. Whether a board here is ever told or asked that."""
        known = self._asker.sent(data, at.mono)
        self._drain(at)
        self._asked()
        return known

    def _asked(self) -> None:
        self._run = False
        self._last = self._of(self._asker.asking) or self._last

    def _drain(self, at: Chunk) -> bool:
        """Gives each board what is its own. Whether one has answered."""
        heard = False
        while (found := self._asker.next(at.mono)) is not None:
            match found:
                case Candidate(turn, place, data):
                    if (party := self._of(turn)) is not None and party.answered(place, data, self._came):
                        self._asker.accept(at.mono)
                        heard = True
                    self._run = False
                case Missed(turn, _, data):
                    if (party := self._of(turn)) is not None:
                        party.missed(data, at)
                    self._run = False
                case Stray(data):
                    self._stray(data)
        return heard

    def _stray(self, data: bytes) -> None:
        """A run of bytes that answer nothing is one piece of noise, whose ever it was; ends of line alone are none."""
        party = self._last or next(iter(self.parties), None)
        if party is not None:
            told = self._run or not data.strip(b"\r\n")
            party.intake.stray(data, new=not told)
            self._run = self._run or not told

    def _of(self, turn: Turn | None) -> Party | None:
        return next((party for party in self.parties if party.turn is turn), None)
