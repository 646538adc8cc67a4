"""kv: names and values, key:value or key=value, in any of the ways in which boards write them.

    MSG:12,Vrms:240.31,T1:21.50,T2:19.88                      commas, semicolons, tabs, bars or wide gaps between pairs
    Humidity: 45.20 %\\tTemperature: 23.40 *C 74.12 *F         units behind; the first of two temperatures counts
    Temp *C = 22.48                                           one pair; the unit may stand in the key
    ok T:21.2 /0.0 B:0.0 /0.0 @:0                             blanks between pairs, where keys are single words
    $,humidity=50.4,tempf=71.3,#                              with a $ in front, the # says that all of it came

The names say everything, so pairs may be missing. A line that is made of pairs only in part is noise; where a name
stands in it that has held a number, it is refused.
"""

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter

from ...model import BadValue, Decoded, FormatOptions, Frame, Noise, Refusal, Sample, Stretch, Why
from ..asked_for import Asked
from ..numbers import SHORT, has_more_than_numbers, value, whole
from ..quantities import TEMPERATURE_UNITS, is_other, unit, unit_in_name
from .doubt import Doubt, Doubtful
from .first_units import KNOWN, LONGEST, FirstUnits
from .mould import Mould
from .mould_pairs import COUNT, SKIP, mould_of_pairs
from .otherwise import Otherwise
from .pairs import Pair, Pairs, cut, has_points, split_value
from .senders import Senders, is_device
from .stretches import Stretches
from .text import (
    NAMES,
    ROLES,
    is_log,
    is_numberish,
    joined,
    noise,
    numbered,
    outcome,
    readable,
    refused,
    signed,
)

_QUICK = re.compile(  # whatever is no such pair comes out as one with an empty key
    rb"(?:^|[,;\t ])([A-Za-z_][\w.\-]*+)[:=]( ?" + SHORT.encode() + rb")"
    rb"((?: ?(?:[*']|\xc2\xb0)?[A-Za-z%]{1,7})?)(?=[,;\t ]|\Z)|[\s\S]++"
).findall
_POINT_OR_PARTING = re.compile(rb"\d\.\d|,(?=\S)").search
_UNKNOWN = (None, "")
_sensor = itemgetter(0)  # of a sample, and of a take
_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading


class Kv:
    """Decodes lines of pairs.

    `columns` gives the pairs other names: "key=name" by their keys, and plain names by their places, all of them then.
    `unit`: for what has none; of values that come in two units, those in that one are taken.
    """

    name = "kv"

    def __init__(self, options: FormatOptions, *, guess: bool = False) -> None:
        self._asked = Asked(options)
        self._none = frozenset(options.none)
        self._careful = has_more_than_numbers(self._none)  # the quick way compares numbers alone with it
        self._decimal = options.decimal
        self._doubt = Doubt() if guess else None
        self._senders = Senders() if guess and not options.columns else None
        self._named = {field.name for field in options.fields}
        self._mark = ""  # the decimal mark of the lines so far; "" until one has told
        self._otherwise = Otherwise()  # lines that have another
        self._columns = tuple(name for name in options.columns if "=" not in name)
        self._renamed: dict[str, str] = dict(name.rsplit("=", 1) for name in options.columns if "=" in name)
        self._by_place = bool(self._columns) or len(options.unit) > 1
        self._board = unit(options.unit[0]) if len(options.unit) == 1 else ""
        self._units = FirstUnits()
        self._known: dict[tuple[bytes, bytes], tuple[str, str]] = {}  # key, unit as sent -> sensor, published unit
        self._stretches = Stretches(self._moulded, self._none)

    @property
    def unsaid(self) -> bool:
        """Whether nothing says that the values read are temperatures."""
        return self._doubt is not None and not self._doubt.told

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        return self._quick(frame) or self.careful(frame)

    def stretch(self, frames: Sequence[bytes]) -> Stretch | None:
        """What the first lines hold, if they are of one shape and without a fault; the same as one by one."""
        found = self._stretches.read(frames)
        if found is not None:
            self._go_on(map(_sensor, found.takes))
        return found

    def _moulded(self, frame: bytes) -> Mould | None:
        """The mould of a line that the quick way reads."""
        line = frame.replace(b", ", b",")
        return None if self._quick(frame) is None else mould_of_pairs(line, _QUICK(line), self._known)

    def _quick(self, frame: bytes) -> Decoded | None:
        """The values of a line whose names are all known, with no fault in it; None for any other."""
        found = _QUICK(frame.replace(b", ", b","))
        known = self._known
        samples: list[Sample] = []
        count = None
        for key, text, behind in found:
            sensor, published = known.get((key, behind), _UNKNOWN)
            if sensor:
                number = float(text)
                if self._none and (number in self._none or text.strip().decode() in self._none):
                    return None
                samples.append(_new(Sample, (sensor, number, published, None)))
            elif sensor is None or (published and (count := whole(text.strip().decode())) is None):
                return None
        if not samples or (len(found) > 1 and (_has_twins(found) or (b":" in frame and b"=" in frame))):
            return None
        if self._renamed and len({sample.sensor for sample in samples}) < len(samples):
            return None
        if count is not None:
            samples = [_new(Sample, (sensor, number, published, count)) for sensor, number, published, _ in samples]
        self._go_on(map(_sensor, samples))
        return _new(Decoded, (samples, []))

    def _go_on(self, sensors: Iterable[str]) -> None:
        """Takes note of sensors whose values were read as those before."""
        self._otherwise.times = 0
        self._units.went_on(sensors)

    def careful(self, frame: Frame) -> Decoded | Refusal | Noise:
        """The same without the quick way."""
        text = readable(frame)
        if isinstance(text, Refusal):
            return text
        text = signed(text)
        mark = "," if self._mark == "," and not has_points(text) else self._decimal
        found = None if is_log(text) else cut(text.strip(), mark)
        if found is not None and self._mark not in ("", found.decimal):
            self._mark = "" if self._otherwise.again(found.decimal) else self._mark
        if found is None or (found.decimal == "," and self._mark == "."):
            return self._without_pairs(text, frame)
        if self._columns and len(found.pairs) != len(self._columns):
            any_value = any(is_numberish(pair.value) for pair in found.pairs)
            return refused(Why.WRONG_COLUMNS, frame) if any_value else noise(frame)
        result = self._read(found, frame)
        if not found.whole and not isinstance(result, Noise):
            return refused(Why.BAD_FRAME, frame)
        self._stretches.doubt()
        if isinstance(result, Decoded) and not result.bad and self._mark in ("", found.decimal):
            self._otherwise.times = 0
            self._learn(frame, found.decimal)
        return result

    def _without_pairs(self, text: str, frame: bytes) -> Refusal | Noise:
        words = re.split(r"[\s,;|]", text)
        torn = any(re.split("[:=]", word, maxsplit=1)[0] in self._units for word in words if ":" in word or "=" in word)
        return refused(Why.BAD_FRAME, frame) if torn else noise(frame)

    def _read(self, line: Pairs, frame: bytes) -> Decoded | Refusal | Noise:
        about: dict[str, str] = {}
        values: list[tuple[int, str, str, Pair]] = []
        keys = numbered([pair.key for pair in line.pairs])
        for place, (key, pair) in enumerate(zip(keys, line.pairs, strict=True)):
            name = self._columns[place] if self._columns else self._renamed.get(key, key)
            role = ROLES.get(name.casefold(), "")
            if role and role != "value":
                about[role] = pair.value
            elif name:
                values.append((place, key, name, pair))
        count = whole(about["count"]) if "count" in about else None
        if "count" in about and count is None:
            return refused(Why.NOT_A_NUMBER, frame)
        sensor = about.get("sensor")
        if sensor is not None and (sensor == "" or len(sensor) * len(values) > NAMES):
            return refused(Why.BAD_FRAME, frame)
        whose: str | None = ""
        if sensor is None and self._senders is not None:
            whose = self._senders.whose({key: pair.value for _, key, _, pair in values})
            sensor = whose
        around = unit(about.get("unit", ""))
        names: list[str] = []
        results: list[tuple[float | Why, str]] = []
        doubted: list[str] = []  # how the value is spelled, where nothing says what it is
        outer = sensor or ""
        cells = [split_value(pair.value, line.decimal) for _, _, _, pair in values]
        if self._doubt is not None and not self._doubt.told:
            told = (
                self._tells(key, name, said, place, outer, pair.value)
                for (place, key, name, pair), (_, said) in zip(values, cells, strict=True)
            )
            if any(told):
                self._doubt.tell()
        for (place, key, name, pair), (numeral, said) in zip(values, cells, strict=True):
            published = self._published(key, name, said, place, around, outer)
            unsaid = published is not None and self._is_doubtful(key, name, said, published, place, outer, pair.value)
            if unsaid and self._doubt is not None and self._doubt.told:
                continue
            plain = " " not in pair.value and self._asked.plainly(key, outer, name)
            due = plain or joined(outer, name) in self._units
            name = joined(outer, name) if outer else name
            found = Why.ERROR_MARK if pair.value in self._none else value(numeral, self._none, line.decimal)
            if published is None and not (self._by_place or self._board) and self._units.left_out(name, said):
                self._known.clear()
            if published is None or (found is Why.NOT_A_NUMBER and not due):
                continue
            doubted.append("")
            if not isinstance(found, Why):
                if self._units.read(name, said):
                    self._known.clear()
                doubted[-1] = numeral if unsaid else ""
            names.append(name)
            results.append((found, published))
        samples: list[Sample] = []
        bad: list[BadValue] = []
        doubtful: list[Doubtful] = []
        for name, (found, published), numeral in zip(numbered(names), results, doubted, strict=True):
            if isinstance(found, Why):
                bad.append(BadValue(name, found))
                continue
            if numeral:
                doubtful.append(Doubtful(len(samples), name[:LONGEST], numeral))
            samples.append(Sample(name, found, published, count))
        if doubtful and self._doubt is not None:
            samples, marks = self._doubt.settle(samples, doubtful)
            bad += marks
        self._units.went_on(map(_sensor, samples))
        return refused(Why.BAD_FRAME, frame) if whose is None and samples else outcome(samples, bad, frame)

    def _is_doubtful(
        self, key: str, name: str, said: str, published: str, place: int = 0, outer: str = "", text: str = ""
    ) -> bool:
        """Whether nothing says that a value is a temperature; a target behind it does ("21.2 /0.0")."""
        if self._doubt is None or published not in TEMPERATURE_UNITS or name in self._named or self._columns:
            return False
        said = said or self._units.of(joined(outer, name))
        return "/" not in text and not self._asked.certain(key, said, place, outer, name)

    def _tells(self, key: str, name: str, said: str, place: int, outer: str, text: str) -> bool:
        """Whether a pair says what it measures, so that this board's names are ones that say it."""
        if not text or self._columns or name in self._named or key != name or not is_numberish(text):
            return False
        if is_other(key, said):
            return True
        published = self._published(key, name, said, place, "", outer)
        return published in TEMPERATURE_UNITS and not self._is_doubtful(
            key, name, said, published or "", place, outer, text
        )

    def _published(
        self, key: str, name: str, said: str, place: int = 0, around: str = "", outer: str = ""
    ) -> str | None:
        """The unit of a value, or None: not asked for, or a temperature that comes in another unit too."""
        own = said or unit_in_name(name) or unit_in_name(key)
        if own in TEMPERATURE_UNITS and not self._by_place:
            first = self._board or self._units.of(joined(outer, name))
            if first in TEMPERATURE_UNITS and first != own:
                return None
        return self._asked.unit(key, said, place, around, outer, name)

    def _learn(self, frame: bytes, decimal: str) -> None:
        """Takes note of what the keys of a good line mean, where they have a meaning by themselves, and of its mark."""
        if decimal == ",":
            self._mark = ","
            self._known.clear()
        elif not self._mark and _POINT_OR_PARTING(frame):
            self._mark = "."
        if self._by_place or self._careful or decimal == "," or (self._doubt is not None and self._doubt.half_told):
            return
        for raw, _, behind in _QUICK(frame.replace(b", ", b",")):
            key = raw.decode()
            name = self._renamed.get(key, key)
            said = unit(behind.decode())
            role = ROLES.get(name.casefold(), "")
            understood = not behind or (said and role != "count")
            if self._senders is not None and not self._senders.counts and is_device(key):
                continue  # whose a line is takes care
            if not raw or not understood or role in ("sensor", "unit") or len(self._known) >= KNOWN:
                continue
            published = self._published(key, name, said)
            if said and (published is not None or said in TEMPERATURE_UNITS) and self._units.of(name) != said:
                continue  # its unit is not settled yet
            if published is not None and self._doubt is not None and self._is_doubtful(key, name, said, published):
                if not self._doubt.told:
                    continue
                published = None
            meaning = SKIP if published is None or not name else (name, published)
            self._known[raw, behind] = COUNT if role == "count" else meaning


def _has_twins(found: list[tuple[bytes, bytes, bytes]]) -> bool:
    """Whether a key comes twice."""
    if len(found) == 2:
        return found[0][0] == found[1][0]
    return len({key for key, _, _ in found}) < len(found)
