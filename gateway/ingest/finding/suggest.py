r"""A pattern for lines that no format reads: what is the same in them stays, what differs becomes a group.

    Record 29, probe T4: 48.12 degC      Record (?P<count>\d+), probe (?P<sensor>\w+): (?P<value>\S+) degC
    Record 30, probe T1: 19.50 degC

A number before a unit of temperature is a value; where none has a unit, each with a decimal point is, but for times
and what stands behind a slash. A number that counts the lines is the count, and a word that comes in a few forms and
differs from line to line the sensor. It is a guess, for a person to look at. Numbers between brackets that stand lines
apart are a block. Pure.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ...model import FormatOptions
from ...units import BEHIND, temperature
from ..formats.text import ROLES, readable
from ..numbers import NUMERAL
from ..quantities import quantity

LEAST = 4  # lines of one form
MOST_SENSORS = 64
_PAIRS = {"[": "]", "(": ")", "{": "}", "<": ">"}

_TOKEN = re.compile(
    r"\d{1,4}(?::\d\d){1,2}(?:[.,]\d+)*|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:(?![^\W\d])|(?=[CFK]\b))|\w+|\s+|."
)
_NUMBER = re.compile(NUMERAL, re.ASCII)
_TIME = re.compile(r"\d{1,4}:\d\d.*")
_ROW = re.compile(r"[-+.\deE,;\s]*")
_UNIT = re.compile(rf"\s?({BEHIND})", re.IGNORECASE)


class Slot(NamedTuple):
    """A place in lines of one form where they differ. texts: what stands there, a line each."""

    place: int  # of its token
    is_number: bool
    texts: list[str]


def suggested(data: bytes) -> tuple[str, FormatOptions] | None:
    """A format and its options for the text in `data`; None where it holds no values that a guess could find."""
    if (block := _block(data)) is not None:
        return "block", block
    found = pattern(data)
    return None if found is None else ("regex", found)


def pattern(data: bytes) -> FormatOptions | None:
    """Options of `regex` for the lines in `data`; None where no lines of one form hold a value."""
    lines = [line.strip() for line in _lines(data)[1:-1]]
    tokens = [_TOKEN.findall(line) for line in lines if line]
    forms = Counter(map(_form, tokens))
    for form, times in forms.most_common(3):
        if times < LEAST:
            break
        alike = [each for each in tokens if _form(each) == form]
        if (found := _pattern(alike)) is not None:
            return found
    return None


def _block(data: bytes) -> FormatOptions | None:
    """Options of `block` for rows of numbers between brackets, over several lines; None where there are none twice."""
    lines = [line.strip() for line in _lines(data)]
    for opening, closing in _PAIRS.items():
        starts = [place for place, line in enumerate(lines) if line.startswith(opening) and closing not in line]
        for first, after in pairwise(starts):
            record = lines[first:after]
            end = next((place for place, line in enumerate(record) if line.endswith(closing)), None)
            if end is None or not all(map(_ROW.fullmatch, [record[0][1:], *record[1:end], record[end][:-1]])):
                continue
            excluded = re.escape(opening) + re.escape(closing)
            return FormatOptions(
                pattern=rf"(?P<value>[^\s,;{excluded}]+)", start=re.escape(opening), end=_end(record[end])
            )
    return None


def _end(line: str) -> str:
    """How the last line of a block begins, as a pattern."""
    return re.escape(line) if len(line) == 1 else ".*" + re.escape(line[-1]) + "$"


def _lines(data: bytes) -> list[str]:
    """The lines, as a pattern meets them; without those that are no text."""
    return [line for line in map(readable, data.splitlines()) if isinstance(line, str)]


def _form(tokens: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(_kind, tokens))


def _kind(token: str) -> str:
    """What may stand there in another line: "0" a number, "00" a time, "w0" a name with a digit in it, or just this."""
    if _NUMBER.fullmatch(token):
        return "0"
    return "00" if _TIME.fullmatch(token) else "w0" if _varies(token) else token


def _varies(token: str) -> bool:
    """Whether a word is likely another in the next line: a name with a digit in it."""
    return token.replace("_", "").isalnum() and any(char.isdigit() for char in token)


def _pattern(lines: Sequence[Sequence[str]]) -> FormatOptions | None:
    """The pattern of lines that have one form."""
    form = _form(lines[0])
    slots = [
        Slot(place, kind == "0", [line[place] for line in lines])
        for place, kind in enumerate(form)
        if kind in ("0", "00", "w0")
    ]
    units = {slot.place: unit for slot in slots if slot.is_number and (unit := _unit(lines[0], slot.place))}
    if any(form[slot.place - 2 : slot.place] == ("0", ",") for slot in slots if slot.place in units):
        return None  # behind a decimal comma
    counts = [slot for slot in slots if slot.place not in units and _counts(slot, lines[0])]
    values = [slot for slot in slots if slot.place in units] or [
        slot for slot in slots if slot.is_number and all("." in text for text in slot.texts)
    ]
    values = [slot for slot in values if "/" not in form[slot.place - 1 : slot.place]] or values  # what was set
    sensors = [slot for slot in slots if form[slot.place] == "w0" and 1 < len(set(slot.texts)) <= MOST_SENSORS]
    if any(abs(slot.place - value.place) == 1 for value in values for slot in slots):
        return None  # nothing parts them: digits of one number would be cut apart ("4903.50N", "0+3.29+23.5")
    names = _names(lines[0], values, units, has_sensor=bool(sensors))
    if not names:
        return None
    groups = {slot.place: rf"(?P<{name}>\S+)" for slot, name in names}
    groups |= {slot.place: r"(?P<sensor>\w+)" for slot in sensors[:1]}
    groups |= {slot.place: r"(?P<count>\d+)" for slot in counts[:1]}
    plain = {slot.place: r"\S+" for slot in slots if form[slot.place] != "w0"}
    plain |= {slot.place: r"\w+" for slot in slots if form[slot.place] == "w0" and len(set(slot.texts)) > 1}
    text = "".join(
        groups.get(place) or plain.get(place) or (r"\s+" if token.isspace() else re.escape(token))
        for place, token in enumerate(lines[0])
    )
    told = {units.get(slot.place, "°C") for slot, _ in names}
    return FormatOptions(pattern=text, unit=tuple(told) if len(told) == 1 and told != {"°C"} else ())


def _names(
    line: Sequence[str], values: Sequence[Slot], units: Mapping[int, str], *, has_sensor: bool
) -> list[tuple[Slot, str]]:
    """The values with a group's name each. With a sensor in the line there is one value; quantities are left out."""
    if has_sensor:
        return [(values[0], "value")] if values else []
    out: list[tuple[Slot, str]] = []
    for slot in values:
        word = _word_before(line, slot.place)
        if quantity(word) not in ("", "temperature"):
            if slot.place not in units or quantity(word) == "computed":
                continue
            word = ""
        name, number = word or f"S{len(out) + 1}", 2
        while name in {taken for _, taken in out} or name.casefold() in ROLES:
            name, number = f"{word or 'S'}_{number}", number + 1
        out.append((slot, name))
    return [(out[0][0], "value")] if len(out) == 1 else out


def _word_before(line: Sequence[str], place: int) -> str:
    """The word that stands before a value, as the name of a group; "" where none does. "Sensor 2:" gives Sensor_2."""
    at = next((at for at in range(place - 1, -1, -1) if line[at].isidentifier() and len(line[at]) > 1), None)
    if at is None:
        return ""
    numbers = [token for token in line[at + 1 : place] if token.isascii() and token.isdigit()]
    return "_".join([line[at], *numbers[:1]])


def _unit(line: Sequence[str], place: int) -> str:
    """The unit of temperature behind the number at `place`; "" where there is none."""
    found = _UNIT.match("".join(line[place + 1 :]))
    return temperature(found[1].strip()) if found else ""


def _counts(slot: Slot, line: Sequence[str]) -> bool:
    """Whether these are whole numbers that grow by one with each line, or with each round of lines."""
    word = next((token for token in reversed(line[: slot.place]) if token.isidentifier()), "")
    if (
        not slot.is_number
        or quantity(word) not in ("", "counter", "time", "identity")
        or not all(text.isdigit() for text in slot.texts)
    ):
        return False
    numbers = [int(text[:18]) for text in slot.texts]
    steps = {after - before for before, after in pairwise(numbers)}
    return 1 in steps and steps <= {0, 1}
