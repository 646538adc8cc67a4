"""One sensor's way to the broker: its topics, its writer, what `every` has sent, and when `last` went out."""

from ..model import Features
from .condense import Sent, gaps, sent_rows
from .lanes import Piece, selected
from .messages import Writer
from .packets import topic_part

LAST_EVERY = 10.0  # s between two retained `last` messages


class Stream:
    """The messages of one sensor. base: its topic without the last level."""

    __slots__ = ("_every", "_last_at", "_sent", "last_topic", "topic", "topic_part", "writer")

    def __init__(self, base: str, identity: tuple[str, str, str, str], tags: dict[str, str], every: float) -> None:
        self.writer = Writer(identity, tags)
        self.topic = f"{base}/features"
        self.topic_part = topic_part(self.topic)
        self.last_topic = f"{base}/last"
        self._every, self._sent = every, Sent()
        self._last_at: float | None = None

    def condense(self, features: Features) -> tuple[Piece | None, int]:
        """The readings that are sent by themselves, if any, and how many are not."""
        total = len(features)
        if not self._every:
            return Piece(features, 0, total), 0
        rows = sent_rows(self._sent, features.mono, self._every)
        left_out = gaps(self._sent, rows, total, features.seq)
        if len(rows) == total:
            return Piece(features, 0, total, left_out), 0
        return (Piece(selected(features, rows), 0, len(rows), left_out) if rows else None), total - len(rows)

    def last(self, features: Features, clock: str | None) -> bytes | None:
        """The retained message of the newest reading, where it is time for one."""
        newest = len(features) - 1
        if self._last_at is not None and features.mono[newest] - self._last_at < LAST_EVERY:
            return None
        self._last_at = features.mono[newest]
        return next(self.writer.readings(features, newest, newest + 1, {}, clock))

    def forget_last(self) -> None:
        """The broker may have forgotten: the next reading is a `last` again."""
        self._last_at = None
