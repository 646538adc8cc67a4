"""block: records over several lines, by a pattern or by the rules of kv and plain."""

from typing import Any

import pytest

from gateway.ingest.formats.block import Block
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why

PIXELS = r"(?P<value>[^\s,\[\]]+)"
TESTER = r"device: (?P<sensor>\d+)\n(?:Temp C: (?P<value>\S+)|Error: .*)"


def decode(pattern: str, *blocks: bytes, **given: Any) -> Decoded | Refusal | Noise:
    """What a fresh format makes of the last block, after those before it."""
    board = Block(FormatOptions(pattern=pattern, **{"start": "", **given}))
    return [board.decode(block) for block in blocks][-1]


def values(result: Decoded | Refusal | Noise) -> dict[str, float]:
    """Sensor and value of what was decoded."""
    assert isinstance(result, Decoded), result
    return {sample.sensor: sample.value for sample in result.samples}


def test_a_match_over_lines():
    """A pattern may match over the ends of lines, and the groups of one match are one record."""
    assert decode(TESTER, b"device: 0\nTemp C: 21.5") == Decoded([Sample("0", 21.5, "°C")], [])
    assert decode(TESTER, b"device: 0\nError: none").why is Why.ERROR_MARK
    assert decode(TESTER, b"device: 0\nhello").why is Why.BAD_FRAME


def test_many_matches():
    """Several matches of the group `value` are S1, S2, …; one is the temperature; of a named group it is numbered."""
    assert values(decode(PIXELS, b"[21.5, 22,\n23, 24]")) == {"S1": 21.5, "S2": 22, "S3": 23, "S4": 24}
    assert values(decode(PIXELS, b"[21.5]")) == {"temperature": 21.5}
    assert values(decode(r"(?P<T>\d+)", b"1\n2")) == {"T": 1, "T_2": 2}


def test_another_number_of_values():
    """As many values as before, or as names in `columns`, are due; one less or more is a bad block, and not a shift."""
    for few in (b"[1,\n2]", b"[1,\n2,\n3,\n4]"):
        assert decode(PIXELS, b"[1,\n2,\n3]", few) == Refusal(Why.WRONG_COLUMNS, few)
        assert decode(PIXELS, few, columns=("a", "", "b")).why is Why.WRONG_COLUMNS
    assert values(decode(PIXELS, b"[1,\n2,\n3]", columns=("in", "", "out"))) == {"in": 1, "out": 3}
    assert decode(PIXELS, b"[1,\n2,\n3]", *[b"[1,\n2]"] * 4).why is Why.WRONG_COLUMNS
    assert values(decode(PIXELS, b"[1,\n2,\n3]", *[b"[1,\n2]"] * 5)) == {"S1": 1, "S2": 2}, "the board has changed"


def test_each_group_is_due():
    """A block in which a group is not found was cut."""
    pattern = r"T1=(?P<T1>\S+)|T2=(?P<T2>\S+)|(?P<count>\d+)\."
    assert decode(pattern, b"T2=2\nT1=1\n7.") == Decoded([Sample("T2", 2.0, "°C", 7), Sample("T1", 1.0, "°C", 7)], [])
    assert decode(pattern, b"T1=1\n7.").why is Why.WRONG_COLUMNS


def test_many_sensors():
    """Each match with a sensor begins a record of its own; the count is the block's; one bad value spoils no other."""
    pattern = r"(?P<count>\d+):|(?P<sensor>\w+) (?P<value>\S+)"
    block = b"7:\na 21.5\nb nan\nc 22.5"
    assert decode(pattern, block) == Decoded(
        [Sample("a", 21.5, "°C", 7), Sample("c", 22.5, "°C", 7)], [BadValue("b", Why.NOT_FINITE)]
    )
    apart = r"Board (?P<sensor>\w+)|T(?P<T>[\d.]+)|U(?P<T2>[\d.]+)"
    assert values(decode(apart, b"Board a\nT1\nU2\nBoard b\nT3\nU4")) == {"a": 1, "a.T2": 2, "b": 3, "b.T2": 4}


def test_units_and_base():
    """One unit a group, or one a name; numbers to the base 16."""
    assert decode("(?P<a>A.)|(?P<b>B.)", b"A1\nB2", unit=("°F", "K"), base=16).samples == [
        Sample("a", 0xA1, "°F"), Sample("b", 0xB2, "K"),
    ]  # fmt: skip
    pixels = decode(PIXELS, b"[1,\n2]", unit=("°F", "K"), columns=("in", "out"))
    assert pixels.samples == [Sample("in", 1.0, "°F"), Sample("out", 2.0, "K")]


def test_nothing_found():
    """A block that a line began as one and that holds nothing is bad; one that only had an end is noise."""
    assert decode(PIXELS, b"[]") == Refusal(Why.BAD_FRAME, b"[]")
    assert decode(PIXELS, b"[]", start=None, end="x") == Noise(b"[]")


def test_pairs():
    """Without a pattern the lines are pairs, one record; a missing value refuses itself alone."""
    block = b"Temperature = 21.87 *C\r\nPressure = 1008.33 hPa\nProbe = nan *C\n"
    block = block.replace(b"\r", b"")
    assert decode("", block) == Decoded([Sample("Temperature", 21.87, "°C")], [BadValue("Probe", Why.NOT_FINITE)])
    assert decode("", b"Pressure = 1008.33 hPa\n") == Noise(b"Pressure = 1008.33 hPa\n")
    both = b"Ambient = 23.45*C\tObject = 36.61*C\nAmbient = 74.21*F\tObject = 97.90*F"
    assert values(decode("", both, unit=("°C",))) == {"Ambient": 23.45, "Object": 36.61}


def test_numbers():
    """Without a pattern, lines of numbers are one row; what was pairs stays pairs."""
    assert values(decode("", b"[24.25, 24.00,\n23.75, 24.00,\n]")) == {"S1": 24.25, "S2": 24, "S3": 23.75, "S4": 24}
    assert decode("", b"[24.25, 24.00,\n23.75, 24.00,\n]", b"[24.25, 24.00,\n]").why is Why.WRONG_COLUMNS
    assert decode("", b"T1 = 21.5\nT2 = 22", b"21.5\n22") == Noise(b"21.5\n22")


@pytest.mark.parametrize("pattern", [PIXELS, ""])
def test_controls(pattern):
    """A block with a line that no text holds is bad."""
    assert decode(pattern, b"[21.5,\n22.5\x07]") == Refusal(Why.BAD_FRAME, b"[21.5,\n22.5\x07]")


def test_edges():
    """`start` and `end` are what lines begin with, "" an empty one; colours are looked through."""
    board = Block(FormatOptions(start=r"\[|T\d", end=""))
    framing = board.framing(4000, False)
    lines = [b"x[", b"\x1b[31m[1\x1b[0m", b" \t", b"T", b"T1", b""]
    assert framing.feed(b"\n".join([*lines, b""])) == [
        Noise(b"x["), b"\x1b[31m[1\x1b[0m\n \t", Noise(b"T"), b"T1\n",
    ]  # fmt: skip


def test_too_many_matches():
    """A block in which a pattern matches too often for its length is bad, and none of it is read."""
    assert decode("(?P<value>[12])", b"1" * 8000) == Refusal(Why.BAD_FRAME, b"1" * 64)
