"""One sensor's way to the broker: its topics, its writer, what `every` has sent, and when `last` went out."""

from ..model import Features
from .condense import Sent, gaps, selected, sent_rows
from .lane import Piece
from .messages import Writer
from .packets import topic_part
from .spool.nouns import Source

LAST_EVERY = 10.0  # s between two retained `last` messages


class Stream:
    """The messages of one sensor. base: its topic without the last level."""

    __slots__ = (
        "_every",
        "_identity",
        "_last_at",
        "_older",
        "_sent",
        "last_topic",
        "topic",
        "topic_part",
        "writer",
    )

    def __init__(self, base: str, identity: tuple[str, str, str, str], tags: dict[str, str], every: float) -> None:
        self._identity = identity
        self.writer = Writer(identity, tags)
        self._older: tuple[Source, Writer] | None = None
        self.topic = f"{base}/features"
        self.topic_part = topic_part(self.topic)
        self.last_topic = f"{base}/last"
        self._every, self._sent = every, Sent()
        self._last_at: float | None = None

    def renew(self, tags: dict[str, str], every: float) -> None:
        """From now on with these tags, and so often."""
        self.writer, self._every = Writer(self._identity, tags), every

    def writer_of(self, piece: Piece) -> Writer:
        """Who writes the readings of `piece`: those of an earlier run have its number, and the tags of their time."""
        if piece.block is None:
            return self.writer
        source = piece.block.source
        if self._older is None or self._older[0] != source:
            self._older = source, Writer((*self._identity[:3], source.run), dict(source.tags))
        return self._older[1]

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
