"""One sensor's way to the broker: its topics, its writer, its alarm, what was sent, and when `last` went out."""

from ..model import Features
from ..sending import Sending
from .alarm import CLEAR, Told, Watch, changes
from .condense import Sent, gaps, selected, sent_rows
from .lane import Piece
from .messages import Writer
from .packets import topic_part
from .spool.nouns import Source

LAST_EVERY = 10.0  # s between two retained `last` messages


class Stream:
    """The messages of one sensor. base: its topic without the last level.

    told: what its alarm's topic says; None: nothing, as it has none, or no value has decided yet.
    """

    __slots__ = (
        "_identity",
        "_last_at",
        "_older",
        "_sending",
        "_sent",
        "_watch",
        "alarm_topic",
        "last_topic",
        "told",
        "topic",
        "topic_part",
        "writer",
    )

    def __init__(self, base: str, identity: tuple[str, str, str, str], tags: dict[str, str], sending: Sending) -> None:
        self._identity = identity
        self.writer = Writer(identity, tags)
        self._older: tuple[Source, Writer] | None = None
        self.topic = f"{base}/features"
        self.topic_part = topic_part(self.topic)
        self.last_topic, self.alarm_topic = f"{base}/last", f"{base}/alarm"
        self._sending, self._sent = sending, Sent()
        self._watch = Watch(sending.alarm) if sending.alarm else None
        self.told: Told | None = None
        self._last_at: float | None = None

    def renew(self, tags: dict[str, str], sending: Sending) -> None:
        """From now on with these tags, and sent so. An alarm with other limits goes on until a value ends it."""
        self.writer, before, self._sending = Writer(self._identity, tags), self._sending, sending
        if sending.alarm is None:
            self._watch = self.told = None
        elif sending.alarm != before.alarm:
            self._watch = Watch(sending.alarm, self._watch.state if self._watch else CLEAR)

    @property
    def watched(self) -> bool:
        """Whether it has an alarm, be it on or not."""
        return self._watch is not None

    @property
    def owes(self) -> bool:
        """Whether its next message has to say how many readings were left out before."""
        return self._sent.condensed > 0

    def writer_of(self, piece: Piece) -> Writer:
        """Who writes the readings of `piece`: those of an earlier run have its number, and the tags of their time."""
        if piece.block is None:
            return self.writer
        source = piece.block.source
        if self._older is None or self._older[0] != source:
            self._older = source, Writer((*self._identity[:3], source.run), dict(source.tags))
        return self._older[1]

    def condense(self, features: Features) -> tuple[Piece | None, int]:
        """The readings that are sent by themselves, if any, and how many are not. Marks all with their alarm."""
        total, how = len(features), self._sending
        turns = self._mark(features) if self._watch is not None else ()
        if not (how.every or how.band):
            return Piece(features, 0, total), 0
        rows = sent_rows(self._sent, features, how, turns)
        left_out = gaps(self._sent, rows, total, features.seq)
        if len(rows) == total:
            return Piece(features, 0, total, left_out), 0
        return (Piece(selected(features, rows), 0, len(rows), left_out) if rows else None), total - len(rows)

    def _mark(self, features: Features) -> list[int]:
        """Gives the rows at which the alarm begins or ends."""
        watch = self._watch
        assert watch is not None
        features.alarm = watch.states(features.mono, features.value)
        turns = changes(self.told.state if self.told else CLEAR, features.alarm)
        row = turns[-1] if turns else watch.decided if self.told is None else None
        if row is not None:
            f = features
            self.told = Told(f.alarm[row], f.wall[row], f.mono[row], f.value[row], f.unit, f.unset)
        return turns

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

    def forget(self) -> None:
        """Nothing is told of the sensor any more; should it be heard again, that is as at first."""
        self._last_at = self.told = None
        self._watch = Watch(self._sending.alarm) if self._sending.alarm else None
