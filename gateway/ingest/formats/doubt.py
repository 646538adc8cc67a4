"""Which numbers can be temperatures where no name and no unit says what they are, for auto, which takes them for some.

    T=21.5 fan=45.5           where one says that it is a temperature, what does not say so is none
    fan=45.5 humidity=40.1    nor where names say what else is measured
    26201, -45120, 1013.25    no temperature that there is, or that a board is likely to print without a word
    00013, 235, 7             whole numbers that count things, are in tenths, or of one digit, which may be anything
    21.5 3                    whole, where others have decimals

A place, which is a column or a key, that begins with a number that is none is left out, but for a mark for "no value"
(-999), which is counted: for good from the third such number on, and else until ten in turn could be temperatures, as
the first may have been a torn one. One that has shown decimals or two temperatures before goes on, and the number is
such a mark. What is whole beside decimals is left out until it shows some.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ...model import BadValue, Sample, Why

BOUNDS = {"°C": (-273.15, 2500.0), "°F": (-459.67, 4532.0), "K": (0.0, 2773.15)}
"""Absolute zero, and what only a name or a unit makes a temperature."""
LIKELY = {"°C": (-200.0, 300.0), "°F": (-328.0, 572.0), "K": (0.0, 573.15)}
"""Where a place has to begin: above are hPa, ppm and steps of converters."""
WHOLE = {"°C": 100.0, "°F": 200.0, "K": 400.0}
"""Where whole numbers of a place have to stay below to begin: above are tenths of degrees, and what counts."""
MOST = 1024
"""Places that are told apart; those beyond are left out."""
KEPT = 2
"""Whole numbers that can be temperatures, after which a place that has held no other is believed."""
GONE = 3
"""Numbers that are none, after which a place is left out for good …"""
STOOD, TELLINGS = 10, 5
"""Records of values that say nothing, after which so many that say what they are have to come."""
SHOWN = 2
"""Records in turn with decimals, after which what is whole is left out; one may be a torn one."""
BACK = 10
"""… and such in turn that can be temperatures, after which it is not left out any more."""

_NUMBERED = re.compile(r"[+-]?0\d{2,}+", re.ASCII)
"""What counts things; two digits are how boards write degrees in a fixed width."""
_DIGIT = re.compile(r"\d", re.ASCII)
_DECIMALS = re.compile(r"[.,eE]")
MARK = re.compile(
    r"-?(?:9{3,5}(?:[.,]9{0,2}0*)?|3276[78](?:[.,]0+)?|3276[.,][78]0*|327[.,]6[78]|65535|6553[.,]5"
    r"|2147483647|9[.,]9\d*[eE]\+?37|1[.,]?0*[eE]\+?3[78])",
    re.ASCII,
)
"""How boards spell that there is no value: nines, and the ends of 16 and 32 bits."""

Place = int | str


def has_decimals(text: str) -> bool:
    """Whether a number is spelled otherwise than as a whole one."""
    return _DECIMALS.search(text) is not None


class Doubtful(NamedTuple):
    """A value that says nothing of what it is. at: which sample; place: where it stands; text: how it is spelled."""

    at: int
    place: Place
    text: str


class Doubt:
    """What is known of a board's places whose values say nothing of what they are."""

    def __init__(self) -> None:
        self._out: dict[Place, int] = {}  # of each place that is left out: how many numbers were none, up to GONE
        self._back: dict[Place, int] = {}  # … and how many in turn could be temperatures since
        self._decimal: set[Place] = set()
        self._believed: dict[Place, int] = {}  # how many numbers of each place that is read; no more than KEPT
        self.told = False  # a value of the board has said what it is, so that what says nothing is no temperature
        self._stood, self._tellings = 0, 0  # records in which what says nothing was read, up to STOOD; calls of `tell`
        self._shown = 0  # records in turn in which a place that is read has shown decimals, up to SHOWN

    def tell(self) -> None:
        """Takes note of a value that says what it is. Where many have been read that do not, one is not enough."""
        self._tellings += 1
        self.told = self.told or self._stood < STOOD or self._tellings >= TELLINGS

    @property
    def half_told(self) -> bool:
        """Whether values have said what they are, and it may yet have been torn lines."""
        return self._tellings > 0 and not self.told

    def sure(self, text: str) -> None:
        """Takes note of a value that says that it is a temperature."""
        self.told = True
        if has_decimals(text):
            self._shown = SHOWN

    @property
    def beside_decimals(self) -> bool:
        """Whether this board's temperatures have decimals, for good."""
        return self._shown >= SHOWN

    @property
    def unsettled(self) -> bool:
        """Whether decimals were there in the last record only, which may have been a torn one."""
        return 0 < self._shown < SHOWN

    def settle(
        self, samples: list[Sample], doubtful: Sequence[Doubtful], first: int = 0
    ) -> tuple[list[Sample], list[BadValue]]:
        """The samples of one record without those that are none, and the values that are marks for "no value".

        first: the number of the first sample, as `doubtful` counts them.
        """
        without: set[int] = set()
        bad: list[BadValue] = []
        shown = False
        decimals = self._shown > 0 or any(
            has_decimals(text)
            and not self.is_out(place)
            and (self.is_decimal(place) or _may_begin(samples[at - first], text))
            for at, place, text in doubtful
        )
        for at, place, text in doubtful:
            sample = samples[at - first]
            low, high = BOUNDS[sample.unit]
            begins = place not in self._decimal and not self.is_kept(place)
            if self.told or self.is_gone(place):
                without.add(at - first)
            elif place in self._out:
                without.add(at - first)
                self._look_again(place, sample, text)
            elif not low <= sample.value <= high or _NUMBERED.fullmatch(text):
                without.add(at - first)
                is_mark = MARK.fullmatch(text) is not None
                if begins and not is_mark:
                    self._leave_out(place)
                elif self.is_decimal(place) or not decimals or begins:
                    bad.append(BadValue(sample.sensor, Why.ERROR_MARK))
            elif decimals and not (has_decimals(text) or place in self._decimal or self._goes_on(place)):
                without.add(at - first)
            elif begins and not _may_begin(sample, text):
                without.add(at - first)
                if MARK.fullmatch(text):
                    bad.append(BadValue(sample.sensor, Why.ERROR_MARK))
                elif len(_DIGIT.findall(text)) > 1:
                    self._leave_out(place)
            elif has_decimals(text):
                self._decimal.add(place)
                self._believed[place] = KEPT
                shown = True
            elif place not in self._decimal:
                self._believed[place] = min(self._believed.get(place, 0) + 1, KEPT)
        if not self.beside_decimals:
            self._shown = self._shown + 1 if shown else 0
        if len(without) < len(doubtful):
            self._stood = min(STOOD, self._stood + 1)
        if not without:
            return samples, bad
        return [sample for at, sample in enumerate(samples) if at not in without], bad

    def _goes_on(self, place: Place) -> bool:
        """Whether whole numbers are read there although others have decimals now, which may be of a torn line."""
        return self.is_kept(place) and not self.beside_decimals

    def _leave_out(self, place: Place) -> None:
        self._believed.pop(place, None)
        if len(self._out) < MOST:
            self._out[place] = 1

    def _look_again(self, place: Place, sample: Sample, text: str) -> None:
        """Takes note of a number of a place that is left out, but not for good yet."""
        if not _may_begin(sample, text) or _NUMBERED.fullmatch(text):
            self._out[place] += 1
            self._back[place] = 0
            return
        self._back[place] = self._back.get(place, 0) + 1
        if self._back[place] >= BACK:
            del self._out[place], self._back[place]

    def counted(self, place: Place, text: str) -> None:
        """Takes note of a whole number that is not read, as it may be a counter's."""
        if text.isascii() and text.isdigit() and int(text[:18]) > BOUNDS["°C"][1]:
            self._out[place] = min(GONE, self._out.get(place, 0) + 1)

    def is_out(self, place: Place) -> bool:
        """Whether a place is left out, if only until now."""
        return place in self._out or self.is_gone(place)

    def is_gone(self, place: Place) -> bool:
        """Whether a place is left out for good, or is one too many."""
        if place in self._out:
            return self._out[place] >= GONE
        return len(self._out) + len(self._believed) >= MOST and place not in self._believed

    def is_kept(self, place: Place) -> bool:
        """Whether a place has held temperatures for so long that one number that is none says nothing of it."""
        return self._believed.get(place, 0) >= KEPT

    def is_decimal(self, place: Place) -> bool:
        """Whether a place has shown decimals, and is read."""
        return place in self._decimal


def _may_begin(sample: Sample, text: str) -> bool:
    """Whether a number is one that a place of temperatures begins with."""
    low, high = LIKELY[sample.unit]
    if has_decimals(text):
        return low <= sample.value <= high
    return len(text) > 1 and abs(sample.value) < WHOLE[sample.unit]
