"""A board's own numbers of its records: how many are missing, and when the board has started anew. Pure.

    5 6 9     two are missing (7, 8); when one comes late after all, one is
    6 6 7     said twice
    254 0     a wrap at 8 bits, one missing; so at 16 and at 32 bits
    57 0      the board has started anew, and nothing is missing

A board numbers its records, or each sensor numbers its own. The second is known by two sensors that say one number in
records of their own, or by a number that follows its sensor's last and not the board's.
"""

from collections.abc import Sequence
from itertools import groupby

from ..model import Sample, Stretch

WRAPS = ((8, 16), (16, 1024), (32, 65536))  # bits of a counter, and how near to the wrap the numbers around it are
LATE = 8  # numbers; by so many a record may come too late
AWAITED = 64  # missing numbers that may still come
SENSORS = 1000  # that are told apart


class Counting:
    """Follows one board's numbers. missing: how many never came; restarts: of the board."""

    def __init__(self) -> None:
        self.missing = 0
        self.restarts = 0
        self._last: int | None = None  # of the board
        self._most = 0
        self._of: dict[str, int] = {}  # the last of each sensor that has records of its own
        self._each = False  # each sensor numbers its own
        self._awaited: dict[tuple[str, int], None] = {}  # those that are missing, the newest last

    def take(self, samples: Sequence[Sample]) -> None:
        """Takes the samples of one frame that was believed: a record, or several with a number each."""
        first = samples[0].count
        if len(samples) == 1:
            if first is not None:
                self._next(samples[0].sensor, first)
            return
        if first is not None and first - 1 == self._last and samples[-1].count == first and not self._each:
            self._last, self._most = first, max(self._most, first)  # as it is nearly always
            return
        for count, record in groupby(samples, key=lambda sample: sample.count):
            if count is not None:
                names = [sample.sensor for sample in record]
                self._next(names[0] if len(names) == 1 else "", count)

    def stretch(self, rows: Stretch) -> None:
        """Takes several frames that were believed, each a record with a number."""
        width, frames, counts = len(rows.columns), rows.frames, list(rows.counts or ())
        sensor = (rows.named[0] if rows.named else rows.takes)[0][0]
        if counts and counts == list(range(counts[0], counts[0] + frames)):
            first, last = counts[0], counts[-1]
            if width > 1 and self._last == first - 1 and not self._each:
                self._last, self._most = last, max(self._most, last)
                return
            in_its_row = self._of.get(sensor) == first - 1 and (self._each or self._last == first - 1)
            if width == 1 and in_its_row and all(of[0][0] == sensor for of in rows.named):
                self._last, self._most, self._of[sensor] = last, max(self._most, last), last
                return
        samples = rows.samples
        for at in range(0, len(samples), width):
            self.take(samples[at : at + width])

    def _next(self, sensor: str, count: int) -> None:
        own, board = self._of.get(sensor), self._last
        if sensor and not self._each:
            follows_own = own is not None and count == own + 1 and own != board
            self._each = board is not None and (follows_own or (board == count and own != count))
        last = own if self._each else board
        if sensor and own is None and self._of and not 0 <= count - (board or 0) <= AWAITED:
            last = None  # a sensor's first number, far from the others': it may have a row of its own
        if last is not None and not self._follows(sensor if self._each else "", last, count):
            return
        self._last, self._most = count, max(self._most, count)
        if sensor in self._of or len(self._of) < SENSORS:
            self._of[sensor] = count

    def _follows(self, whose: str, last: int, count: int) -> bool:
        """Compares a number with the last of its row; False when it is an old one that comes late or again."""
        ahead = self._ahead(last, count)
        if ahead is not None:
            self._miss(whose, count, ahead - 1)
            return True
        if (whose, count) in self._awaited:
            del self._awaited[whose, count]
            self.missing -= 1
            return False
        if count > 1 and last - count <= LATE:
            return False
        self.restarts += 1
        self._last, self._most = None, 0
        self._of.clear()
        self._awaited.clear()
        return True

    def _ahead(self, last: int, count: int) -> int | None:
        """Steps from `last` on to `count`, over a wrap too; None when that is behind it."""
        if count >= last:
            return count - last
        for bits, near in WRAPS:
            step = count + (1 << bits) - last
            if self._most < 1 << bits and step <= near:
                return step
        return None

    def _miss(self, whose: str, count: int, many: int) -> None:
        if many <= 0:
            return
        self.missing += many
        for number in range(count - min(many, AWAITED), count):
            self._awaited[whose, number] = None
        while len(self._awaited) > AWAITED:
            del self._awaited[next(iter(self._awaited))]
