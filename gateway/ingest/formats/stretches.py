"""Stretches of lines of which each says by itself what its values are called: read by the mould of the first two."""

from collections.abc import Callable, Sequence

from ...model import Stretch
from .mould import COMPILED, Mould, Take
from .stretch import LEAST, Find, finder, stretch


class Stretches:
    """Reads stretches. moulded: the mould of a line that the format reads without a fault, None for any other line.

    none: values that mean none. called: of the takes of a mould with a name, and its `beside`, what they are for the
    sensor of a name, () where that is not known. most: such names that are remembered.
    """

    def __init__(
        self,
        moulded: Callable[[bytes], Mould | None],
        none: frozenset[str | float],
        called: Callable[[str, tuple[Take, ...], str], tuple[Take, ...]] = lambda name, takes, beside: (),
        most: int = 0,
    ) -> None:
        self._moulded, self._none, self._called, self._most = moulded, none, called, most
        self._sensors: dict[bytes, tuple[Take, ...]] = {}
        self._mould: Mould | None = None
        self._find: Find | None = None
        self._sure = False  # nothing was learnt since that could change what the mould's values are
        self._compiled = 0

    def doubt(self) -> None:
        """The format has learnt something: what a line comes to may be otherwise now."""
        self._sure = False
        self._sensors.clear()

    def read(self, frames: Sequence[bytes]) -> Stretch | None:
        """The values of the first lines, where they are of one mould; None where these are no stretch."""
        found = self._read(frames) if self._sure else None
        if found is not None or len(frames) < LEAST:
            return found
        mould = self._moulded(frames[0])
        if mould is None or (self._sure and mould == self._mould) or mould != self._moulded(frames[1]):
            return None
        if mould != self._mould:
            if self._compiled >= COMPILED:
                return None
            self._sensors.clear()
            self._mould, self._find, self._compiled = mould, finder(mould), self._compiled + 1
        self._sure = True
        return self._read(frames)

    def _read(self, frames: Sequence[bytes]) -> Stretch | None:
        if self._mould is None or self._find is None:
            return None
        return stretch(frames, self._mould, self._find, self._none, self._sensor)

    def _sensor(self, name: bytes) -> tuple[Take, ...]:
        takes = self._sensors.get(name, ())
        if not takes and self._mould is not None:
            takes = self._called(name.decode(), self._mould.takes, self._mould.beside)
            if len(self._sensors) < self._most:
                self._sensors[name] = takes
        return takes
