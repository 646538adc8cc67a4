"""The bytes of one board become samples, and each frame and each value is counted. No port, no loop, no clock."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from ..ledger import Account, Refused
from ..model import HEAD, BadValue, Board, Chunk, Decoded, Format, Frame, Noise, Refusal, Sample, Stretch, Take, Why
from .counting import Counting
from .framing import Framing, Lines
from .sensors import Sensors
from .trust import Trust

FEW = 4  # lines that come together and are read one by one
MANY = 128  # lines that are looked at together

_PIECES = re.compile(rb"[^\r\n]*[\r\n]|[^\r\n]+")
"""Up to a line's end: whether a line is believed depends on what came before it and not on the bytes behind it."""


class Intake:
    """Feeds one board's bytes through framing and format, and keeps its account. take: gets a chunk's samples at once.

    `failed` has the sensors whose last value did not hold, with the reason; `changed` is called when it changes. A
    board may name `board.max_sensors` sensors: the values of any further name are refused, and nothing is kept of them.
    sensors: what is done with the values of each; a board without such wishes pays nothing for it.
    Lines that come together are read together where the format has a `stretch` for those of one shape.
    What parses while `trust` doubts the line is refused; a format that checks a sum of its own says so, as `checked`,
    and one whose bytes are no text, as `binary`: they are not weighed. `framing` of a format is how it is cut.
    """

    def __init__(
        self,
        board: Board,
        decoder: Format,
        take: Take,
        account: Account,
        changed: Callable[[], None],
        sensors: Sensors | None = None,
    ) -> None:
        self.failed: dict[str, Why] = {}
        self.board, self._decode, self._take, self.account = board, decoder.decode, take, account
        self.stretch: Callable[[list[Frame]], Stretch | None] | None = getattr(decoder, "stretch", None)
        self._changed = changed
        self.trust = Trust()
        self._checked = getattr(decoder, "checked", False)
        self.binary = getattr(decoder, "binary", False)
        self._framing: Callable[[int, bool], Framing] = getattr(decoder, "framing", Lines)
        self._counting = Counting()
        self._gaps, self._restarts = account.count_gaps, account.restarts  # of whoever read the board before
        self.sensors = sensors or Sensors()
        self.sensors.begin(board.max_sensors)
        self.cut = self._framing(board.max_line, True)
        self._wall = 0.0  # when came what is being read; s since 1970

    def feed(self, data: bytes, at: Chunk, *, settling: bool = False) -> int:
        """Takes bytes that arrived at `at`, all noise while the board settles. Gives the number of frames."""
        account, trust = self.account, self.trust
        account.bytes += len(data)
        self._wall = at.wall
        frames, samples, garbage = 0, list[Sample](), trust.garbage
        clean = self.binary or trust.unmoved(data)
        for piece in [data] if clean else _PIECES.findall(data):
            if not clean:
                trust.heard(piece)
            items = self.cut.feed(piece, at.mono)
            frames += len(items)
            if settling:
                account.noise += len(items)
            elif items:
                doubt = None if self._checked else trust.doubt(at.mono)
                samples += self._read(items, doubt) if len(items) <= FEW else self._read_many(items, doubt)
        account.frames += frames
        if trust.garbage is not garbage:
            self._changed()
        self._hand_on(samples, at)
        return frames

    def one(self, item: Frame | Decoded | Refusal | Noise, at: Chunk, line: Frame = b"") -> None:
        """Takes a frame that came at `at` and is believed, or what it came to already: `line` is its bytes then."""
        self._wall = at.wall
        self._hand_on(self._read([item], None, [line]), at)

    def taken_together(self, rows: Stretch) -> Stretch | None:
        """The rows, with what is done with their values, counted as those of their frames one by one.

        None, and nothing is counted, where that has to be seen one by one: it is believed, but may be a sensor's first.
        """
        takes = set(chain.from_iterable(rows.named)) if rows.named else rows.takes
        treated = rows if not self.sensors.treats else None if rows.named else self.sensors.treated_rows(rows)
        if treated is None or not (self.sensors.treats or self.sensors.all_known(takes)):
            return None
        if rows.counts is not None:
            self._counting.stretch(rows)
            self._count_gaps()
        if self.failed:
            self._recover(takes if treated is rows else treated.takes)
        values = rows.frames * len(rows.columns)
        self.account.decoded += rows.frames
        self.account.values += values
        self.account.readings += values
        return treated

    def answered(self, data: bytes, items: list[Frame | Refusal | Noise], decoder: Format, at: Chunk) -> bool:
        """Takes what may be the answer to a question, as frames. Whether it is one, good or bad, and not only noise."""
        account, trust, garbage = self.account, self.trust, self.trust.garbage
        self._decode = decoder.decode
        self._wall = at.wall
        account.bytes += len(data)
        account.frames += len(items)
        if not self.binary and not trust.unmoved(data):
            trust.heard(data)
        if trust.garbage is not garbage:
            self._changed()
        before = _answers(account)
        self._hand_on(self._read(items, None if self._checked else trust.doubt(at.mono)), at)
        return _answers(account) > before

    def missed(self, data: bytes, at: Chunk) -> None:
        """No answer had come in time at `at`; `data` came instead."""
        self.account.bytes += len(data)
        self.account.frames += 1
        self.account.refuse(Why.TIMEOUT, data[:HEAD], at.wall)

    def stray(self, data: bytes, *, new: bool) -> None:
        """Bytes that answer nothing; new: they are a piece of noise of their own."""
        self.account.bytes += len(data)
        self.account.frames += new
        self.account.noise += new

    @property
    def between(self) -> bool:
        """Whether the last byte ended a frame."""
        return self.cut.between

    def gap(self, *, midstream: bool = True) -> None:
        """The stream broke: its half frame is noise, and so is what comes before the next one's start.

        Without `midstream` what comes next is known to begin a frame.
        """
        half = self.cut.lost()
        if half is not None:
            self.account.frames += 1
            self.account.noise += 1
        self.cut = self._framing(self.board.max_line, midstream)

    def retuned(self) -> None:
        """The port is at another rate: what comes has nothing to do with what came."""
        self.gap()
        garbage = self.trust.garbage
        self.trust.anew()
        if garbage:
            self._changed()

    def _read_many(self, items: list[Frame | Refusal | Noise], doubt: Why | None) -> list[Sample]:
        """As `_read`, with a stretch at once wherever there is one."""
        if self.stretch is None or doubt is not None or self.trust.level > 0 or set(map(type, items)) != {bytes}:
            return self._read(items, doubt)
        samples: list[Sample] = []
        at, alone = 0, FEW
        while at + FEW < len(items):
            found = self.stretch(items[at : at + MANY])  # type: ignore[arg-type]  # frames, as was just seen
            if found is not None:
                samples += self._taken(found, items[at : at + found.frames])  # type: ignore[arg-type]
                at, alone = at + found.frames, 1
                samples += self._read(items[at : at + 1], None)  # it ended the stretch
                at += 1
            else:  # twice as many alone as before, so that lines without a shape cost few attempts
                samples += self._read(items[at : at + alone], None)
                at, alone = at + alone, 2 * alone
        return samples + self._read(items[at:], None)

    def _taken(self, found: Stretch, lines: list[Frame]) -> list[Sample]:
        """The samples of a stretch that is believed, counted as those of its frames one by one."""
        frames, samples = found.frames, found.samples
        if self.sensors.treats or self.failed:
            width = len(samples) // frames
            each = [Decoded(samples[at : at + width], []) for at in range(0, len(samples), width)]
            return self._read(each, None, lines)
        if samples[0].count is not None:
            self._counting.stretch(found)
        self.account.decoded += frames
        return samples

    def _read(
        self, items: Sequence[Frame | Decoded | Refusal | Noise], doubt: Why | None, lines: Sequence[Frame] = ()
    ) -> list[Sample]:
        """The samples of some frames, for which there is the same doubt; all else is counted. lines: of what is decoded
        already, the frames.
        """
        account, decode, failed, counting = self.account, self._decode, self.failed, self._counting
        wary, treats = doubt is not None or self.trust.level > 0, self.sensors.treats
        samples: list[Sample] = []
        decoded = noise = 0
        result: Decoded | Refusal | Noise
        for at, item in enumerate(items):
            if isinstance(item, bytes):
                result = decode(item)
                if wary and type(result) is Decoded:
                    result = self._believed(result, item, doubt)
            else:
                result = item
            if type(result) is Decoded:
                decoded += 1
                if result.samples and result.samples[0].count is not None:
                    counting.take(result.samples)
                if treats:
                    result = self.sensors.treated(result)
                samples += result.samples
                if failed:
                    self._recover(result.samples)
                if result.bad:
                    self._fail(result.bad, item if isinstance(item, bytes) else lines[at] if lines else b"")
            elif type(result) is Noise:
                noise += 1
            elif type(result) is Refusal:
                account.refuse(result.why, result.data[:HEAD], self._wall)
        account.decoded += decoded
        account.noise += noise
        return samples

    def _hand_on(self, samples: list[Sample], at: Chunk) -> None:
        """Counts the samples of some frames, and hands those on whose sensors have room."""
        account = self.account
        self._count_gaps()
        account.values += len(samples)
        if not self.sensors.treats and not self.sensors.all_known(samples):
            samples = self._admitted(samples)
        account.readings += len(samples)
        if samples:
            self._take(self.board.name, samples, at)

    def _count_gaps(self) -> None:
        account, counting = self.account, self._counting
        account.count_gaps, account.restarts = self._gaps + counting.missing, self._restarts + counting.restarts

    def _believed(self, result: Decoded, line: bytes, doubt: Why | None) -> Decoded | Refusal:
        self.trust.parsed(line)
        return result if doubt is None else Refusal(doubt, line)

    def _admitted(self, samples: list[Sample]) -> list[Sample]:
        """The samples whose sensors are known, or find room; the others are counted."""
        kept = [sample for sample in samples if self.sensors.know(sample.sensor)]
        if len(kept) < len(samples):
            self.account.refused_values[Why.TOO_MANY_SENSORS] += len(samples) - len(kept)
        return kept

    def _fail(self, bad: list[BadValue], frame: bytes) -> None:
        self.account.values += len(bad)
        for sensor, why in bad:
            self.account.refused_values[why] += 1
            if self.sensors.marks(sensor) and self.failed.get(sensor) is not why:
                self.failed[sensor] = why
                self.account.lately.append(Refused(self._wall, why, frame[:HEAD]))
                self._changed()

    def _recover(self, samples: Iterable[tuple[Any, ...]]) -> None:
        """samples: or takes; what comes first says the sensor."""
        for sensor, *_ in samples:
            if self.failed.pop(sensor, None) is not None:
                self._changed()


def _answers(account: Account) -> int:
    """Frames that answered a question. One that answers another board's is none, and its question goes on waiting."""
    return account.decoded + account.refused.total() - account.refused[Why.WRONG_ANSWER]
