"""Has a reader hear a capture as it would have heard the port, at the capture's times, whatever the time is. Pure."""

from ...model import Chunk
from ..seen import Seen
from .lines import Header, Heard, Mark


class Playback:
    """Feeds `reader`, which opens no port. The monotonic clock counts from the capture's start."""

    def __init__(self, reader: Seen, header: Header) -> None:
        self._reader, self._hearing, self._account = reader, reader.hearing, reader.account
        self._wall = header.started
        self._opens = 0
        self._hearing.opened(0.0, anew=False)  # unless the capture says when
        if header.whole:
            reader.intake.gap(midstream=False)

    def hear(self, heard: Heard) -> None:
        """The next of the capture."""
        now = heard.at
        match heard.mark:
            case None:
                self._account.silences += now - self._hearing.latest >= self._hearing.patience
                self._hearing.take(heard.data, Chunk(self._wall + now, now))
            case Mark.OPENED | Mark.RENEWED:
                self._account.reopened += self._opens > 0
                self._opens += 1
                self._hearing.opened(now, anew=heard.mark is Mark.RENEWED)
            case Mark.LOST:
                self._hearing.closed()
            case Mark.OVERRUN:
                self._account.overruns += 1
                self._reader.intake.trust.lost_bytes(now)
            case Mark.SHARED | Mark.ALONE:
                self._reader.share(heard.why or "another program" if heard.mark is Mark.SHARED else None)

    def end(self) -> None:
        """Half a line is under way for ever."""
        self._hearing.closed()
