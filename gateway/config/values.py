"""Kinds of value in the configuration: durations, sizes, numbers, words, texts, addresses.

Each check takes what TOML gave and returns it checked, or raises Unfit with a clause for the user; pydantic collects.
"""

import math
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from .words import BYTES, SECONDS, Unfit, amount, listed, nearest, quoted, span, wanted

BROKERS = {"mqtt": 1883, "mqtts": 8883}
"""The schemes of a broker's URL, and the port that each usually has."""
LARGEST = 1e300
"""Of numbers; what is computed with one is still finite."""
_AMOUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)([A-Za-z]+)")


def duration(least: float, most: float, also: str = "") -> Callable[[object], float]:
    """A check that gives s, within the bounds. `also` names what else may stand there, for the sentence."""

    def check(value: object) -> float:
        match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
        if match is None or match[2] not in SECONDS:
            raise wanted(f'a duration such as "20ms", "60s", "5m", "2h" or "7d"{also}', value)
        seconds = float(match[1]) * SECONDS[match[2]]
        if not least <= seconds <= most:
            raise wanted(f'a duration from "{span(least)}" to "{span(most)}"', value)
        return seconds

    return check


def size(least: int, most: int) -> Callable[[object], int]:
    """A check that gives bytes, within the bounds."""

    def check(value: object) -> int:
        match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
        if match is None or match[2] not in BYTES:
            raise wanted('a size such as "4kB", "4KiB" or "256MB"', value)
        count = float(match[1]) * BYTES[match[2]]
        if not least <= count <= most:
            raise wanted(f"a size from {amount(least)} to {amount(most)}", value)
        return int(count)

    return check


def whole(least: int, most: int, also: str = "") -> Callable[[object], int]:
    """A check for a whole number within the bounds; true and false are none."""

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise wanted(f"a whole number from {least} to {most}{also}", value)
        return value

    return check


def number(value: object) -> float:
    """A finite number; true and false are none."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value or abs(value) == math.inf:
        raise wanted("a number", value)
    if abs(value) > LARGEST:
        raise wanted(f"a number from -{LARGEST:g} to {LARGEST:g}", value)
    return float(value)


def switch(value: object) -> bool:
    """true or false."""
    if isinstance(value, bool):
        return value
    raise wanted("true or false", value)


def choice(*words: str, also: str = "") -> Callable[[object], str]:
    """A check for one of `words`. also: what else may be there."""

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise wanted(listed(words) + also, value)
        if value not in words:
            raise Unfit(f"{wanted(listed(words) + also, value)}{nearest(value, words)}")
        return value

    return check


def text(value: object) -> str:
    """Text that fits on a line."""
    if isinstance(value, str) and len(value) <= 1000 and value.isprintable():
        return value
    raise wanted("text in quotes, at most 1000 printable characters,", value)


def any_text(value: object) -> str:
    """Text with whatever characters a board may send."""
    if isinstance(value, str) and len(value) <= 1000:
        return value
    raise wanted("text in quotes, at most 1000 characters,", value)


def texts(value: object) -> tuple[str, ...]:
    """A list of texts."""
    if isinstance(value, list) and len(value) <= 1000:
        return tuple(map(text, value))
    raise wanted("a list of texts in quotes, at most 1000,", value)


def pair(value: object) -> tuple[float, float]:
    """Two numbers, in any order."""
    if isinstance(value, list) and len(value) == 2:
        return number(value[0]), number(value[1])
    raise wanted("a list of two numbers, [lowest, highest],", value)


def address(value: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[::1]:port". What may hold a password ("@") is not repeated."""
    try:
        parts = urlsplit(f"//{value}")
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number, half an IPv6 address
        host = port = None
    if not host or not port or parts.netloc != value or not re.fullmatch(r"[A-Za-z0-9._:\[\]-]+", value):
        shown = "" if "@" in value else f"; found {quoted(value)}"
        raise Unfit(f'host and port, such as "127.0.0.1:1883" or "[::1]:1883", was expected{shown}')
    return host, port


def joined(host: str, port: int) -> str:
    """The text that `address` reads."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def or_none(check: Callable[[object], str]) -> Callable[[object], str]:
    """As `check`, or "" for none."""
    return lambda value: "" if value == "" else check(value)
