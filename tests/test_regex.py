"""regex: groups become readings; what does not match is noise, or was data."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ingest.formats.groups import Groups
from gateway.ingest.formats.regex import Regex
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why

SIMPLE = r"Temperature (\d+) is: (?P<value>\S+)|Error: .*"


def decode(pattern: str, *lines: bytes, **given: Any) -> Decoded | Refusal | Noise:
    """What a fresh format makes of the last line, after those before it."""
    board = Regex(FormatOptions(pattern=pattern, **given))
    return [board.decode(line) for line in lines][-1]


def test_a_lone_value():
    """A group called value is the temperature; the blanks around a line are nothing."""
    assert decode(SIMPLE, b"  Temperature 1 is: 21.5 ") == Decoded([Sample("temperature", 21.5, "°C")], [])


def test_a_lone_value_that_is_no_temperature():
    """It is called by what its unit measures, said behind it or by the board."""
    for options in ({"also": ("pressure",)}, {"also": ("pressure",), "unit": ("hPa",)}):
        text = b"P 1008.3" + b" hPa" * ("unit" not in options)
        for lines in ([text], [text] * 3):
            assert decode("P (?P<value>.*)", *lines, **options).samples == [Sample("pressure", 1008.3, "hPa")]


def test_groups_are_columns():
    """Groups keep their names; those that took no part are not there; what is no temperature is left out."""
    pattern = r"T1=(?P<T1>\S+)(?: T2=(?P<T2>\S+))? hum=(?P<hum>\S+)"
    assert decode(pattern, b"T1=1 T2=2 hum=40") == Decoded([Sample("T1", 1.0, "°C"), Sample("T2", 2.0, "°C")], [])
    assert decode(pattern, b"T1=1 hum=40") == Decoded([Sample("T1", 1.0, "°C")], [])
    assert decode(pattern, b"T1=1 hum=40", also=("humidity",)).samples[1:] == [Sample("hum", 40.0, "")]


def test_what_groups_say_of_a_frame():
    """The groups sensor, count and unit say it as columns of these names do."""
    pattern = r"(?P<count>\d+) (?P<sensor>.*): (?P<value>\S+) ?(?P<unit>\S*)"
    assert decode(pattern, b"7 Living Room: 70.5 \xc2\xb0F") == Decoded([Sample("Living Room", 70.5, "°F", 7)], [])
    assert decode(pattern, b"7 Living Room: 70.5 %") == Noise(b"7 Living Room: 70.5 %")
    assert decode(pattern, b"7 a: 21.5") == Decoded([Sample("a", 21.5, "°C", 7)], [])
    assert decode(pattern, b"7777777777777777777 a: 21.5").why is Why.NOT_A_NUMBER
    assert decode(pattern, b"7 : 21.5").why is Why.BAD_FRAME


def test_units():
    """A unit behind the value, in its group, counts; then the board's; one a group decides alone."""
    assert decode(r"T (?P<T>.*)", b"T 70.5 *F").samples == [Sample("T", 70.5, "°F")]
    assert decode(r"T (?P<T>.*)", b"T 300", unit=("K",)).samples == [Sample("T", 300.0, "K")]
    both = decode(r"(?:(?P<a>\d) )?(?P<b>\d)", b"1 2", unit=("°F", "K"))
    assert both.samples == [Sample("a", 1.0, "°F"), Sample("b", 2.0, "K")]
    assert decode(r"(?:(?P<a>\d) )?(?P<b>\d)", b"2", unit=("°F", "K")).samples == [Sample("b", 2.0, "K")]


def test_columns():
    """`columns` gives groups other names, by their names or by their places."""
    pattern = r"(?P<a>\S+) (?P<b>\S+) (?P<c>\S+)"
    assert decode(pattern, b"1 2 3", columns=("a=in", "b=", "c=count")) == Decoded([Sample("in", 1.0, "°C", 3)], [])
    assert decode(pattern, b"1 2 3", columns=("in", "", "count")) == Decoded([Sample("in", 1.0, "°C", 3)], [])


@pytest.mark.parametrize(
    "text, number", [("ff", 255), ("FF", 255), ("0x10", 16), ("-1a", -26), ("10", 16), ("ffffffffffffffff", 2**64 - 1)]
)
def test_hexadecimal(text, number):
    """base = 16 reads values and counts in hexadecimal, and names as they are."""
    pattern = r"(?P<sensor>\w+) (?P<count>\w+) (?P<value>\S+)"
    assert decode(pattern, f"10 1f {text}".encode(), base=16) == Decoded([Sample("10", float(number), "°C", 31)], [])


@pytest.mark.parametrize(
    "text, why",
    [("1.5", Why.NOT_A_NUMBER), ("21 C", Why.NOT_A_NUMBER), ("f" * 17, Why.NOT_A_NUMBER), ("nan", Why.NOT_FINITE),
     ("7FFF", Why.ERROR_MARK), ("0x80", Why.ERROR_MARK)],
)  # fmt: skip
def test_no_hexadecimal(text, why):
    """What is no hexadecimal number is none; what means "no value" is told as spelt or as a number."""
    assert decode("v (?P<T>.*)", f"v {text}".encode(), base=16, none=("7FFF", 128.0)).why is why


def test_decimal_comma():
    """decimal = "," reads numbers with one."""
    assert decode("T (?P<T>.*)", b"T 21,5", decimal=",").samples == [Sample("T", 21.5, "°C")]
    assert decode("T (?P<T>.*)", b"T 21,5").why is Why.NOT_A_NUMBER


def test_bad_values():
    """A value that does not hold is counted by itself beside one that does, and refuses the line alone."""
    pattern = r"T1=(?P<T1>\S*) T2=(?P<T2>\S*)"
    assert decode(pattern, b"T1=1 T2=nan") == Decoded([Sample("T1", 1.0, "°C")], [BadValue("T2", Why.NOT_FINITE)])
    assert decode(pattern, b"T1=nan T2=1_0") == Refusal(Why.NOT_FINITE, b"T1=nan T2=1_0")
    assert decode(pattern, b"T1=1 T2=85.0", none=(85.0,)).bad == [BadValue("T2", Why.ERROR_MARK)]
    assert decode(pattern, b"T1=1 T2=").bad == [BadValue("T2", Why.NOT_A_NUMBER)]


def test_the_boards_own_errors():
    """A line that matches without a value is the board's error, and refused as such."""
    assert decode(SIMPLE, b"Error: no sensor") == Refusal(Why.ERROR_MARK, b"Error: no sensor")


@pytest.mark.parametrize("line", [b"", b"  ", b"Found 2 devices.", b"Temp", b"21.5", b"*OK"])
def test_noise(line):
    """What begins otherwise than data is noise."""
    assert decode(SIMPLE, b"Temperature 1 is: 21.5", line) == Noise(line)


@pytest.mark.parametrize(
    "line", [b"Temperature 12 is: ", b"Temperature 1 is: 21.Temperature 1 is: 21.5", b"Temperature 1 is: 21.5 \x07"]
)
def test_torn(line):
    """What begins as the last line that matched did, whatever its digits, is data that was cut or broken into."""
    assert decode(SIMPLE, b"Temperature 1 is: 21.5", line) == Refusal(Why.BAD_FRAME, line)
    assert decode(SIMPLE, b"Temperature 1 is: 21.5", b"boot", b"Error: x", line).why is Why.BAD_FRAME


def test_torn_where_a_value_comes_first():
    """Where a line begins with a group, one that does not match was data if it begins as a number does."""
    assert decode("(?P<value>[0-9.]+) C", b"21.5 C", b"21.5 x").why is Why.BAD_FRAME
    assert decode("(?P<value>[0-9.]+) C", b"21.5 C", b"hello") == Noise(b"hello")
    assert decode("(?P<value>[0-9.]+) C", b"21.5 x") == Noise(b"21.5 x"), "nothing has matched yet"


def test_colours_and_codes():
    """Colours are taken out before a line is matched, and Latin-1 is read where it is no UTF-8."""
    line = b"\x1b[0;32mB\xfcro: 21.5 \xb0C\x1b[0m"
    assert decode("(?P<sensor>B.ro): (?P<value>.*)", line) == Decoded([Sample("Büro", 21.5, "°C")], [])


NAMES = st.sampled_from(["T1", "value", "sensor", "count", "unit", "hum", "P1", ""])
TEXTS = st.sampled_from(["21.5", "-3", "4", "nan", "", "ok", "21.5 C", "70F", "40%", "1e400", "a", "%", "°F", "007"])


@settings(max_examples=300, deadline=None)
@given(
    names=st.lists(NAMES, min_size=1, max_size=4),
    rows=st.lists(st.lists(TEXTS, min_size=4, max_size=4), max_size=8),
    unit=st.sampled_from([(), ("°F",), ("°C", "%", "K", "")]),
    none=st.sampled_from([(), (4.0, "ok"), ("21.5",)]),
)
def test_the_quick_way_is_the_careful_way(names, rows, unit, none):
    """Reading by what was learnt gives what reading with care gives, row for row."""
    groups = tuple(f"g{at}" for at in range(len(names)))
    options = FormatOptions(unit=unit, none=none, also=("humidity",))
    learnt = Groups(options, groups)
    for row in [*rows, *rows]:
        texts = row[: len(names)]
        assert learnt.read(groups, tuple(names), texts) == Groups(options, groups).read(groups, tuple(names), texts)


def test_sensors_without_end():
    """A new name in every line leaves a bounded memory behind."""
    board = Regex(FormatOptions(pattern=r"(?P<sensor>\w+): (?P<value>\S+)"))
    for turn in range(3000):
        assert isinstance(board.decode(b"n%d: 21.5" % turn), Decoded)
    (kind,) = board._groups._kinds.values()
    assert 100 < len(kind._takes) <= 1024
