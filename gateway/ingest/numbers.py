"""Numbers as boards print them, strictly: what Python's float() takes beyond that is refused, never guessed."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from math import isfinite

from pydantic_core import from_json

from ..model import Why

NUMERAL = r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?"
"""A number, as a pattern (with re.ASCII where it meets text): +025.3  -0.50  .5  7.  +2.615E+01"""

SHORT = NUMERAL.replace("*+", "{0,20}+").replace("++", "{1,20}+").replace("?\\d{1,20}+)?", "?\\d{1,2})?")
"""Those of them that are surely finite, and quick to convert."""

COUNT_LIMIT = 10**18
"""A board's own number of a reading is less than this."""

DECIMAL = 10**15
"""A factor or offset of more digits than this has is taken as the float that it is."""

_NUMBER = re.compile(NUMERAL, re.ASCII)
_BEGUN = re.compile(NUMERAL.replace(r"\.", "[.,]"), re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_NO_FINITE = frozenset(("nan", "nanq", "inf", "infinity", "ovf", "1.#inf", "1.#ind", "1.#qnan", "1.#snan"))
NO_VALUE = r"[+-]?(?:nan|inf|infinity|ovf|1\.#[a-z]+)|none|null|n/?a|-{1,3}|\?{1,3}|"
"""How boards print that there is no value, as a pattern of a whole text, in lower case; the empty text too."""


def number(text: str, decimal: str = ".") -> float | Why:
    """The finite number that all of `text` spells, or why it is none: NOT_A_NUMBER or NOT_FINITE.

    decimal: "." or ","; only that one is a decimal mark, and nothing marks thousands.
    """
    if decimal == ",":
        if "." in text:
            return Why.NOT_A_NUMBER
        text = text.replace(",", ".", 1)
    if _NUMBER.fullmatch(text) is None:
        return Why.NOT_FINITE if text.lstrip("+-").casefold() in _NO_FINITE else Why.NOT_A_NUMBER
    value = float(text)
    return value if isfinite(value) else Why.NOT_FINITE


def whole(text: str) -> int | None:
    """A board's own number of a reading, at least 0 and less than COUNT_LIMIT; None for anything else."""
    return int(text) if _WHOLE.fullmatch(text) else None


def value(text: str, none: frozenset[str | float], decimal: str = ".") -> float | Why:
    """As `number`, and ERROR_MARK for what the board means as "no value": `none`, as texts or as numbers."""
    if text in none:
        return Why.ERROR_MARK
    found = number(text, decimal)
    return Why.ERROR_MARK if found in none and not isinstance(found, Why) else found


def has_more_than_numbers(none: frozenset[str | float]) -> bool:
    """Whether a text of `none` begins as a number does and is none: "-127.0 C" is a whole cell, not what is in it."""
    texts = [text.strip() for text in none if isinstance(text, str)]
    return any(_BEGUN.match(text) and not _BEGUN.fullmatch(text) for text in texts)


def floats(texts: Sequence[bytes]) -> list[float]:
    """What float() gives for each of many numbers that SHORT describes; as one list of JSON in a third of the time."""
    text = b"[" + b",".join(texts) + b"]"
    if b"-0," not in text and b"-0]" not in text:  # no whole number of JSON is -0.0
        try:
            return list(map(float, from_json(text)))
        except ValueError:
            pass  # "+5", ".5" and "007" are no JSON
    return list(map(float, texts))


def scaling(factor: float, offset: float, *, whole: bool) -> Callable[[float], float]:
    """number * factor + offset. Of whole numbers it is done in whole numbers and one division: 1021 * 0.1 is 102.1."""
    digits = max(0, *(-int(Decimal(repr(each)).as_tuple().exponent) for each in (factor, offset)))
    times, plus, parts = (Decimal(repr(each)) * 10**digits for each in (factor, offset, 1.0))
    if not whole or max(abs(times), abs(plus), parts) >= DECIMAL:
        return lambda raw: raw * factor + offset
    by, more, by_parts = int(times), int(plus), int(parts)
    return lambda raw: (raw * by + more) / by_parts
