"""fields of a text format: the names of its columns, and what is done with the values of each.

    4711;235;-3276      fields = [{ name = "count" }, { name = "T1", factor = 0.1 },
                                  { name = "T2", factor = 0.1, none = [-3276] }]           T1 23.5 °C, T2 none

In plain and csv they are the columns in order, as `columns` has them; elsewhere a field is the value of that name, and
of that name in each thing that has one: `T` is `a.T` and `b.T`. Where a column says whose the record is, its lone value
is called as that is, so the field `value` is any that has no other name.
"""

from dataclasses import replace
from decimal import Decimal
from math import isfinite

from ...layouts import Field
from ...model import BadValue, Decoded, Format, FormatOptions, Frame, Noise, Refusal, Sample, Why
from ...patterns import Pattern
from ..asked_for import Asked, field_of
from ..framing import Lines
from ..quantities import quantity, unit
from .text import outcome

IN_ORDER = ("plain", "csv")
"""Formats whose columns have places and no names of their own."""


def in_columns(format: str, options: FormatOptions) -> FormatOptions:
    """The options of a format, with the names and units that its fields give to columns."""
    if format not in IN_ORDER or not options.fields:
        return options
    units = tuple(field.unit for field in options.fields)
    return replace(
        options,
        columns=tuple(field.name for field in options.fields),
        unit=units if any(units) else options.unit,
    )


class Fields:
    """Decodes as `inner` does, and then does what the fields say. Values of no field stay as they are."""

    def __init__(self, inner: Format, options: FormatOptions) -> None:
        self._inner = inner
        self.checked = getattr(inner, "checked", False)
        self.framing = getattr(inner, "framing", Lines)
        asked = Asked(replace(options, unit=(), fields=()))
        self._fields = {field.name: field for field in options.fields}
        self._columns = frozenset(Pattern(options.pattern).groups) | self._fields.keys()
        self._value = self._fields.get("value")
        self._left_out = {
            field.name for field in options.fields if field.unit and asked.unit(field.name, unit(field.unit)) is None
        }

    @property
    def name(self) -> str:
        """Of the format."""
        return self._inner.name

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a frame holds."""
        result = self._inner.decode(frame)
        if not isinstance(result, Decoded):
            return result
        samples: list[Sample] = []
        bad = list(result.bad)
        named = all(sample.sensor != "value" for sample in result.samples)
        for sample in result.samples:
            field = self._field(sample.sensor, named)
            if field is not None and field.name in self._left_out:
                continue
            found = sample if field is None else _treated(sample, field)
            if isinstance(found, Why):
                bad.append(BadValue(sample.sensor, found))
            else:
                samples.append(found)
        return outcome(samples, bad, frame)

    def _field(self, sensor: str, named: bool) -> Field | None:
        """That of a sample's name; else `value`, in a record that is named."""
        outer, _, own = sensor.rpartition(".")
        if (found := field_of(self._fields, outer, own)) is not None:
            return found
        other = not named or (outer and (own in self._columns or quantity(own)))
        return None if other else self._value


def _treated(sample: Sample, field: Field) -> Sample | Why:
    if sample.value in field.none:
        return Why.ERROR_MARK
    value = sample.value
    if field.factor != 1 or field.offset != 0:  # in decimals, as the board has written it: 1021 * 0.1 is 102.1
        value = float(Decimal(repr(value)) * Decimal(repr(field.factor)) + Decimal(repr(field.offset)))
    if not isfinite(value):
        return Why.NOT_FINITE
    return sample._replace(value=value, unit=unit(field.unit) or sample.unit)
