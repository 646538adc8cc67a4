"""Fields of text formats: what one column alone needs."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import problems
from gateway.ingest.formats import decoder
from gateway.layouts import Field
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why
from tests.tables import BENCH, the_one

from .boards_read import TEXT, configured, read
from .fuzz.hostile import lines, many


def decode(name: str, line: bytes, *fields: Field, **given: object):
    return decoder(name, FormatOptions(fields=fields, **given)).decode(line)


TENTHS = Field("T1", factor=0.1), Field("T2", factor=0.1, offset=-40, none=(-999.0,), unit="°F")


@pytest.mark.parametrize(
    ("name", "line", "bad"),
    [
        ("plain", b"1021 615", b"1021 -999"),
        ("csv", b"1021;615", b"1021;-999"),
        ("kv", b"T1:1021,T2:615", b"T1:1021,T2:-999"),
        ("json", b'{"T1":1021,"T2":615}', b'{"T1":1021,"T2":-999}'),
        ("auto", b'{"T1":1021,"T2":615}', b'{"T1":1021,"T2":-999}'),
    ],
)
def test_each_format(name, line, bad):
    """Factor, offset, unit and "no value" are a column's own, in order or by name; no digit is made up."""
    assert decode(name, line, *TENTHS) == Decoded([Sample("T1", 102.1, "°C"), Sample("T2", 21.5, "°F")], [])
    assert decode(name, bad, *TENTHS) == Decoded([Sample("T1", 102.1, "°C")], [BadValue("T2", Why.ERROR_MARK)])


def test_what_is_left():
    """Nothing that holds: refused. A quantity that `also` does not ask for: left out. No field: as it is."""
    assert decode("kv", b"T2:-999", *TENTHS) == Refusal(Why.ERROR_MARK, b"T2:-999")
    assert decode("kv", b"T1:5", Field("T1", unit="V")) == Noise(b"T1:5")
    assert decode("kv", b"T1:5", Field("T1", unit="V"), also=("T1",)) == Decoded([Sample("T1", 5.0, "V")], [])
    assert decode("kv", b"T3:5,MSG:7", Field("T1", factor=2.0)) == Decoded([Sample("T3", 5.0, "°C")], [])
    assert decode("kv", b"T1:1e300", Field("T1", factor=1e300)) == Refusal(Why.NOT_FINITE, b"T1:1e300")
    assert decode("csv", b"4711;5", Field("count"), Field("T1")) == Decoded([Sample("T1", 5.0, "°C", 4711)], [])
    assert decode("csv", b"1;2;3", Field("T1"), Field("T2")) == Refusal(Why.WRONG_COLUMNS, b"1;2;3")


TENTH = Field("value", factor=0.1, unit="°C")
RAW = Field("raw", factor=0.1, unit="°C")
NAMED = (
    ("csv", b"ab;235", (Field("sensor"), TENTH), {}, {"ab": 23.5}),
    ("csv", b"ab;235;45", (Field("sensor"), TENTH, Field("hum")), {"also": ("hum",)}, {"ab": 23.5, "ab.hum": 45.0}),
    ("kv", b"sensor=28.FF.01;value=235;T2=21", (TENTH,), {}, {"28.FF.01": 23.5, "28.FF.01.T2": 21.0}),
    ("kv", b"value=235;T2=21", (TENTH,), {}, {"value": 23.5, "T2": 21.0}),
    ("kv", b"ch=1;v=235", (Field("v", factor=0.1, unit="°C"),), {"columns": ("ch=sensor",)}, {"1.v": 23.5}),
    ("json", b'{"sensor":"a","value":235}', (TENTH,), {}, {"a": 23.5}),
    ("json", b'{"sensor":"a","value":235,"hum":45}', (TENTH,), {"also": ("hum",)}, {"a": 23.5, "a.hum": 45.0}),
    ("json", b'{"a":{"raw":235},"b":{"raw":1}}', (RAW,), {}, {"a.raw": 23.5, "b.raw": 0.1}),
    ("json", b'{"air":{"temp":235}}', (Field("air", factor=0.1),), {}, {"air": 23.5}),
    ("regex", b"probe 7 is at 235", (TENTH,), {"pattern": r"probe (?P<sensor>\d) is at (?P<value>\d+)"}, {"7": 23.5}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "line", "fields", "given", "expected"), NAMED, ids=lambda part: str(part)[:12])
def test_of_each_sensor_that_a_record_names(name, line, fields, given, expected):
    """Where a record says whose it is, a field is that column of each sensor, and `value` the one without a name."""
    found = decode(name, line, *fields, **given)
    assert {sample.sensor: sample.value for sample in found.samples} == expected


@pytest.mark.parametrize("name", ["kv", "json", "regex"])
def test_the_unit_of_a_field_decides(name):
    """What has °C by its field is a temperature, whatever its name says; text in its place is a value that is none."""
    given = {"pattern": r"P=(?P<P>\S+)"} if name == "regex" else {}
    line = b'{"P":%s}' if name == "json" else b"P=%s"
    assert decode(name, line % b"21.5", Field("P"), **given) == Noise(line % b"21.5")
    assert decode(name, line % b"21.5", Field("P", unit="°C"), **given) == Decoded([Sample("P", 21.5, "°C")], [])
    assert isinstance(
        decode(name, line % (b'"x"' if name == "json" else b"x"), Field("P", unit="°C"), **given), Refusal
    )


def test_the_page(tmp_path):
    """The line that docs/formats.md shows is read by the table around it."""
    page = (Path(__file__).parent.parent / "docs/formats.md").read_text()
    table, line = re.search(r'```toml\n\[\[boards]]\n(name = "counter".*?# (\S+)\n.*?)```', page, re.DOTALL).groups()
    assert read(configured(table, tmp_path), [b"\n" + line.encode() + b"\n"]) == [
        {"noise": ""},
        {"sensor": "inlet", "value": 23.5, "unit": "°C", "count": 4711},
        {"sensor": "outlet", "why": "error_mark"},
    ]


@pytest.mark.parametrize("name", TEXT)
@many(60, 2000)
@given(
    rows=st.lists(lines, max_size=6),
    fields=st.lists(
        st.builds(
            Field,
            name=st.sampled_from(["T1", "S1", "temp", "count", "sensor", "value"]),
            factor=st.sampled_from([1.0, 0.1, 1e300, -1e-300]),
            offset=st.sampled_from([0.0, -273.15, 1e299]),
            unit=st.sampled_from(["", "°F", "V"]),
            none=st.sampled_from([(), (21.5,)]),
        ),
        max_size=3,
        unique_by=lambda field: field.name,
    ).map(tuple),
)
def test_any_lines(name, rows, fields):
    """Whatever the lines, nothing raises, and each value is finite."""
    board = decoder(name, FormatOptions(fields=fields))
    for line in rows:
        if isinstance(result := board.decode(line), Decoded):
            assert result.samples and all(math.isfinite(sample.value) for sample in result.samples)


def test_what_is_not_for_text():
    """Places and types are for binary frames, and columns have their names once."""
    assert "boards[0].fields[0].at: is for binary frames" in the_one(f'{BENCH}fields = [{{ name = "T1", at = 1 }}]')
    both = f'{BENCH}format = "csv"\ncolumns = ["a"]\nfields = [{{ name = "T1" }}]'
    assert "boards[0].columns: fields name the columns already" in the_one(both)
    assert not problems(f'{BENCH}format = "kv"\ncolumns = ["ch=sensor", "x="]\nfields = [{{ name = "v" }}]')
    plainly = f'{BENCH}format = "kv"\ncolumns = ["ch=sensor", "x"]\nfields = [{{ name = "v" }}]'
    assert "boards[0].columns: fields name the columns already" in " ".join(problems(plainly))
    binary = f'{BENCH}format = "struct"\nframing = "slip"\nfields = [{{ name = "T1" }}]'
    assert [one.split(":")[0] for one in problems(binary)] == ["boards[0].fields[0].at", "boards[0].fields[0].type"]
