"""Torn lines: no one or two of them change for good what the good lines of a board come to."""

from random import Random

import pytest

from gateway.ingest.formats import FORMATS
from gateway.model import Decoded, FormatOptions
from tests.conftest import examples

LINES = 100
GOOD = 60
"""Lines after the torn ones; the last of them have to come to what they come to without."""


def t(n):
    """A temperature that changes slowly."""
    return 21 + n * 7 % 23 / 16


def comma(n):
    """One with a decimal comma."""
    return f"{t(n):.2f}".replace(".", ",")


BOARDS = {
    "one number": lambda n: f"{t(n):.2f}",
    "one comma": lambda n: f"{22 + n % 5 // 4},{n % 4 * 31:02}",
    "whole numbers": lambda n: f"{t(n):.0f} {24 + n % 3} {25 + n % 2}",
    "blanks": lambda n: f"{t(n):.2f} {t(n + 3):.2f}",
    "brackets": lambda n: f"({t(n):.2f} {t(n + 3):.2f})",
    "a label": lambda n: f"temperatures: {t(n):.2f} {t(n + 3):.2f}",
    "units": lambda n: f"{t(n):.1f} C  {t(n + 3):.1f} C",
    "a humidity": lambda n: f"{t(n):.1f}C {45 + n % 9}%",
    "commas": lambda n: f"{t(n):.2f},{t(n + 3):.2f}",
    "a comma behind": lambda n: f"{t(n):.2f},{t(n + 3):.2f},",
    "decimal commas": lambda n: f"{comma(n)};{comma(n + 3)}",
    "tabs": lambda n: f"{comma(n)}\t{comma(n + 3)}",
    "a count": lambda n: f"{n + 17},{t(n):.2f}",
    "milliseconds": lambda n: f"{123_456 + 1003 * n}\t{t(n):.2f}\t{t(n + 3):.2f}",
    "a date": lambda n: f"2026-11-29 12:{n // 60:02}:{n % 60:02},{t(n):.2f},{t(n + 3):.2f}",
    "pairs": lambda n: f"T1:{t(n):.2f},T2:{t(n + 3):.2f}",
    "pairs with commas": lambda n: f"T1={comma(n)};T2={comma(n + 3)}",
    "two units": lambda n: f"Humidity: {45 + n % 9} %\tTemperature: {t(n):.2f} *C {1.8 * t(n) + 32:.2f} *F",
    "a printer": lambda n: f"ok T:{t(n):.1f} /0.0 B:{t(n + 3):.1f} /0.0 @:0",
    "names in turn": lambda n: f"Temp 1,{t(n):.2f},Temp 2,{t(n + 3):.2f}",
    "objects": lambda n: f'{{"T1":{t(n):.2f},"in":{{"t":{t(n + 3):.2f}}},"hum":{40 + n % 5}}}',
    "a sensor a line": lambda n: f'{{"sensor":"S{n % 4}","value":{t(n):.2f},"unit":"C"}}',
    "a value a line": lambda n: f'{{"sensor":"S{n % 4}","value":{t(n):.2f}}}',
    "an object behind a word": lambda n: f'T:{{"a":{t(n):.2f},"temp":{t(n + 3):.2f}}}',
    "a list": lambda n: f"[{t(n):.2f}, {t(n + 3):.2f}]",
}
FOUND = {  # the format that reads it, where that is not csv
    **dict.fromkeys(("one number", "whole numbers", "blanks", "brackets", "a label", "units", "a humidity"), "plain"),
    **dict.fromkeys(("pairs", "pairs with commas", "two units", "a printer", "names in turn"), "kv"),
    **dict.fromkeys(("objects", "a sensor a line", "a value a line", "a list"), "json"),
    "an object behind a word": "auto",  # json asks for the word
}


def torn(line, random):
    """A line that has lost some of its characters, or got another for one of them."""
    at = random.randrange(len(line))
    match random.randrange(4):
        case 0:
            return line[:at] + line[at + random.randint(1, 6) :]
        case 1:
            return line[at:]
        case 2:
            return line[:at]
        case _:
            return line[:at] + random.choice(",;: 0123456789-") + line[at + 1 :]


def read(lines, format="auto"):
    """What each line comes to, as text: one knows nothing of the next."""
    board = FORMATS[format](FormatOptions())
    results = [board.decode(line.encode()) for line in lines]
    return [repr(one.samples) if isinstance(one, Decoded) else type(one).__name__ for one in results]


@pytest.mark.parametrize("before", [0, 2, 12])
@pytest.mark.parametrize(
    ("name", "format"), [*((name, "auto") for name in BOARDS), *((name, FOUND.get(name, "csv")) for name in BOARDS)]
)
def test_torn_lines_decide_nothing_for_good(name, format, before):
    """At first, early or later: after sixty good lines it is as if they had not been."""
    lines = [BOARDS[name](n) for n in range(LINES)]
    first, good = lines[:before], lines[before + 2 : before + 2 + GOOD]
    expected = read(first + good, format)[-10:]
    assert all("Sample" in one for one in expected)
    random = Random(f"{name} {before}")
    for _ in range(examples(10, 100)):
        odd = [torn(line, random) for line in random.choices(lines[: before + 9], k=random.choice([1, 1, 2]))]
        assert read(first + odd + good, format)[-10:] == expected, odd
