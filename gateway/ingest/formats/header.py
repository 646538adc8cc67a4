"""Whether a row of texts is a csv header: the names of columns, and not a banner or an error with a separator in it."""

import re

from ..quantities import quantity, unit_in_name
from .text import ROLES

_NAME = re.compile(r"[^\W\d][\w .%°*/'()\[\]-]{0,39}|[%°][\w ]{0,7}")
_WORDS = 4


def is_names(names: tuple[str, ...]) -> bool:
    """Whether these can be the names of columns at all: short, few words, no sentence."""
    return all(not name or (_NAME.fullmatch(name) and len(name.split()) <= _WORDS) for name in names) and any(names)


def is_sure(names: tuple[str, ...]) -> bool:
    """Whether at least half of them say what they are, so that they are believed before a row proves them."""
    return 2 * _known(names) >= len(names)


def is_new(names: tuple[str, ...]) -> bool:
    """Whether these, met after rows, are a header: names without blanks and one known, or most of them known."""
    known = _known(names)
    return 2 * known > len(names) or (known > 0 and not any(" " in name for name in names))


def _known(names: tuple[str, ...]) -> int:
    return sum(
        bool(name.casefold() in ROLES or unit_in_name(name) or quantity(name) not in ("", "state")) for name in names
    )
