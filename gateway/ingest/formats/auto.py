"""auto: one of nmea, json, kv, csv and plain, found by looking at the lines.

No line waits for the decision: each is read at once by the first format that can, in that order, since a JSON line also
splits at commas, and so does a line of pairs. Three lines in turn that one format could read decide for it. A line of
the shape of an NMEA sentence is one, with whatever sum. A column without a name that only rises is no value,
nor is what can be no temperature (doubt.py).
"""

import math
import re
from collections.abc import Sequence
from typing import Protocol

from ...model import BadValue, Decoded, FormatOptions, Frame, Noise, Refusal, Sample, Stretch, Why
from ...units import BEHIND
from ..quantities import quantity
from .csv import Csv
from .doubt import BOUNDS
from .json import Json
from .kv import Kv
from .nmea import Nmea, is_sentence
from .pairs import cut
from .plain import Plain
from .text import noise, outcome, readable, refused

AGREED = 3
"""Lines in turn, read by one format, that decide for it."""
MISSED = 20
"""Lines in turn that hold no value for the format decided for; then all are tried again."""
LABEL = 64
"""Characters before a number that may say what it is."""

ANY = (-math.inf, math.inf)
HOTTEST = min(high for _, high in BOUNDS.values())
UNPLUGGED = ((-127.0, "°C"), (-196.6, "°F"))
"""What the usual library says of a DS18B20 that is unplugged."""

_FAR = re.compile(rb"-(?:2[7-9]|[3-9]\d)\d|\d{4}")
"""What a number that no temperature comes to has in it: few lines do."""

_MEASURED = re.compile(rf"(?<![\w.,])[+-]?\d{{1,6}}(?:[.,]\d{{1,6}} ?|(?= ?[°º*'])) ?{BEHIND}", re.IGNORECASE)
_SEPARATED = re.compile(rb"[,;\t|]")


class _Named(Protocol):
    name: str

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise: ...


class Auto:
    """Decodes lines by whichever of the five formats fits, and stays with it while it does."""

    def __init__(self, options: FormatOptions) -> None:
        self._all: tuple[_Named, ...] = (
            Json(options, guess=True),
            Kv(options, guess=True),
            Csv(options, guess=True),
            Plain(options, guess=True),
        )
        self._nmea = Nmea(options)
        self.far = bool(options.columns)  # what is beyond any temperature is read too, by its name
        self._fields = {field.name for field in options.fields}
        self._found: _Named | None = None  # the format decided for
        self._last: _Named | None = None  # the one that read the last line …
        self._agreed = 0  # … and how many in turn
        self._missed = 0

    @property
    def name(self) -> str:
        """The format found, "auto" until then."""
        return self._found.name if self._found else "auto"

    @property
    def guessed(self) -> tuple[str, ...]:
        """The columns that `columns` of the format found would name, where some of them are no values; else ()."""
        return self._found.guessed if isinstance(self._found, Csv | Plain) else ()

    @property
    def unsaid(self) -> bool:
        """Whether nothing says that the values of the format found are temperatures."""
        return isinstance(self._found, Json | Kv | Csv | Plain) and self._found.unsaid

    @property
    def decimal(self) -> str:
        """What `decimal` of csv would be, where that is found; else "auto"."""
        return self._found.decimal if isinstance(self._found, Csv) else "auto"

    @property
    def after(self) -> str:
        """What `after` of json would be, where the objects stand behind a word; else ""."""
        return self._found.after if isinstance(self._found, Json) else ""

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        if self._found is None:
            result = self._look(frame)
            return self._without_marks(result, frame) if _may_be_marked(frame) else result
        result = self._found.decode(frame)
        if _may_be_marked(frame):
            result = self._without_marks(result, frame)
        if type(result) is Decoded:
            self._missed = 0
        elif frame and not (self._found is self._nmea and is_sentence(frame)):
            self._missed += 1
            result = _unread(frame) or result if type(result) is Noise else result
            if self._missed >= MISSED:
                self._found, self._last, self._agreed = None, None, 0
        return result

    def stretch(self, frames: Sequence[bytes]) -> Stretch | None:
        """What the first lines hold, if the format decided for reads them at once; the same as one by one."""
        read = getattr(self._found, "stretch", None)
        found: Stretch | None = read(frames) if read is not None else None
        if found is not None:
            lowest, highest = min(map(min, found.columns)), max(map(max, found.columns))
            if not (lowest >= 0 and highest <= HOTTEST) and any(map(self._is_mark, found.samples)):
                return None
            self._missed = 0
        return found

    def _is_mark(self, sample: Sample) -> bool:
        """Whether a value is the mark of a probe that is unplugged, or is no temperature whatever its name says."""
        if (sample.value, sample.unit) in UNPLUGGED:
            return True
        low, high = ANY if self.far or sample.sensor in self._fields else BOUNDS.get(sample.unit, ANY)
        return not low <= sample.value <= high

    def _without_marks(self, result: Decoded | Refusal | Noise, frame: bytes) -> Decoded | Refusal | Noise:
        if not isinstance(result, Decoded) or not any(map(self._is_mark, result.samples)):
            return result
        good = [sample for sample in result.samples if not self._is_mark(sample)]
        marks = [BadValue(each.sensor, Why.ERROR_MARK) for each in result.samples if self._is_mark(each)]
        return outcome(good, result.bad + marks, frame)

    def _look(self, frame: bytes) -> Decoded | Refusal | Noise:
        """The line as the first format reads it that can; a refusal by one of them says more than noise."""
        if is_sentence(frame):
            result = self._nmea.decode(frame)
            if not isinstance(result, Refusal):
                self._agree(self._nmea)
            return result
        worst: Refusal | Noise = noise(frame)
        for each in self._all:
            if isinstance(each, Csv) and each is not self._last and not _SEPARATED.search(frame):
                continue
            result = each.decode(frame)
            if isinstance(result, Decoded):
                self._agree(each)
                return result
            if each is self._last and isinstance(result, Refusal):
                self._missed += 1
                if self._missed < AGREED:
                    return result
                self._last, self._agreed = None, 0  # the line that it has read may have been a torn one
            if isinstance(each, Json) and _is_object(frame, isinstance(result, Noise)):
                return result  # no row of cells, though commas stand in it
            if isinstance(worst, Noise) and isinstance(result, Refusal):
                worst = result
        return _unread(frame) or worst if isinstance(worst, Noise) else worst

    def _agree(self, each: _Named) -> None:
        """One more line that this format could read."""
        self._agreed = self._agreed + 1 if each is self._last else 1
        self._last, self._missed = each, 0
        if self._agreed >= AGREED:
            self._found = each


def _may_be_marked(text: bytes) -> bool:
    """Whether a value that is a mark, or no temperature at all, may stand in it."""
    return b"-127" in text or b"-196" in text or _FAR.search(text) is not None


def _is_object(frame: bytes, understood: bool) -> bool:
    """Whether a line is a JSON object. understood: it is, if it begins as one."""
    line = frame.strip()
    return line[:1] == b"{" and (understood or line[-1:] == b"}")


def _unread(frame: bytes) -> Refusal | None:
    """A refusal of text that no format reads and in which a temperature stands: "12:41  ALARM +8.9 'C"."""
    text = readable(frame)
    found = None if isinstance(text, Refusal) else _MEASURED.search(text)
    if (
        isinstance(text, Refusal)
        or found is None
        or quantity(text[: found.start()][-LABEL:]) not in ("", "temperature", "state")
    ):
        return None
    return None if cut(text.strip(), "auto") is not None else refused(Why.BAD_FRAME, frame)
