"""What the text formats share: a line made readable, what looks like a number, names, and the outcome of a frame."""

import re

from ...model import HEAD, BadValue, Decoded, Noise, Refusal, Sample, Why
from ..numbers import NO_VALUE
from ..quantities import NAMELESS

NAMES = 250_000
"""Characters that one name which is part of the names of many values may come to in a line; more is refused."""

ROLES = {"sensor": "sensor", "value": "value", "count": "count", "unit": "unit", "units": "unit", "tempunit": "unit"}
"""Columns by these names say something about the frame, whatever the format; names in lower case."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b]*+(?:\x07|\x1b\\))")
UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What no line of data holds: controls, marks that turn the direction of text, and what cannot be seen."""

_TIME = re.compile(r"\d{1,4}([-/])\d{1,2}\1\d{1,4}(?!\d)|\d{1,2}\.\d{1,2}\.\d{4}(?!\d)|\d{1,2}:\d{2}(?!\d)")
_NUMBERISH = re.compile(r"[+-]?[.,]?\d")
_LOG = re.compile(r" *+(?:[IWEDV] \(\d+\) |\[[A-Z]+\]\[)")
_ROM = re.compile(
    r"(?:10|22|28|3B|42)[-:. ]?[\dA-F]{2}([-:. ]?)(?:[\dA-F]{2}\1){4,5}[\dA-F]{2}", re.ASCII | re.IGNORECASE
)
_NO_VALUE = re.compile(NO_VALUE)
_PARTED = re.compile(r"(?<=[:=,;|(\[])( *+)([+-]) ++(?=\.?\d)")


def readable(frame: bytes) -> str | Refusal:
    """The line as text, UTF-8 or else Latin-1; refused when controls are left in it.

    Colours, titles, and STX and ETX around it are taken out.
    """
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        text = frame.decode("latin-1")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    text = text.removeprefix("\ufeff").removeprefix("\x02").removesuffix("\x03")
    return refused(Why.BAD_FRAME, frame) if UNSAFE.search(text) else text


def signed(text: str) -> str:
    """The line with each sign at its number, from which some boards part it ("T: - 5.6"); U+2212 is a minus sign."""
    return _PARTED.sub(r"\1\2", text if text.isascii() else text.replace("\u2212", "-"))


def is_time(text: str) -> bool:
    """Whether `text` starts as a date or a time of day does: such a column is no value."""
    return _TIME.match(text) is not None


def is_numberish(text: str) -> bool:
    """Whether a value stands here, good or bad: it starts as a number does, or spells that there is none."""
    if _NUMBERISH.match(text):
        return not is_time(text)
    return len(text) <= 16 and _NO_VALUE.fullmatch(text.casefold()) is not None


def is_rom(text: str) -> bool:
    """Whether `text` is the number of a 1-Wire probe: its family, six bytes of its own, and often a checksum."""
    return _ROM.fullmatch(text) is not None


def is_log(text: str) -> bool:
    """Whether `text` starts as the log lines of common firmware do: "I (590) example: …", "[D][sensor:094]: …"."""
    return _LOG.match(text) is not None


def joined(outer: str, name: str) -> str:
    """The name of a value inside something that has a name: the outer one, where the inner one says no more."""
    if name.casefold() in NAMELESS:
        return outer or name
    return f"{outer}.{name}" if outer else name


def refused(why: Why, frame: bytes) -> Refusal:
    """A refusal of `frame`, with as much of it as helps to find out."""
    return Refusal(why, frame[:HEAD])


def noise(frame: bytes) -> Noise:
    """`frame` as noise."""
    return Noise(frame[:HEAD])


def outcome(samples: list[Sample], bad: list[BadValue], frame: bytes) -> Decoded | Refusal | Noise:
    """What a frame came to: refused when nothing that was asked for holds, noise when nothing was asked for."""
    if samples:
        return Decoded(samples, bad)
    return refused(bad[0].why, frame) if bad else noise(frame)


def numbered(names: list[str]) -> list[str]:
    """The same names, each a different one: degC, degC -> degC, degC_2."""
    turns: dict[str, int] = {}
    out = []
    for name in names:
        unique = name
        while unique in turns:
            turns[name] += 1
            unique = f"{name}_{turns[name]}"
        turns[unique] = 1
        out.append(unique)
    return out
