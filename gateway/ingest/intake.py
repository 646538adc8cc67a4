"""The bytes of one board become samples, and each frame and each value is counted. No port, no loop, no clock."""

import re
from collections.abc import Callable, Sequence

from ..ledger import Account, Refused
from ..model import HEAD, BadValue, Board, Chunk, Decoded, Format, Frame, Noise, Refusal, Sample, Stretch, Take, Why
from .counting import Counting
from .framing import Framing, Lines
from .sensors import Sensors
from .trust import Trust

FEW = 4  # lines that come together and are read one by one
MANY = 128  # lines that are looked at together

TakeLines = Callable[[str, list[Sample], list[Chunk]], None]
"""Gets samples of many lines, as many of each: (board, samples, when each line came)."""

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
        self._board, self._decode, self._take, self._account = board, decoder.decode, take, account
        self._stretch: Callable[[list[Frame]], Stretch | None] | None = getattr(decoder, "stretch", None)
        self._changed = changed
        self.trust = Trust()
        self._checked = getattr(decoder, "checked", False)
        self.binary = getattr(decoder, "binary", False)
        self._framing: Callable[[int, bool], Framing] = getattr(decoder, "framing", Lines)
        self._counting = Counting()
        self._gaps, self._restarts = account.count_gaps, account.restarts  # of whoever read the board before
        self.sensors = sensors or Sensors()
        self.sensors.begin(board.max_sensors)
        self._cut = self._framing(board.max_line, True)
        self._wall = 0.0  # when came what is being read; s since 1970

    def feed(self, data: bytes, at: Chunk, *, settling: bool = False) -> int:
        """Takes bytes that arrived at `at`, all noise while the board settles. Gives the number of frames."""
        account, trust = self._account, self.trust
        account.bytes += len(data)
        self._wall = at.wall
        frames, samples, garbage = 0, list[Sample](), trust.garbage
        clean = self.binary or trust.unmoved(data)
        for piece in [data] if clean else _PIECES.findall(data):
            if not clean:
                trust.heard(piece)
            items = self._cut.feed(piece, at.mono)
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

    def feed_many(self, pieces: Sequence[tuple[bytes, Chunk]], take: TakeLines) -> list[int] | None:
        """The same of each of `pieces`, in turn, where nothing but their bytes says what comes of them: text that is
        believed. Gives the frames of each; None where it may be otherwise, and then nothing is taken.

        Lines that came one by one are read together so. take: gets samples of many lines, as many of each, and when
        each line came; all others go where `feed` puts them.
        """
        account, trust, stretch = self._account, self.trust, self._stretch
        text = b"".join([data for data, _ in pieces])
        if stretch is None or self.binary or not trust.unmoved(text) or trust.doubt(pieces[0][1].mono) is not None:
            return None
        items: list[Frame | Refusal | Noise] = []
        whens: list[Chunk] = []
        counts = []
        for data, at in pieces:
            found = self._cut.feed(data, at.mono)
            items += found
            whens += [at] * len(found)
            counts.append(len(found))
        account.bytes += len(text)
        account.frames += len(items)
        first, alone, plain = 0, 1, set(map(type, items)) == {bytes}
        while first < len(items):
            rows = None
            if plain and first + FEW < len(items):
                rows = stretch(items[first : first + MANY])  # type: ignore[arg-type]  # frames, as was just seen
            last = first + (alone if rows is None else rows.frames)
            if rows is None:  # twice as many alone as before, as in `_read_many`
                for item, when in zip(items[first:last], whens[first:last], strict=True):
                    self._wall = when.wall
                    self._hand_on(self._read([item], None), when)
            else:
                self._lines(rows, items[first:last], whens[first:last], take)  # type: ignore[arg-type]  # frames
            first, alone = last, 1 if rows else 2 * alone
        return counts

    def _lines(self, rows: Stretch, lines: list[Frame], whens: list[Chunk], take: TakeLines) -> None:
        """Hands on a stretch, whose lines came at `whens`."""
        account, wide = self._account, len(rows.samples) // rows.frames
        if self.sensors.treats or self.failed or not self.sensors.all_known(rows.samples):
            for line, when in enumerate(whens):
                self._wall = when.wall
                some = Decoded(rows.samples[line * wide : (line + 1) * wide], [])
                self._hand_on(self._read([some], None, lines[line : line + 1]), when)
            return
        samples = self._taken(rows, lines)
        self._count_gaps()
        account.values += len(samples)
        account.readings += len(samples)
        take(self._board.name, samples, whens)

    def answered(self, data: bytes, items: list[Frame | Refusal | Noise], decoder: Format, at: Chunk) -> bool:
        """Takes what may be the answer to a question, as frames. Whether it is one, good or bad, and not only noise."""
        account, trust, garbage = self._account, self.trust, self.trust.garbage
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
        self._account.bytes += len(data)
        self._account.frames += 1
        self._account.refuse(Why.TIMEOUT, data[:HEAD], at.wall)

    def stray(self, data: bytes, *, new: bool) -> None:
        """Bytes that answer nothing; new: they are a piece of noise of their own."""
        self._account.bytes += len(data)
        self._account.frames += new
        self._account.noise += new

    @property
    def between(self) -> bool:
        """Whether the last byte ended a frame."""
        return self._cut.between

    def gap(self, *, midstream: bool = True) -> None:
        """The stream broke: its half frame is noise, and so is what comes before the next one's start.

        Without `midstream` what comes next is known to begin a frame.
        """
        half = self._cut.lost()
        if half is not None:
            self._account.frames += 1
            self._account.noise += 1
        self._cut = self._framing(self._board.max_line, midstream)

    def retuned(self) -> None:
        """The port is at another rate: what comes has nothing to do with what came."""
        self.gap()
        garbage = self.trust.garbage
        self.trust.anew()
        if garbage:
            self._changed()

    def _read_many(self, items: list[Frame | Refusal | Noise], doubt: Why | None) -> list[Sample]:
        """As `_read`, with a stretch at once wherever there is one."""
        if self._stretch is None or doubt is not None or self.trust.level > 0 or set(map(type, items)) != {bytes}:
            return self._read(items, doubt)
        samples: list[Sample] = []
        at, alone = 0, FEW
        while at + FEW < len(items):
            found = self._stretch(items[at : at + MANY])  # type: ignore[arg-type]  # frames, as was just seen
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
        frames, samples = found
        if self.sensors.treats or self.failed:
            width = len(samples) // frames
            each = [Decoded(samples[at : at + width], []) for at in range(0, len(samples), width)]
            return self._read(each, None, lines)
        if samples[0].count is not None:
            self._counting.stretch(samples, frames)
        self._account.decoded += frames
        return samples

    def _read(
        self, items: Sequence[Frame | Decoded | Refusal | Noise], doubt: Why | None, lines: Sequence[Frame] = ()
    ) -> list[Sample]:
        """The samples of some frames, for which there is the same doubt; all else is counted. lines: of what is decoded
        already, the frames.
        """
        account, decode, failed, counting = self._account, self._decode, self.failed, self._counting
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
        account = self._account
        self._count_gaps()
        account.values += len(samples)
        if not self.sensors.treats and not self.sensors.all_known(samples):
            samples = self._admitted(samples)
        account.readings += len(samples)
        if samples:
            self._take(self._board.name, samples, at)

    def _count_gaps(self) -> None:
        account, counting = self._account, self._counting
        account.count_gaps, account.restarts = self._gaps + counting.missing, self._restarts + counting.restarts

    def _believed(self, result: Decoded, line: bytes, doubt: Why | None) -> Decoded | Refusal:
        self.trust.parsed(line)
        return result if doubt is None else Refusal(doubt, line)

    def _admitted(self, samples: list[Sample]) -> list[Sample]:
        """The samples whose sensors are known, or find room; the others are counted."""
        kept = [sample for sample in samples if self.sensors.know(sample.sensor)]
        if len(kept) < len(samples):
            self._account.refused_values[Why.TOO_MANY_SENSORS] += len(samples) - len(kept)
        return kept

    def _fail(self, bad: list[BadValue], frame: bytes) -> None:
        self._account.values += len(bad)
        for sensor, why in bad:
            self._account.refused_values[why] += 1
            if self.sensors.marks(sensor) and self.failed.get(sensor) is not why:
                self.failed[sensor] = why
                self._account.lately.append(Refused(self._wall, why, frame[:HEAD]))
                self._changed()

    def _recover(self, samples: list[Sample]) -> None:
        for sample in samples:
            if self.failed.pop(sample.sensor, None) is not None:
                self._changed()


def _answers(account: Account) -> int:
    """Frames that answered a question. One that answers another board's is none, and its question goes on waiting."""
    return account.decoded + account.refused.total() - account.refused[Why.WRONG_ANSWER]
