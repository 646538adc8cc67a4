"""What the cells beside a number say of it, for auto: "7,004;pH;24,8;°C", "Humidity;45.1"."""

from collections.abc import Sequence

from ..quantities import TEMPERATURE_UNITS, WORDS_TOO, is_other, quantity, unit, unit_in_name
from .text import is_numberish, is_time

_NO_UNITS = WORDS_TOO | {"va", "var"}  # in a cell of their own


def unit_behind(cells: Sequence[str], place: int) -> str:
    """The unit that the cell behind a number is; "" for none."""
    said = unit(cells[place + 1]) if place + 1 < len(cells) else ""
    known = said in TEMPERATURE_UNITS or said == "%" or (len(said) > 1 and said.casefold() not in _NO_UNITS)
    return said if known else ""


def label_before(cells: Sequence[str], place: int) -> str:
    """The word in the cell before a number; "" for none."""
    before = cells[place - 1] if place else ""
    if len(before) < 2 or is_numberish(before) or is_time(before) or unit(before) in TEMPERATURE_UNITS:
        return ""
    return before


def unit_of(label: str) -> str:
    """The unit in brackets behind a word: "RawTemp[mV]"."""
    return unit_in_name(label) if label[-1:] in (")", "]") else ""


def is_of_other(label: str) -> bool:
    """Whether a word before a number says that this is no temperature."""
    return is_other(label) or quantity(label) == "counter"
