"""The sensors of one board: which are known, what each is called, and what is done with its values. Pure.

A board's own name for a sensor (a column, or the number of a probe) stays its hardware's; [[sensors]] may give it
another, and then topics and messages have that one. A name is given once: while one sensor has it, a second that is to
be called so keeps the board's own name (or that with _2, _3, … where it is taken), so that nothing is lost and no two
sensors' values mix. Names are given anew, to whoever comes first, when the port is opened and when the configuration is
read again: a board or a probe that replaces another gets its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from math import isfinite
from operator import itemgetter
from typing import NamedTuple

from ..model import BadValue, Decoded, Sample, Stretch, Treatment, Why
from ..shown import shown
from ..units import CONVERSIONS, becomes
from .calibration import Step, calibration

UNTREATED = Treatment()
Treatments = Callable[[str], Treatment]
"""What is done with a board's sensors, by the board's own names for them."""

_sensor = itemgetter(0)
_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading


class Called(NamedTuple):
    """A sensor that has its name."""

    name: str
    unit: str  # as published; "": the board's
    step: Step | None  # its calibration
    as_it_is: bool  # nothing is done with its samples


class Sensors:
    """Knows at most `begin`'s number of names.

    moved: is called with a published name whose next values are no longer comparable with those before: another sensor
    has it now, or its calibration is another one.
    """

    def __init__(self, moved: Callable[[str], None] = lambda name: None) -> None:
        self.treats = False  # whether `treated` may change anything
        self.doubled: dict[str, str] = {}  # own names whose wish was taken already, and what they wished
        self.misfits: dict[str, tuple[str, str]] = {}  # published names whose unit cannot become what is asked for
        self._moved = moved
        self._treatments: Treatments | None = None
        self._limit = 0
        self._known: dict[str, None] = {}
        self._called: dict[str, Called] = {}  # by own name, since names were given anew
        self._own: dict[str, str] = {}  # by published name, since then
        self._hardware: dict[str, str] = {}  # by published name, whoever had it last
        self._published: dict[str, str] = {}  # by own name, what it was called last
        self._origins: dict[str, tuple[str, Treatment]] = {}  # by published name: own name and treatment, if any

    # which are known

    def begin(self, limit: int) -> None:
        """A reader begins: no name is known. limit: the most that may be."""
        self._limit = limit
        self._known.clear()
        self.anew()

    def know(self, own: str) -> bool:
        """Whether a sensor is known, or finds room."""
        if own in self._known:
            return True
        if len(self._known) >= self._limit:
            return False
        self._known[own] = None
        return True

    def all_known(self, samples: Iterable[tuple[object, ...]]) -> bool:
        """Whether all their sensors are. samples: or takes; what comes first says the sensor."""
        return self._known.keys() >= set(map(_sensor, samples))

    def marks(self, name: str) -> bool:
        """Whether a published name may be remembered as failed: that of a sensor which is known, or finds room."""
        return name in self._own if self.treats else self.know(name)

    # what is done with them

    def treat(self, treatments: Treatments | None) -> None:
        """From now on `treatments` count; None: nothing is done."""
        self._treatments = treatments
        self.anew()

    def anew(self) -> None:
        """Names are given anew, as sensors come."""
        self.treats = self._treatments is not None or bool(self._origins)
        self._called.clear()
        self._own.clear()
        self.doubled.clear()
        self.misfits.clear()

    def treated(self, frame: Decoded) -> Decoded:
        """A frame with published names, calibrated values and published units; what does not hold is refused."""
        samples: list[Sample] = []
        bad: list[BadValue] = []
        for sample in frame.samples:
            called = self._called.get(sample.sensor) or self._call(sample.sensor)
            if called is None:
                bad.append(BadValue(sample.sensor, Why.TOO_MANY_SENSORS))
            elif called.as_it_is:
                samples.append(sample)
            elif isinstance(found := self._measured(sample, called), Sample):
                samples.append(found)
            else:
                bad.append(found)
        for own, why in frame.bad:
            called = self._called.get(own) or self._call(own)
            bad.append(BadValue(own if called is None else called.name, why))
        return Decoded(samples, bad)

    def treated_rows(self, rows: Stretch) -> Stretch | None:
        """The same of many frames, where each value holds and each sensor has its name. Else None."""
        takes: list[tuple[str, str]] = []
        columns: list[Sequence[float]] = []
        for (own, unit), column in zip(rows.takes, rows.columns, strict=True):
            called = self._called.get(own)
            if called is None:
                return None
            if not called.as_it_is:
                if called.step is not None:
                    column = list(map(called.step, column))
                if called.unit and called.unit != unit:
                    convert = CONVERSIONS.get((unit, called.unit))
                    if convert is None:
                        return None
                    column, unit = list(map(convert, column)), called.unit
                if called.name in self.misfits or not all(map(isfinite, column)):
                    return None
            takes.append((called.name, unit))
            columns.append(column)
        return rows._replace(takes=takes, columns=columns)

    def _measured(self, sample: Sample, called: Called) -> Sample | BadValue:
        _, value, unit, number = sample
        if called.step is not None:
            value = called.step(value)
        if called.unit and called.unit != unit:
            convert = CONVERSIONS.get((unit, called.unit))
            if convert is not None:
                value = convert(value)
            elif not becomes(unit, called.unit):
                self.misfits[called.name] = unit, called.unit
                return BadValue(called.name, Why.WRONG_UNIT)
            unit = called.unit
        if self.misfits:
            self.misfits.pop(called.name, None)
        if not isfinite(value):
            return BadValue(called.name, Why.NOT_FINITE)
        return _new(Sample, (called.name, value, unit, number))

    def _call(self, own: str) -> Called | None:
        """Gives a sensor its name; None when there is no room for one more."""
        if not self.know(own):
            return None
        treatment = UNTREATED if self._treatments is None else self._treatments(own)
        wish = treatment.name or own
        name = self._free(wish, own)
        if name != wish:
            self.doubled[own] = wish
        self._own[name] = self._hardware[name] = own
        self._published[own] = name
        origin = own, replace(treatment, name="")
        plain = origin == (name, UNTREATED)
        if self._origins.get(name, (name, UNTREATED)) != origin:
            self._moved(name)
        if plain:
            self._origins.pop(name, None)
        else:
            self._origins[name] = origin
        called = self._called[own] = Called(name, treatment.unit, calibration(treatment), plain)
        return called

    def _free(self, wish: str, own: str) -> str:
        for name in (wish, own):
            if name not in self._own:
                return name
        return next(name for number in count(2) if (name := f"{own}_{number}") not in self._own)

    # what there is to say

    def hardware(self, name: str) -> str:
        """The board's own name for a sensor."""
        return self._hardware.get(name, name)

    def gone(self, name: str) -> bool:
        """Whether the sensor that had this name is called otherwise now."""
        return self._published.get(self.hardware(name), name) != name

    def trouble(self) -> Mapping[str, str | None]:
        """What is wrong, a sentence each, by the name of the fault."""
        return {"names": self._said_of_names(), "units": self._said_of_units()}

    def _said_of_names(self) -> str | None:
        if not self.doubled:
            return None
        own, wish = next(iter(self.doubled.items()))
        return (
            f"{_told(own)} is to be called {_told(wish)}{_more(self.doubled)}, and so is {_told(self._own[wish])}, "
            f"which came first; it is published as {_told(self._called[own].name)}: give each a name of its own in "
            "[[sensors]], and reload"
        )

    def _said_of_units(self) -> str | None:
        if not self.misfits:
            return None
        name, (unit, wanted) = next(iter(self.misfits.items()))
        what = _told(unit) if unit else "what has no unit"
        return (
            f"the values of {_told(name)}{_more(self.misfits)} are refused, as {what} cannot become {_told(wanted)}: "
            'give that sensor unit = "" in a [[sensors]] table of its own, and reload'
        )


def _told(text: str) -> str:
    return f"'{shown(text, 60)}'"


def _more(of: Mapping[str, object]) -> str:
    return f" (and {len(of) - 1} more)" if len(of) > 1 else ""
