"""A line cut into pairs of key and value; the grammar of kv, without a memory."""

import re
from typing import NamedTuple

from ...model import Why
from ...units import BEHIND
from ..numbers import number
from ..quantities import measure, quantity, unit
from .text import is_numberish, is_time

WORDS = 5
"""Words in a key; more of them are a sentence."""

_BEFORE = re.compile(r"(?<! ) ++(?=[:=])")
_AFTER = re.compile(r"(?<=[:=]) ++")
_BETWEEN = re.compile(r"[,;|\t]| {2,}+")
_BETWEEN_DECIMALS = re.compile(r"(?<!\d),|,(?!\d)|[;|\t]| {2,}+")
_COMMA = re.compile(r"(?<=\d),(?=\d)")
_WITH_COMMA = re.compile(r"(?<![\w.,/-])(?<!\b\d\d:)[+-]?\d++,\d++(?![^\s,;|]*[:=])(?![\d.:/-]|,\d)", re.ASCII)
"""A number with a decimal comma, as far as it can be told: what stands behind the comma has no key of its own."""
_WHOLE = re.compile(r"(?<![\w.,/-])(?<!\b\d\d:)[+-]?\d++(?![\w.:/-]|,\d)", re.ASCII)
_PARTING = re.compile(r",(?=\S)")
_UNIT_BEHIND = re.compile(r",\d+ ?" + BEHIND, re.IGNORECASE)
_POINT = re.compile(r"(?<![\w./-])(?<!\b\d\d:)[+-]?\d*+\.\d++(?![\w.:/-])", re.ASCII)
_KEY = re.compile(r"[\w .%°*º˚℃℉'/#@()\[\]+-]{1,64}")
_TAG = re.compile(r"[$#>*]?\w{0,16}")
_LISTS = frozenset(("temperatures", "temps", "values", "readings"))  # labels of rows, and no names
_LABELLED = re.compile(r"([^\W\d][\w .#-]{0,31}+): ++(?=[\w.]+ ?=)([^:]*)")
_ALONE = re.compile(r"([^\W\d](?:[\w#]| (?!\d+[., ]))*+(?<=[\dA-Z])) ++([+-]?\.?\d\S*+(?: \S{1,7})?)")
_UNIT_LIKE = re.compile(r"[^\W\d_]{0,6}[/%°²³][\w/%°²³^-]{0,8}")
"""What stands behind a number and looks like a unit, known or not."""
_TWICE = re.compile(
    rf"(?<![\w.,])([+-]?\d+(?:[.,]\d+)? ?)({BEHIND})(?: ?[,;/|(] ?|[ \t]+(?:and|or) )"
    rf"([+-]?\d+(?:[.,]\d+)? ?)({BEHIND})\)?\.?(?= *(?:[,;|\t]|  |\Z))",
    re.IGNORECASE,
)
"""One temperature in two units, with a mark or a word between: "21.5 C, 70.7 F", "21.5 C (70.7 F)"."""
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

    A comma is a decimal mark where "," is asked for, or where `decimal_comma` is sure of it; where a comma stands in a
    number and that is not sure, these are no pairs. A label in front of pairs ("boiler: flow=61.2 return=48.0") names
    their sensor.
    """
    if (labelled := _LABELLED.fullmatch(line)) is not None:
        inner = cut(labelled[2], decimal)
        named = inner is not None and not any(pair.key.casefold() == "sensor" for pair in inner.pairs)
        return inner._replace(pairs=[Pair("sensor", labelled[1]), *inner.pairs]) if inner and named else inner
    paired = ":" in line or "=" in line
    if decimal == "auto":
        decimal = decimal_comma(line) if _COMMA.search(line) else "."
        if not decimal:
            return None
    if not paired:
        return _in_turn(line, decimal)
    line = _TWICE.sub(_side_by_side, _AFTER.sub("", _BEFORE.sub("", line)))
    while is_time(line):
        line = line.partition(" ")[2] if " " in line else line.partition(",")[2]
        line = line.lstrip(" ,")
    fields = [field.strip() for field in (_BETWEEN_DECIMALS if decimal == "," else _BETWEEN).split(line)]
    pairs: list[Pair] = []
    for field in fields:
        if ":" in field or "=" in field:
            found = _pairs_of(field, decimal, first=not pairs)
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


def _side_by_side(found: re.Match[str]) -> str:
    """One temperature in two units with a blank between, as `split_value` knows it; two temperatures as they are."""
    first, one, second, other = found.groups()
    return found[0] if unit(one) == unit(other) else f"{first}{one} {second}{other}"


def _once(pairs: list[Pair]) -> list[Pair]:
    """Without what 3D printers say twice: the heater in use is `T` or `T0`, with its target, and again `T0`."""
    heaters = [at for at, pair in enumerate(pairs) if pair.key in ("T", "T0") and "/" in pair.value]
    return [pair for at, pair in enumerate(pairs) if at not in heaters[1:]]


def decimal_comma(line: str) -> str:
    """The decimal mark of a line in which commas stand between digits; "" where that is not sure.

    A comma in a number of two parts is one, where no number has a point, and besides
      - of names with marks: all numbers have one, or no comma parts them without a blank ("T1:23,45,T2:24,10")
      - of names without, where 23 could be part of the name ("Temperature 23,4"): a unit or a sign stands at the
        number, or two digits in front of the comma, or there are several such numbers.
    """
    numbers = [found[0] for found in _WITH_COMMA.finditer(line)]
    if not numbers:
        return "."
    if len(numbers) < len(_COMMA.findall(line)) or _POINT.search(line):
        return ""
    if ":" in line or "=" in line:
        return "" if _PARTING.search(_COMMA.sub("", line)) and _WHOLE.search(line) else ","
    return "," if len(numbers) > 1 or numbers[0].find(",") > 1 or _UNIT_BEHIND.search(line) else ""


def has_points(line: str) -> bool:
    """Whether a line has numbers with decimal points, and none with a decimal comma."""
    return _POINT.search(line) is not None and _WITH_COMMA.search(line) is None


def _in_turn(line: str, decimal: str) -> Pairs | None:
    """The pairs of a line in which names and numbers take turns: all names say what they are, one is a temperature's.

    A pair alone may have blanks between its parts where its name tells it from others: "T1 23.5 C".
    """
    cells = [cell.strip() for cell in (_BETWEEN_DECIMALS if decimal == "," else _BETWEEN).split(line)]
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
    return Pairs([Pair(*both) for both in zip(cells[::2], cells[1::2], strict=True)], decimal, True)


def _pairs_of(field: str, decimal: str, first: bool) -> list[Pair] | None:
    """The pairs of a stretch without separators: one, with any key; or several, blanks between, with one-word keys."""
    mark = min((mark for mark in ":=" if mark in field), key=field.index)
    parts = field.split(mark)
    rest = field.partition(mark)[2]
    one = len(parts) == 2 or (" " not in rest and is_time(rest))
    alone = [Pair(parts[0].strip(), rest.strip())] if one else None
    pairs = alone or _of_words(parts, decimal, first) or _of_numbers(parts, decimal)
    return pairs if pairs and all(_is_key(pair.key) for pair in pairs) else None


def _of_words(parts: list[str], decimal: str, first: bool) -> list[Pair] | None:
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
    return pairs if all(_is_key(pair.key) and _stands_alone(pair.value, decimal) for pair in pairs) else None


def _of_numbers(parts: list[str], decimal: str) -> list[Pair] | None:
    """The same where each value is one number, with a unit or without, and what stands behind it the next key."""
    key, pairs = parts[0].strip(), []
    for part in parts[1:-1]:
        numeral, *words = part.split() or [""]
        behind = next((size for size in (2, 1) if len(words) > size and unit(" ".join(words[:size]))), 0)
        pairs.append(Pair(key, " ".join((numeral, *words[:behind]))))
        key = " ".join(words[behind:])
    pairs.append(Pair(key, parts[-1].strip()))
    return pairs if all(_is_number(pair.value, decimal) for pair in pairs) else None


def _is_key(key: str) -> bool:
    named = any(char.isalpha() or char == "@" for char in key) and key.casefold() not in _LISTS
    return named and _KEY.fullmatch(key) is not None and len(key.split()) <= WORDS


def _stands_alone(value: str, decimal: str) -> bool:
    """Whether a value among blanks is one word, or a number with a unit: else who knows where the next key begins."""
    if " " not in value:
        return value != ""
    head, _, behind = value.rpartition(" ")
    return _is_number(value, decimal) or (_is_number(head, decimal) and _UNIT_LIKE.fullmatch(behind) is not None)


def _is_number(value: str, decimal: str) -> bool:
    return isinstance(number(split_value(value, decimal)[0], decimal), float)
