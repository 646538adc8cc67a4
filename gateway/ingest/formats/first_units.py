"""Which unit each name of a board's pairs came with first: of values that come in two units, those in that one count.

T=21.5C · T=70.7F · T=21.6C      °C: the second is the same once more
T=70.7F · T=21.5C · T=21.6C …    °F, if the first line was not torn: after five in turn it is °C
"""

from collections.abc import Iterable

from ..quantities import TEMPERATURE_UNITS
from .otherwise import Otherwise

LONGEST = 128
"""Characters of a name that is remembered."""
KNOWN = 1024
"""Names that are remembered; when there are more, all are forgotten and learnt anew."""


class FirstUnits:
    """Of each name that has held a number: the unit beside the first that had one, or ""."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._otherwise: dict[str, Otherwise] = {}  # names that come in another one

    def __contains__(self, name: str) -> bool:
        return name in self._said

    def of(self, name: str) -> str:
        """The first unit of a name, "" for none."""
        return self._said.get(name, "")

    def is_other(self, name: str, said: str) -> bool:
        """Whether `said` is another unit of temperature than the first of a name."""
        first = self.of(name)
        return {said, first} <= TEMPERATURE_UNITS and said != first

    def read(self, name: str, said: str) -> bool:
        """Takes note of a number of that name, and of its unit; gives whether what names mean may have changed."""
        if len(name) > LONGEST:
            return False
        changed = full = len(self._said) >= KNOWN
        if full:
            self._said.clear()
            self._otherwise.clear()
        if said and not self._said.get(name):
            changed = True  # what its numbers without a unit are is known now
            self._said[name] = said
        self._said.setdefault(name, said)
        return changed

    def left_out(self, name: str, said: str) -> bool:
        """Takes note of one that is in another unit; gives whether that is its unit from now on."""
        if not self.is_other(name, said):
            return False
        if not self._otherwise.setdefault(name, Otherwise()).again(said):
            return False
        self._said[name] = said
        del self._otherwise[name]
        return True

    def went_on(self, sensors: Iterable[str]) -> None:
        """Takes note of sensors whose values were read."""
        if self._otherwise:
            for sensor in sensors:
                self._otherwise.pop(sensor, None)
