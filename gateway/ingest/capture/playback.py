"""Has a port's boards hear a capture as they would have heard the port, at its times, whatever the time is. Pure."""

from ...model import Chunk
from ..asking.asker import ROUNDED
from ..asking.talk import Talk
from ..hearing import Hearing
from ..together import TakeRows
from .lines import Header, Heard, Mark
from .plain import Pieces

ALONE = 64  # pieces that are heard one by one where they cannot be heard together, until that is tried again


class Playback:
    """Feeds `hearing`: of a board that speaks by itself, or the talk with those that are asked, of which nothing is
    written. The monotonic clock counts from the capture's start.

    sent: how often something was written when it was recorded; unknown: how often it was nothing that is asked here.
    """

    def __init__(self, hearing: Hearing | Talk, header: Header) -> None:
        self.sent = self.unknown = 0
        self._hearing, self._talk = hearing, hearing if isinstance(hearing, Talk) else None
        self._wall, self._now = header.started, 0.0
        self._opens = 0
        hearing.opened(0.0, anew=False)  # unless the capture says when
        if header.whole:
            hearing.begins()

    def hear(self, heard: Heard) -> None:
        """The next of the capture."""
        at = Chunk(self._wall + heard.at, heard.at)
        self._wait(at.mono + ROUNDED * heard.sent)  # it went out when time had told what came of the one before
        if heard.sent:
            self.sent += 1
            self.unknown += self._talk is not None and not self._talk.sent(heard.data, at)
            return
        match heard.mark:
            case None:
                if self._talk is None and at.mono - self._hearing.latest >= self._hearing.patience:
                    self._hearing.silenced()
                self._hearing.take(heard.data, at)
            case Mark.OPENED | Mark.RENEWED:
                for account in self._hearing.accounts:
                    account.reopened += self._opens > 0
                self._opens += 1
                self._hearing.opened(at.mono, anew=heard.mark is Mark.RENEWED)
            case Mark.LOST:
                self._hearing.closed()
            case Mark.OVERRUN:
                self._hearing.lost_bytes(1, at.mono)
            case Mark.SHARED | Mark.ALONE:
                self._hearing.share(heard.mark is Mark.SHARED)

    def hear_many(self, pieces: Pieces, take: TakeRows) -> None:
        """The next ones, all bytes that came: the same as one by one, and faster. take: see together.py."""
        (at, data), first, alone = pieces, 0, ALONE
        while first < len(at):
            rest = data[first:], at[first:]
            if isinstance(self._hearing, Hearing) and self._hearing.take_many(*rest, self._wall, take):
                self._now = at[-1]
                return
            for when, piece in zip(at[first : first + alone], data[first : first + alone], strict=True):
                self.hear(Heard(when, piece))
            first, alone = first + alone, 2 * alone

    def end(self) -> None:
        """Half a line is under way for ever."""
        self._hearing.closed()

    def _wait(self, until: float) -> None:
        """Lets the time pass: what it tells alone, such as that no answer comes, is told at its moment."""
        while self._talk is not None and (ripe := self._talk.ripe) <= until:
            self._now = max(self._now, ripe)
            self._talk.look(Chunk(self._wall + self._now, self._now))
        self._now = until
