"""A line cut into pairs of key and value; the grammar of kv, without a memory."""

import re
from typing import NamedTuple

from ...model import Why
from ..numbers import number
from ..quantities import measure, quantity, unit
from .text import is_numberish, is_time

WORDS = 5
"""Words in a key; more of them are a sentence."""

_BEFORE = re.compile(r"(?<! ) ++(?=[:=])")
_AFTER = re.compile(r"(?<=[:=]) ++")
_BETWEEN = re.compile(r"[,;|\t]| {2,}+")
_BETWEEN_DECIMALS = re.compile(r"[;|\t]| {2,}+")
_DECIMAL = re.compile(r"(?<=\d),(?=\d)")
_KEY = re.compile(r"[\w .%°*º˚℃℉'/#@()\[\]+-]{1,64}")
_TAG = re.compile(r"[$#>*]?\w{0,16}")
_LISTS = frozenset(("temperatures", "temps", "values", "readings"))  # labels of rows, and no names
_LABELLED = re.compile(r"([^\W\d][\w .#-]{0,31}+): ++(?=[\w.]+ ?=)([^:]*)")
_ALONE = re.compile(r"([^\W\d](?:[\w#]| (?!\d+[. ]))*+(?<=[\dA-Z])) ++([+-]?\.?\d\S*+(?: \S{1,7})?)")
_SECOND = re.compile(r" (?=[+-]?(?:\.?\d|nan|inf|ovf))", re.IGNORECASE)


class Pair(NamedTuple):
    """A key and its value, as texts."""

    key: str
    value: str


class Pairs(NamedTuple):
    """What a line was cut into."""

    pairs: list[Pair]
    decimal: str  # the mark in its numbers
    whole: bool  # False: the mark that ends such a line is missing


def cut(line: str, decimal: str) -> Pairs | None:
    """The pairs of a line; None when it is not made of pairs, and of them alone. decimal: "." or ",", or "auto".

    A comma is a decimal mark where "," is asked for, or where semicolons part the pairs and each comma is in a number.
    A label in front of pairs ("boiler: flow=61.2 return=48.0") names their sensor.
    """
    if (labelled := _LABELLED.fullmatch(line)) is not None:
        inner = cut(labelled[2], decimal)
        named = inner is not None and not any(pair.key.casefold() == "sensor" for pair in inner.pairs)
        return inner._replace(pairs=[Pair("sensor", labelled[1]), *inner.pairs]) if inner and named else inner
    if ":" not in line and "=" not in line:
        return _in_turn(line)
    if decimal == "auto":
        decimal = "," if ";" in line and 0 < line.count(",") == len(_DECIMAL.findall(line)) else "."
    line = _AFTER.sub("", _BEFORE.sub("", line))
    while is_time(line):
        line = line.partition(" ")[2] if " " in line else line.partition(",")[2]
        line = line.lstrip(" ,")
    fields = [field.strip() for field in (_BETWEEN_DECIMALS if decimal == "," else _BETWEEN).split(line)]
    pairs: list[Pair] = []
    for field in fields:
        if ":" in field or "=" in field:
            found = _pairs_of(field, first=not pairs)
            if found is None:
                return None
            pairs += found
        elif field not in ("", "#") and (pairs or not _TAG.fullmatch(field)):
            return None
    return Pairs(_once(pairs), decimal, fields[0] != "$" or fields[-1] == "#") if pairs else None


def split_value(text: str, decimal: str) -> tuple[str, str]:
    """The number of a value and its unit, as texts; of two numbers ("23.4 *C 74.1 *F", "199.9 /200.0") the first."""
    numeral, said = measure(text, decimal)
    if said or ("/" not in text and " " not in text):
        return numeral, said
    head, slash, target = text.partition("/")
    if not slash:
        head, *tail = _SECOND.split(text, maxsplit=1)
        target, again = measure(tail[0], decimal) if tail else ("", "")
        if not again or not measure(head.strip(), decimal)[1]:
            return text, ""  # two numbers, but not one temperature in two units
    if number(target.strip(), decimal) is not Why.NOT_A_NUMBER:
        return measure(head.strip(), decimal)
    return text, ""


def _once(pairs: list[Pair]) -> list[Pair]:
    """Without what 3D printers say twice: the heater in use is `T` or `T0`, with its target, and again `T0`."""
    heaters = [at for at, pair in enumerate(pairs) if pair.key in ("T", "T0") and "/" in pair.value]
    return [pair for at, pair in enumerate(pairs) if at not in heaters[1:]]


def _in_turn(line: str) -> Pairs | None:
    """The pairs of a line in which names and numbers take turns: all names say what they are, one is a temperature's.

    A pair alone may have blanks between its parts where its name tells it from others: "T1 23.5 C".
    """
    cells = [cell.strip() for cell in _BETWEEN.split(line)]
    cells = cells[:-1] if cells[-1] == "" else cells
    if len(cells) == 1:
        alone = _ALONE.fullmatch(cells[0])
        cells = [alone[1], alone[2]] if alone else line.split()
        if len(cells) == 2 and not alone:
            return None
    if len(cells) % 2 or not all(map(is_numberish, cells[1::2])):
        return None
    kinds = [quantity(name) if _is_key(name) and not is_numberish(name) else "" for name in cells[::2]]
    if not all(kinds) or "temperature" not in kinds:
        return None
    return Pairs([Pair(*both) for both in zip(cells[::2], cells[1::2], strict=True)], ".", True)


def _pairs_of(field: str, first: bool) -> list[Pair] | None:
    """The pairs of a stretch without separators: one, with any key; or several, blanks between, with one-word keys."""
    mark = min((mark for mark in ":=" if mark in field), key=field.index)
    parts = field.split(mark)
    rest = field.partition(mark)[2]
    one = len(parts) == 2 or (" " not in rest and is_time(rest))
    pairs = [Pair(parts[0].strip(), rest.strip())] if one else _of_words(parts, first) or _of_numbers(parts)
    return pairs if pairs and all(_is_key(pair.key) for pair in pairs) else None


def _of_words(parts: list[str], first: bool) -> list[Pair] | None:
    """The pairs of a stretch that was cut at its marks, whose keys are one word each, but for tags before the first."""
    *tags, key = parts[0].split() or [""]
    if len(tags) > first or not all(_TAG.fullmatch(tag) for tag in tags):
        return None
    pairs = []
    for part in parts[1:-1]:
        *words, following = part.split() or [""]
        pairs.append(Pair(key, " ".join(words)))
        key = following
    pairs.append(Pair(key, parts[-1].strip()))
    return pairs if all(_is_key(pair.key) and _stands_alone(pair.value) for pair in pairs) else None


def _of_numbers(parts: list[str]) -> list[Pair] | None:
    """The same where each value is one number, with a unit or without, and what stands behind it the next key."""
    key, pairs = parts[0].strip(), []
    for part in parts[1:-1]:
        numeral, *words = part.split() or [""]
        behind = next((size for size in (2, 1) if len(words) > size and unit(" ".join(words[:size]))), 0)
        pairs.append(Pair(key, " ".join((numeral, *words[:behind]))))
        key = " ".join(words[behind:])
    pairs.append(Pair(key, parts[-1].strip()))
    return pairs if all(isinstance(number(split_value(pair.value, ".")[0]), float) for pair in pairs) else None


def _is_key(key: str) -> bool:
    named = any(char.isalpha() or char == "@" for char in key) and key.casefold() not in _LISTS
    return named and _KEY.fullmatch(key) is not None and len(key.split()) <= WORDS


def _stands_alone(value: str) -> bool:
    """Whether a value among blanks is one word, or a number with a unit: else who knows where the next key begins."""
    return (" " not in value and value != "") or isinstance(number(split_value(value, ".")[0]), float)
