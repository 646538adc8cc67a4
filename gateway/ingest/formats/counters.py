"""Which columns without names are counters and clocks, and no temperatures, as their numbers show.

1732500000,21.50,19.88      whole, and more than any temperature
17 21.50 19.88              whole beside others that are not, and each time more than before:
18 21.56 19.81              after ten rows it is decided
"""

import re
from collections.abc import Sequence, Set

from .text import is_numberish

DECIDED = 10
"""Rows in which a column has only risen; then it counts, and goes on to when it begins anew."""
NEAR = 10
"""From one value to the next; what is further from the last number of what rises is of a torn row, once."""
TOO_MUCH = 100_000
"""No temperature."""


_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:[.,]\d*)?|[.,]\d+)", re.ASCII)


class Counters:
    """Watches the rows of a board, all of one width."""

    def __init__(self) -> None:
        self._rising: dict[int, int] = {}  # place -> the last number
        self._counts: set[int] = set()
        self._by_one: set[int] = set()  # of those that rise: always by one
        self._odd: set[int] = set()  # those that rise, but for one row
        self._decimal: set[int] = set()  # those that were not whole in the first row
        self._rows = 0

    def told(self, cells: Sequence[str]) -> Set[int]:
        """The places of `cells`, the next row, that count as far as is known."""
        if not self._rows:
            self._begin(cells)
        elif self._rows <= DECIDED:
            self._go_on(cells)
            if self._rows == 1:
                self._begin_late(cells)
        self._rows += 1
        return self._counts | self._rising.keys()

    def counts(self, place: int) -> bool | None:
        """Whether the column there counts; None while that is open."""
        return None if place in self._rising else place in self._counts

    def name(self, place: int) -> str | None:
        """What a configuration calls a column that counts: "count", or "" as it is left out. None for any other."""
        if self.counts(place) is False:
            return None
        return "count" if place in self._by_one and place == min(self._by_one) else ""

    def _begin(self, cells: Sequence[str]) -> None:
        self._counts = {place for place, cell in enumerate(cells) if _is_too_much(cell)}
        self._rising = _beside_others(cells)
        self._by_one = set(self._rising)
        self._decimal = {place for place, cell in enumerate(cells) if is_numberish(cell) and not _is_whole(cell)}

    def _begin_late(self, cells: Sequence[str]) -> None:
        """What is whole in the second row only counts too: the first may have been a torn one."""
        late = {place: last for place, last in _beside_others(cells).items() if place in self._decimal}
        self._rising |= late
        self._by_one |= late.keys()

    def _go_on(self, cells: Sequence[str]) -> None:
        small = {place for place in self._counts if is_numberish(cells[place]) and not _is_too_much(cells[place])}
        self._counts -= small  # the first row was torn
        for place, last in list(self._rising.items()):
            cell = cells[place]
            number = int(cell) if _is_whole(cell) else last
            if number <= last:
                if _is_far(cell, last) and place not in self._odd:
                    self._odd.add(place)  # of a torn row, most likely
                    continue
                del self._rising[place]
                self._by_one.discard(place)
                continue
            if number > last + 1:
                self._by_one.discard(place)
            self._rising[place] = number
        if self._rows == DECIDED:
            self._counts |= self._rising.keys()
            self._rising.clear()


def _beside_others(cells: Sequence[str]) -> dict[int, int]:
    """The whole numbers of a row that has others too, by their places."""
    if not any(is_numberish(cell) and not _is_whole(cell) for cell in cells):
        return {}
    return {place: int(cell) for place, cell in enumerate(cells) if _is_whole(cell) and not _is_too_much(cell)}


def _is_far(cell: str, last: int) -> bool:
    """Whether a cell holds no number that a value of the column may well have after `last`."""
    return not _NUMBER.fullmatch(cell) or abs(float(cell.replace(",", ".")) - last) > NEAR


def _is_too_much(cell: str) -> bool:
    return _is_whole(cell) and int(cell) >= TOO_MUCH


def _is_whole(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and len(cell) <= 18
