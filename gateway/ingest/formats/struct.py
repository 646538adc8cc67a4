"""struct: numbers at fixed places of a binary frame.

    07 67 12 00 00 ac 41 00 00 50 c0 c7 b9        fields: count u16 at 1, t1 f32 at 3, t2 f32 at 7
       4711  21.5        -3.25       checksum

Of several fields with one name, the first whose `when` holds gives the value; when none does there is no value. A field
whose `only` does not hold is not in this frame.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import isfinite

from ...layouts import Endian, Field, When
from ...model import BadValue, Decoded, FormatOptions, Frame, Noise, Refusal, Sample, Why
from ..asked_for import Asked
from ..framing import Framing
from ..framing.binary import binary
from ..numbers import COUNT_LIMIT, scaling
from ..quantities import unit as published
from .raw import reader
from .text import joined, outcome, refused

ROLES = ("count", "sensor")
"""Fields by these names say something about the frame."""


class Struct:
    """Decodes frames of one layout. checked: their framing has seen to a checksum."""

    name = "struct"
    binary = True

    def __init__(self, options: FormatOptions) -> None:
        self.checked = options.crc is not None
        self.framing: Callable[[int, bool], Framing] = binary(options)
        self._roles: dict[str, list[_Place]] = {}
        self._values: dict[str, list[_Place]] = {}
        asked, none = (
            Asked(replace(options, fields=())),
            frozenset(each for each in options.none if isinstance(each, float)),
        )
        outer = "sensor" if any(field.name == "sensor" for field in options.fields) else ""
        for field in options.fields:
            unit = asked.unit(field.name, published(field.unit) or field.unit, outer=outer)
            for name, place in _places(field, options.endian, unit or "", none):
                if name in ROLES:
                    self._roles.setdefault(name, []).append(place)
                elif unit is not None:
                    self._values.setdefault(name, []).append(place)

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a frame holds."""
        about: dict[str, int] = {}
        for role, places in self._roles.items():
            found, _ = _value(places, frame)
            if isinstance(found, Why) or (found is not None and not 0 <= found < COUNT_LIMIT):
                return refused(Why.BAD_FRAME, frame)
            if found is not None:
                about[role] = int(found)
        count = about.get("count")
        outer = str(about["sensor"]) if "sensor" in about else ""
        samples: list[Sample] = []
        bad: list[BadValue] = []
        for name, places in self._values.items():
            found, unit = _value(places, frame)
            if outer:
                name = joined(outer, name)
            if isinstance(found, Why):
                bad.append(BadValue(name, found))
            elif found is not None:
                samples.append(Sample(name, found, unit, count))
        return outcome(samples, bad, frame)


class _Place:
    """Where one number stands, how it is read, and what it means."""

    def __init__(self, field: Field, at: int, endian: Endian, unit: str, none: frozenset[float]) -> None:
        self.unit = unit
        self._end = at + field.width
        self._read = reader(field, at, field.endian or endian)
        self._scaled = scaling(field.factor, field.offset, whole=field.type not in ("f32", "f64"))
        self._none = none.union(field.none)
        self._when, self._only = _bits(field.when), _bits(field.only)
        self.conditional = bool(field.when or field.only)

    def is_in(self, frame: Frame) -> bool:
        """Whether the frame has such a value at all."""
        return all(at < len(frame) and frame[at] & mask == equals for at, mask, equals in self._only)

    def holds(self, frame: Frame) -> bool:
        """Whether the frame says that the value holds."""
        return all(at < len(frame) and frame[at] & mask == equals for at, mask, equals in self._when)

    def value(self, frame: Frame) -> float | Why:
        """The finite value, or why there is none."""
        if self._end > len(frame):
            return Why.BAD_FRAME
        raw = self._read(frame)
        if isinstance(raw, Why):
            return raw
        if self._none and raw in self._none:
            return Why.ERROR_MARK
        value = self._scaled(raw)
        return value if isfinite(value) else Why.NOT_FINITE


def _value(places: list[_Place], frame: Frame) -> tuple[float | Why | None, str]:
    """What stands at the first of these places that holds, and its unit; None when the frame has none of them."""
    found = None
    for place in places:
        if not place.conditional:
            return place.value(frame), place.unit
        if place.is_in(frame):
            if place.holds(frame):
                return place.value(frame), place.unit
            found = Why.ERROR_MARK
    return found, ""


def _bits(conditions: tuple[When, ...]) -> tuple[tuple[int, int, int], ...]:
    return tuple((each.at, each.mask, each.equals) for each in conditions)


def _places(field: Field, endian: Endian, unit: str, none: frozenset[float]) -> Iterator[tuple[str, _Place]]:
    """The values of a field, with their names."""
    for number in range(field.repeat):
        name = field.name if field.repeat == 1 else f"{field.name}{number + 1}"
        yield name, _Place(field, field.at + number * (field.stride or field.width), endian, unit, none)
