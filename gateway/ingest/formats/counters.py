"""Which columns without names are counters and clocks, and no temperatures, as their numbers show.

1732500000,21.50,19.88      whole, and more than any temperature
17 21.50 19.88              whole beside others that are not, and each time more than before:
18 21.56 19.81              after ten rows it is decided
"""

from collections.abc import Sequence, Set

from .text import is_numberish

DECIDED = 10
"""Rows in which a column has only risen; then it counts, and goes on to when it begins anew."""
TOO_MUCH = 100_000
"""No temperature."""


class Counters:
    """Watches the rows of a board, all of one width."""

    def __init__(self) -> None:
        self._rising: dict[int, int] = {}  # place -> the last number
        self._counts: set[int] = set()
        self._by_one: set[int] = set()  # of those that rise: always by one
        self._rows = 0

    def told(self, cells: Sequence[str]) -> Set[int]:
        """The places of `cells`, the next row, that count as far as is known."""
        if not self._rows:
            self._begin(cells)
        elif self._rows <= DECIDED:
            self._go_on(cells)
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
        whole = {place: int(cell) for place, cell in enumerate(cells) if _is_whole(cell)}
        beside = any(is_numberish(cell) and not _is_whole(cell) for cell in cells)
        self._counts = {place for place, number in whole.items() if number >= TOO_MUCH}
        self._rising = {place: number for place, number in whole.items() if beside and number < TOO_MUCH}
        self._by_one = set(self._rising)

    def _go_on(self, cells: Sequence[str]) -> None:
        for place, last in list(self._rising.items()):
            cell = cells[place]
            number = int(cell) if _is_whole(cell) else last
            if number <= last:
                del self._rising[place]
                self._by_one.discard(place)
                continue
            if number > last + 1:
                self._by_one.discard(place)
            self._rising[place] = number
        if self._rows == DECIDED:
            self._counts |= self._rising.keys()
            self._rising.clear()


def _is_whole(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and len(cell) <= 18
