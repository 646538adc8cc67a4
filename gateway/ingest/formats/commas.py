"""Whether a comma of a row is a decimal mark, as far as can be seen. For csv.

Temp = 21,7 C          it is: a unit stands behind the number, so the 7 is no temperature
12:01 23,4             most likely: something stands before the number, so the 4 is none
56,12 · 56,06          one number, or two whole ones? what stands in front comes again, so it counts nothing, and
                       a 0 right behind the comma is of no whole number;
23,5 · 23,6 · …        or there are ten digits in turn, of which four differ, as those of no switch do
"""

import re

from ...units import BEHIND

DIGITS, DIFFERENT = 10, 4
"""Lines in turn with one digit behind the comma, and how many of these differ, so that it is a decimal mark."""

_WITH_UNIT = re.compile(rf"\d,\d+ ?{BEHIND}", re.IGNORECASE)
_BEHIND_TEXT = re.compile(r"(?:^|,)[^,]*[^\s,]\s+[+-]?\d+,\d++(?!\.)", re.ASCII)
_LONE = re.compile(rf"([+-]?\d{{0,6}}),(\d{{0,9}})(?: ?{BEHIND})?", re.IGNORECASE | re.ASCII)
_SEVERAL = re.compile(r"[+-]?\d{1,6},\d{1,9}(?:, ?[+-]?\d{1,6},\d{1,9})++", re.ASCII)


def has_unit(text: str) -> bool:
    """Whether a unit stands behind a number with a comma in it."""
    return _WITH_UNIT.search(text) is not None


def is_behind_text(text: str) -> bool:
    """Whether something that is no cell of its own stands before a number with a comma in it."""
    return _BEHIND_TEXT.search(text) is not None


def is_lone(text: str) -> bool:
    """Whether `text` is two whole numbers with a comma between them and nothing else, or one with a decimal comma."""
    return _LONE.fullmatch(text) is not None


def may_be_several(text: str) -> bool:
    """Whether `text` is whole numbers with commas between them, or half as many with decimal commas: "24,5, 44,7"."""
    return _SEVERAL.fullmatch(text) is not None


class Lone:
    """Lines that are nothing but two whole numbers and a comma between them, or one number with a decimal comma."""

    def __init__(self) -> None:
        self.decimal = False  # it is a decimal comma
        self._before = ""  # the comma, in the last line
        self._again = False  # what stands there has come twice in turn
        self._digits = ""  # behind the comma, where one digit stands there, of such lines in turn

    def unsure(self, text: str) -> bool:
        """Whether `text` is such a line, and nothing has told yet which of the two it is."""
        found = None if self.decimal else _LONE.fullmatch(text)
        if found is None:
            return False
        before, behind = found.groups()
        self._again = self._again or before == self._before != ""
        self._before = before
        self._digits = (self._digits + behind)[-DIGITS:] if len(behind) == 1 else ""
        many = len(self._digits) == DIGITS and len(set(self._digits)) >= DIFFERENT
        self.decimal = self._again and (many or (behind[:1] == "0" and len(behind) > 1))
        return not self.decimal
