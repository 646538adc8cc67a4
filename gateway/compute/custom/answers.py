"""What a feature's process answers, as bytes, and which keys it may use. Pure; both sides read this file.

The process runs a user's code, so nothing that it says is unpickled or believed: `read` checks it all.

    "=" or "!", then "+" when the process has used up its memory or "-", then
    "=": the keys as a JSON list, a line end, and a float64 column for each key;   "!": what was wrong, as a clause
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from typing import NamedTuple

from ..wire import Nonsense

RESERVED = frozenset((
    "gateway", "board", "sensor", "run", "seq", "time", "value", "unit", "n", "quality",
    "tags", "count", "condensed", "replayed", "clock", "alarm", "columns", "rows",
    "normalized", "feature", "mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore",
))  # fmt: skip
"""Keys of a message that are not a user's."""
MOST_KEYS = 32  # of one feature
LONGEST_KEY = 64  # characters
LONGEST_TEXT = 400  # bytes of what was wrong
LARGEST = 1 << 22  # bytes of an answer; 32 columns of 8,192 readings and more


class Answer(NamedTuple):
    """What a call came to."""

    keys: tuple[str, ...]
    columns: list[array[float]]  # one for each key; NaN = no value
    why: str  # what was wrong, as a clause: "raised …"; "" when there are columns
    worn: bool  # the process has used up its memory


def key_problem(key: object) -> str:
    """What is wrong with a key, as a clause; "" when nothing is."""
    if not isinstance(key, str):
        return f"answered a key that is no text but {type(key).__name__}"
    if not key.isidentifier() or len(key) > LONGEST_KEY:
        return f"answered the key {key[:LONGEST_KEY]!r}; take letters, digits and _, at most {LONGEST_KEY}"
    if key in RESERVED:
        return f"answered the key '{key}', which means something else in a message; take another"
    return ""


def good(keys: Sequence[str], columns: bytes, worn: bool) -> bytes:
    """An answer with values. columns: float64, one column after the other."""
    return b"=" + _mark(worn) + json.dumps(list(keys)).encode() + b"\n" + columns


def bad(why: str, worn: bool) -> bytes:
    """An answer that says what was wrong."""
    return b"!" + _mark(worn) + why.encode(errors="replace")[:LONGEST_TEXT]


def _mark(worn: bool) -> bytes:
    return b"+" if worn else b"-"


def read(data: bytes, new: int) -> Answer:
    """An answer for `new` readings. Raises Nonsense when it is none."""
    kind, mark, rest = data[:1], data[1:2], data[2:]
    if mark not in (b"+", b"-") or kind not in (b"=", b"!"):
        raise Nonsense("no answer")
    worn = mark == b"+"
    if kind == b"!":
        return Answer((), [], rest[:LONGEST_TEXT].decode(errors="replace") or "said nothing", worn)
    text, _, numbers = rest.partition(b"\n")
    try:
        keys = json.loads(text)
    except (ValueError, RecursionError):
        raise Nonsense("no keys") from None
    if not isinstance(keys, list) or not 0 < len(keys) <= MOST_KEYS or any(map(key_problem, keys)):
        raise Nonsense("wrong keys")
    if len(set(keys)) < len(keys) or len(numbers) != 8 * new * len(keys):
        raise Nonsense("columns that do not fit")
    flat = array("d", numbers)
    return Answer(tuple(keys), [flat[at : at + new] for at in range(0, len(flat), new)], "", worn)
