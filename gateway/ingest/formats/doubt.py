"""Which numbers can be temperatures where no name and no unit says what they are, for auto, which takes them for some.

    26201, -45120             no temperature that there is
    00013                     a whole number of three digits and more with a zero in front: a number of a thing
    temp=20.5 pos=3           whole, where what says that it is a temperature has decimals

A place, which is a column or a key, that begins with such a number is left out from then on; one that has shown
decimals or two temperatures before goes on, and the number is a mark for "no value". What is whole beside decimals is
left out until it shows some.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from ...model import BadValue, Sample, Why

BOUNDS = {"°C": (-273.15, 2500.0), "°F": (-459.67, 4532.0), "K": (0.0, 2773.15)}
"""Absolute zero, and what only a name or a unit makes a temperature."""
MOST = 1024
"""Places that are told apart; those beyond are left out."""
KEPT = 2
"""Whole numbers that can be temperatures, after which a place that has held no other is believed."""

_NUMBERED = re.compile(r"[+-]?0\d{2,}+", re.ASCII)
"""What counts things; two digits are how boards write degrees in a fixed width."""
_DECIMALS = re.compile(r"[.,eE]")

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
        self._out: set[Place] = set()
        self._decimal: set[Place] = set()
        self._believed: dict[Place, int] = {}  # how many numbers of each place that is read; no more than KEPT
        self.beside_decimals = False  # what says that it is a temperature has shown decimals

    def sure(self, text: str) -> None:
        """Takes note of a value that says that it is a temperature."""
        self.beside_decimals = self.beside_decimals or has_decimals(text)

    def settle(
        self, samples: list[Sample], doubtful: Sequence[Doubtful], first: int = 0
    ) -> tuple[list[Sample], list[BadValue]]:
        """The samples of one record without those that are none, and the values that are marks for "no value".

        first: the number of the first sample, as `doubtful` counts them.
        """
        without: set[int] = set()
        bad: list[BadValue] = []
        for at, place, text in doubtful:
            sample = samples[at - first]
            low, high = BOUNDS[sample.unit]
            if place in self._out or (len(self._out) + len(self._believed) >= MOST and place not in self._believed):
                without.add(at - first)
            elif not low <= sample.value <= high or _NUMBERED.fullmatch(text):
                without.add(at - first)
                if not self.is_kept(place):
                    self._believed.pop(place, None)
                    self._out.add(place)
                elif self.is_decimal(place) or not self.beside_decimals:
                    bad.append(BadValue(sample.sensor, Why.ERROR_MARK))
            elif has_decimals(text):
                self._decimal.add(place)
                self._believed[place] = KEPT
            elif place not in self._decimal:
                if self.beside_decimals:
                    without.add(at - first)
                else:
                    self._believed[place] = min(self._believed.get(place, 0) + 1, KEPT)
        if not without:
            return samples, bad
        return [sample for at, sample in enumerate(samples) if at not in without], bad

    def counted(self, place: Place, text: str) -> None:
        """Takes note of a whole number that is not read, as it may be a counter's."""
        if text.isascii() and text.isdigit() and int(text[:18]) > BOUNDS["°C"][1]:
            self._out.add(place)

    def is_out(self, place: Place) -> bool:
        """Whether a place is left out for good."""
        return place in self._out

    def is_kept(self, place: Place) -> bool:
        """Whether a place has held temperatures for so long that one number that is none says nothing of it."""
        return self._believed.get(place, 0) >= KEPT

    def is_decimal(self, place: Place) -> bool:
        """Whether a place has shown decimals, and is read."""
        return place in self._decimal
