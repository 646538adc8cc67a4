"""The words in which the configuration speaks: what was found, where, what is near, and values as the file spells them.

What is found is told in a form that no terminal obeys.
"""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..shown import shown

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
DAY = SECONDS["d"]
BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


_LOGIN = re.compile(":.*@", re.DOTALL)


class Unfit(ValueError):
    """A value that will not do. Its text is a clause: what was expected, what was found."""


class Inside(Unfit):
    """Several that are wrong within one value. parts: where in it, and the clause."""

    def __init__(self, parts: Sequence[tuple[tuple[str | int, ...], str]]) -> None:
        super().__init__("; ".join(clause for _, clause in parts))
        self.parts = parts


def quoted(text: str, most: int = 80) -> str:
    """`text` in quotes, as a terminal may show it, cut to `most` characters; without the password of a URL."""
    return f'"{shown(_LOGIN.sub(":…@", text), most)}"'


def found(value: object) -> str:
    """What stands in the file, in its own spelling where that is short."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
    if isinstance(value, float):
        return repr(value)
    return "a table" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a date or time"


def path_of(path: object) -> str:
    """A path as a sentence shows it."""
    return quoted(str(path), 500)


def wanted(expected: str, value: object) -> Unfit:
    """The error of a `value` that is not what was `expected`."""
    return Unfit(f"{expected} was expected; found {found(value)}")


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'baud'?`, or nothing when no known word is near."""
    spelt = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word[:80].lower(), spelt, n=1, cutoff=0.6)
    return f"; did you mean '{spelt[near[0]]}'?" if near else ""


def listed(words: Sequence[str]) -> str:
    """Words in quotes, as one says them: "5", "6" or "7"."""
    spoken = [f'"{word}"' for word in words]
    return " or ".join(filter(None, (", ".join(spoken[:-1]), spoken[-1])))


def where(path: Iterable[str | int]) -> str:
    """A place in the file: boards[0].baud."""
    out = ""
    for step in path:
        key = str(step) if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", str(step)) else quoted(str(step))
        out += f"[{step}]" if isinstance(step, int) else f".{key}" if out else key
    return out


def span(seconds: float) -> str:
    """Seconds as a duration of the configuration: 90.0 is "90s"."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:g}ms"
    unit = next(
        (unit for unit in ("d", "h", "m") if seconds >= 2 * SECONDS[unit] and seconds % SECONDS[unit] == 0), "s"
    )
    return f"{seconds / SECONDS[unit]:.12g}{unit}"


def amount(count: int) -> str:
    """Bytes for people, in thousands: 4_096_000 is "4.1 MB"."""
    unit = next((unit for unit in ("GB", "MB", "kB") if count >= BYTES[unit]), "B")
    return f"{count / BYTES[unit]:.{0 if unit == 'B' else 1}f} {unit}"


def toml(value: Any) -> str:
    """A text, number, list or table as TOML spells it; a lone surrogate, which TOML cannot hold, becomes U+FFFD."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {toml(one)}" for key, one in value.items()) + " }" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else f"{value!r}"
    if "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"  # a pattern, as one writes it
    whole_text = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
    return json.dumps(whole_text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml(key)
