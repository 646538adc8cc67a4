"""Patterns that users write: RE2's, which no line keeps busy for longer than its length times the pattern's size.

The pattern is the user's and the line is anybody's, and Python's own `re` can take years over the two together. RE2 has
no look-around and no back-references for that. Their syntax: https://github.com/google/re2/wiki/Syntax
"""

import re
from itertools import islice

import re2  # type: ignore[import-untyped]

from .shown import shown

LARGEST = 1000
"""Steps of a compiled pattern: what a line of 4 kB costs with more is felt."""
MEMORY = 1 << 20
"""Bytes that a compiled pattern may take."""
WORK = 50_000_000
"""Matches times bytes that are looked through: `Pattern.each` gives up beyond."""

_NAMES = re.compile(r"(?<!\\)\(\?P?<([^>=!]*)>")


class BadPattern(ValueError):
    """A pattern that cannot be used. Its text is a clause: where it is wrong, and how."""


class Pattern:
    """A compiled pattern over UTF-8. groups: its named groups, in order. Raises BadPattern.

    lines: ^ and $ are the ends of lines within the text.
    """

    def __init__(self, text: str, *, lines: bool = False) -> None:
        self._compiled = _compiled(text)
        if lines:
            self._compiled = _compiled(f"(?m:{text})")
        places = sorted(self._compiled.groupindex.items(), key=lambda item: item[1])
        self.groups: tuple[str, ...] = tuple(name for name, _ in places)
        self._indices = tuple(index for _, index in places)
        self._plain = self._indices == tuple(range(1, self._compiled.groups + 1))

    def whole(self, data: bytes) -> tuple[bytes | None, ...] | None:
        """What the named groups of a match of all of `data` hold, None for one that took no part; None for no match."""
        found = self._compiled.fullmatch(data)
        return None if found is None else self._named(found)

    def before(self, data: bytes) -> bytes:
        """What stands in front of the first named group in a match of all of `data`; b"" where there is none."""
        found = self._compiled.fullmatch(data)
        starts = [found.start(index) for index in self._indices] if found else []
        return data[: min((start for start in starts if start >= 0), default=0)]

    def begins(self, data: bytes) -> bool:
        """Whether `data` begins with a match."""
        return self._compiled.match(data) is not None

    def each(self, data: bytes) -> list[tuple[bytes | None, ...]] | None:
        """The named groups of each match in `data`, from left to right. None: too many for so long a text."""
        most = WORK // (len(data) + 1)
        found = [self._named(match) for match in islice(self._compiled.finditer(data), most + 1)]
        return None if len(found) > most else found

    def _named(self, found: "re2._Match") -> tuple[bytes | None, ...]:
        groups: tuple[bytes | None, ...] = found.groups()
        return groups if self._plain else tuple([groups[index - 1] for index in self._indices])


def _compiled(text: str) -> "re2._Regexp":
    options = re2.Options()
    options.log_errors, options.max_mem = False, MEMORY
    try:
        pattern = re2.compile(text, options)
    except UnicodeEncodeError:
        raise BadPattern("half a character stands in it") from None
    except re2.error as error:
        raise BadPattern(shown(_told(text, error.args[0].decode(errors="replace")), 400)) from None
    names = _NAMES.findall(text)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadPattern(f"there are two groups called {shown(twice)}")
    if pattern.programsize > LARGEST:
        raise BadPattern(f"it comes to {pattern.programsize} steps, and {LARGEST} are the most; repeat less in it")
    return pattern


def _told(text: str, error: str) -> str:
    """RE2's own words, "what: the part that is wrong", with the place of that part."""
    what, _, part = error.partition(": ")
    place = text.find(part) if part and part != text else -1
    where = f" at character {place + 1}" if place >= 0 else ""
    more = "; there is no look-around and no back-reference" if what.startswith(("invalid perl", "invalid esc")) else ""
    return f"{what}{f': {part}' if place >= 0 else ''}{where}{more}"
