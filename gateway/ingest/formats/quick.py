"""The quick way to read a row: by a mould, learnt from the rows before, for rows without a fault."""

import re
from collections.abc import Callable, Sequence

from ...model import Decoded, Sample, Stretch
from ..numbers import has_more_than_numbers
from .mould import COMPILED, Mould, Take
from .stretch import Find, finder, stretch

LONGEST = 64
"""Characters of a name that is remembered."""

_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading


class Quick:
    """Reads rows by the last mould that two rows in turn agreed on.

    most: sensors named by a column that are remembered; when there are more, all are forgotten and learnt anew.
    """

    def __init__(self, none: frozenset[str | float], most: int) -> None:
        self._none, self._most = none, most
        self._never = has_more_than_numbers(none)  # here numbers alone are compared with it
        self._mould: Mould | None = None  # the one in use, or to be used again
        self._last: Mould | None = None
        self._compiled = 0
        self._compile: Callable[[bytes], re.Match[bytes] | None] | None = None
        self._match: Callable[[bytes], re.Match[bytes] | None] | None = None
        self._find: Find | None = None  # made of the mould in use when a stretch is first asked for
        self._simple = False  # nothing but values with a decimal point
        self._sensors: dict[bytes, tuple[Take, ...]] = {}  # what the values are, by the name in the row

    def learn(self, seen: Mould | None, result: Decoded) -> None:
        """Takes note of the mould of a row that was read with care, and of what it came to."""
        if self._never:
            return
        name = ""
        if seen is not None:
            name, seen = seen.name, seen._replace(name="")
        if seen is not None and seen == self._mould:
            self._match = self._compile
        elif seen is not None and seen == self._last and self._compiled < COMPILED:
            self._mould, self._compiled, self._find = seen, self._compiled + 1, None
            self._match = self._compile = re.compile(seen.pattern).fullmatch
            self._simple = (seen.counted, seen.named, seen.decimal, self._none) == (None, None, ".", frozenset())
            self._sensors.clear()  # what they meant in another mould
        self._last = seen
        if seen is not None and seen == self._mould and 0 < len(name) <= LONGEST:
            if len(self._sensors) >= self._most:
                self._sensors.clear()
            if len(result.samples) == len(seen.takes):
                self._sensors[name.encode()] = tuple((sample.sensor, sample.unit) for sample in result.samples)

    def forget(self) -> None:
        """Until the next `learn`, every row is read with care."""
        self._match = None

    def read(self, frame: bytes) -> Decoded | None:
        """The values of a row that fits the mould; None for any other."""
        mould = self._mould
        if self._match is None or mould is None or (found := self._match(frame)) is None:
            return None
        samples: list[Sample] = []
        if self._simple:
            for (sensor, unit), text in zip(mould.takes, found.groups(), strict=True):
                samples.append(_new(Sample, (sensor, float(text), unit, None)))
            return _new(Decoded, (samples, []))
        texts = found.groups()
        takes = mould.takes if mould.named is None else self._sensors.get(texts[mould.named])
        if takes is None:
            return None
        count = None if mould.counted is None else int(texts[mould.counted])
        values = [text for group, text in enumerate(texts) if group not in (mould.counted, mould.named)]
        for (sensor, unit), text in zip(takes, values, strict=True):
            number = float(text if mould.decimal == "." else text.replace(b",", b"."))
            if self._none and (number in self._none or text.decode() in self._none):
                return None
            samples.append(_new(Sample, (sensor, number, unit, count)))
        return _new(Decoded, (samples, []))

    def stretch(self, frames: Sequence[bytes]) -> Stretch | None:
        """The values of the first rows that fit the mould; None where these are no stretch."""
        mould = self._mould
        if self._match is None or mould is None:
            return None
        if self._find is None:
            self._find = finder(mould)
        return stretch(frames, mould, self._find, self._none, lambda name: self._sensors.get(name, ()))
