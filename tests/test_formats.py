"""All text formats: what comes of real bytes, hostile ones and odd numbers; and that nothing else ever comes out."""

import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.tables import FORMATS as NAMED
from gateway.ingest.formats import FORMATS
from gateway.ingest.formats.csv import Csv
from gateway.ingest.formats.kv import Kv
from gateway.ingest.formats.plain import Plain
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why
from tests.boards_read import TEXT, cases, configured, read
from tests.captured import captured
from tests.decoded import decode

ROOT = Path(__file__).parents[1]
CASES = cases(*TEXT)


def values(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in results if "value" in each]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case, tmp_path):
    """A real board's bytes give these samples, refusals and noise, in one piece and byte by byte."""
    board, (capture, whole) = configured((case / "board.toml").read_text(), tmp_path), captured(case)
    expected = [json.loads(line) for line in (case / "expected.jsonl").read_text().splitlines()]
    assert read(board, [capture], whole) == expected
    assert read(board, [capture[i : i + 1] for i in range(len(capture))], whole) == expected
    assert values(expected)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_finds_its_feet_again(case, tmp_path):
    """After rubbish, or after a capture cut at any byte, a format reads the next capture as it should."""
    board, (capture, whole) = configured((case / "board.toml").read_text(), tmp_path), captured(case)
    expected = values(read(board, [capture], whole))
    assert values(read(board, [b"\x00\xff\n", b"\n", capture]))[-len(expected) + 1 :] == expected[1:]
    for end in range(0, len(capture), 7):
        read(board, [capture[:end], capture])


WRAPPED = {"plain": b"21.5 %s", "csv": b"21.5,%s", "kv": b"T1:21.5,T2:%s", "json": b'{"T1":21.5,"T2":%s}'}
ODD = dict.fromkeys([*b"nan -nan inf -inf ovf 1e309".split(), b"9" * 400, b"9" * 5000], Why.NOT_FINITE)
ODD |= dict.fromkeys("1_000 １２.５ 0x10 -- -3.-25 None 1e 1.2.3".encode().split(), Why.NOT_A_NUMBER)


@pytest.mark.parametrize("name", ["plain", "csv", "kv"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:12].decode())
def test_odd_numbers(name, odd):
    """What float() takes too kindly is refused, quickly, and the value beside it stays."""
    line = WRAPPED[name]
    began = time.process_time()
    result = decode(name, line % b"22.5", line % b"22.5", line % odd)
    assert time.process_time() - began < 0.1
    assert isinstance(result, Decoded) and len(result.samples) == 1
    assert [bad.why for bad in result.bad] == [ODD[odd]]


@pytest.mark.parametrize("name", ["plain", "csv", "kv"])
@pytest.mark.parametrize(
    "fine", [b"+025.3", b"022.0", b"-0.50", b".5", b"+2.615E+01", b"7.", b"5e-324", b"1e308", b"-0"]
)
def test_fine_numbers(name, fine):
    """Every spelling that boards use is read, to the last bit."""
    line = WRAPPED[name]
    result = decode(name, line % b"22.5", line % b"22.5", line % fine)
    assert isinstance(result, Decoded) and result.samples[1].value == float(fine)


@pytest.mark.parametrize("odd", [b"NaN", b"-Infinity", b"1e999", b"9" * 400, b'"22.5"', b"null", b"true"])
def test_odd_json(odd):
    """A JSON value that is no finite number is a value that does not hold; text is none, whatever it spells."""
    why = Why.NOT_A_NUMBER if odd in (b'"22.5"', b"null", b"true") else Why.NOT_FINITE
    assert decode("json", WRAPPED["json"] % odd) == Decoded([Sample("T1", 21.5, "°C")], [BadValue("T2", why)])


@pytest.mark.parametrize("name", ["plain", "csv", "kv", "json"])
def test_nothing_holds(name):
    """When none of the values asked for holds, the frame is refused, with up to 64 bytes of it to find out by."""
    lines = {"plain": b"nan nan", "csv": b"nan,nan", "kv": b"T1:nan,T2:nan", "json": b'{"T1":NaN,"T2":NaN}'}
    assert decode(name, lines[name]) == Refusal(Why.NOT_FINITE, lines[name])
    long = lines[name].replace(b"nan", b"nan ", 1) + b" " * 99
    assert len(decode(name, long).data) == 64


@pytest.mark.parametrize(
    "bomb", [b"[" * 100_000, b'{"a":' * 20_000, b"9" * 60_000, b"{" + b'"a":1,' * 10_000], ids=lambda b: b[:6]
)
def test_json_bombs(bomb):
    """Nested, huge or endless JSON is refused in no time, and nothing raises."""
    board = FORMATS["json"](FormatOptions())
    board.decode(bomb)
    began = time.process_time()
    assert not isinstance(board.decode(bomb), Decoded)
    assert time.process_time() - began < 0.1


GIVEN: dict[str, dict[str, Any]] = {
    "regex": {"pattern": r"T1[:=](?P<T1>\S+?)(?:[, ]+(?P<rest>\S+))?"},
    "block": {"start": r"T1|\["},
}
"""What a format cannot do without."""
HOSTILE = b' |a|1|-|a:|1,|[|"|\x1b]|\x1b[|T:1 |T: |a=b |.|1:|1-1-1 |;,|=|(|{"a":1}|\xc2\xb0|e1|S,'.split(b"|")


@pytest.mark.parametrize("name", TEXT)
def test_hostile_lines_take_no_time(name):
    """No line of 4 kB takes long, however it repeats itself: nothing is quadratic in its length."""
    for bit in HOSTILE:
        for line in (
            bit * (4000 // len(bit)),
            bit * (3990 // len(bit)) + b"x!",
            b"T1:21.5," + bit * (3980 // len(bit)),
        ):
            assert any(seconds(name, line) < 0.3 for _ in range(3)), bit  # this machine may stall


def seconds(name, line):
    """How long a fresh decoder takes for a line."""
    board = FORMATS[name](FormatOptions(**GIVEN.get(name, {})))
    began = time.thread_time()
    board.decode(line)
    return time.thread_time() - began


def test_a_long_cell_takes_no_time():
    """A row of 16 kB in one cell, which is nearly a pair, takes time by its length alone."""
    board = FORMATS["auto"](FormatOptions())
    began = time.thread_time()
    board.decode(b"a" * 16_000 + b":,1")
    assert time.thread_time() - began < 0.2


BITS = st.sampled_from(
    b'21.5|nan|,|;|:|=| |\t|T1|S1|temp|hum|count|sensor|value|unit|{|}|[|]|"|C|\xc2\xb0C|\xb0|%|-|12:00:01'.split(b"|")
    + b'2026-01-02|#|$|ok|1e400|23,5|\x00|\x1b[0m|null|{"T1":21.5}|T1:21.5|21.5,22.5|4|(|)|/|*'.split(b"|")
)
LINES = st.one_of(st.binary(max_size=60), st.lists(BITS, max_size=9).map(b"".join))
OPTIONS = st.builds(
    FormatOptions,
    columns=st.sampled_from(
        [(), (), ("a", "", "count"), ("sensor", "value"), ("T1=x", "hum="), ("T1=T2",), ("count", "S1"), ("T1", "T1")]
    ),
    unit=st.sampled_from([(), (), ("°F",), ("°C", "%"), ("V",)]),
    also=st.sampled_from([(), ("humidity",), ("count",)]),
    none=st.sampled_from([(), (21.5,), ("nan", 4)]),
    separator=st.sampled_from(["auto", ",", ";", "\t", " "]),
    header=st.sampled_from(["auto", True, False]),
    decimal=st.sampled_from(["auto", "auto", ",", "."]),
    records=st.sampled_from(["", "a.b"]),
    after=st.sampled_from(["", "= "]),
    pattern=st.sampled_from(
        ["", r"T1[:=](?P<T1>\S+)", "(?P<value>[^,;]+)[,;]?", r"(?P<sensor>\w+):(?P<value>.*)|(?P<count>.)"]
    ),
    start=st.sampled_from([None, "", "T"]),
    end=st.sampled_from(["", r"\]"]),
    base=st.sampled_from([10, 16]),
)


@pytest.mark.parametrize("name", TEXT)
@settings(deadline=None)
@given(given=OPTIONS, lines=st.lists(LINES, max_size=12))
def test_only_the_vocabulary_comes_out(name, given, lines):
    """Whatever the bytes and the options: samples with finite values, refusals or noise come out; nothing raises."""
    board = FORMATS[name](given)
    for line in lines:
        match board.decode(line):
            case Decoded(samples, bad):
                assert samples
                for sensor, value, unit, count in samples:
                    assert isinstance(sensor, str) and isinstance(value, float) and math.isfinite(value)
                    assert isinstance(unit, str) and len(unit) <= 16
                    assert count is None or 0 <= count < 10**18
                assert all(isinstance(each, BadValue) and isinstance(each.why, Why) for each in bad)
            case Refusal(why, data):
                assert isinstance(why, Why) and len(data) <= 64
            case Noise(data):
                assert len(data) <= 64
            case other:
                raise AssertionError(other)
    assert board.name in TEXT


CELLS = st.sampled_from(b"21.5|-3|4|nan||12:00:01|ok|21.5 C|40%|1e400| 7|A1|000000000000000000000000000000".split(b"|"))
KEYS, VALUES = b"T1|T2|hum|count|x y".split(b"|"), b"21.5|4|21.5 C|70 F|nan|-3".split(b"|")
PAIRS = st.builds(b"%b:%b".__mod__, st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)))
MARKS = st.sampled_from([b",", b";", b" ", b", "])
HEADERS = st.sampled_from(
    b"T1,T2|sensor,value|sensor,T1,T2|sensor,T3,T4|count,T1|time,T1|hum,T1|temp: 21.5|temp: 21.5 22".split(b"|")
)


@st.composite
def learnt(draw, parts):
    """A line three times, so that it is learnt, then lines that differ from it in one part, or in their mark."""
    mark, line = draw(MARKS), draw(st.lists(parts, min_size=1, max_size=3))
    lines = [mark.join(line)] * 3
    for part, place in draw(st.lists(st.tuples(parts, st.integers(0, len(line) - 1)), max_size=5)):
        lines.append(mark.join([*line[:place], part, *line[place + 1 :]]))
    return [*lines, draw(LINES), mark.join(line), draw(MARKS).join(line)]


MARKED = st.builds(FormatOptions, none=st.sampled_from([("24.5 C",), ("-3 C", 21.5), ("24.5 C", "-3")]))
"""A number with its unit is a text of `none`."""
IN_C = st.sampled_from(b"21.5 C|24.5 C|-3 C|-3".split(b"|"))
RUNS_IN_C = st.lists(st.one_of(learnt(IN_C), learnt(IN_C.map(b"T1:%b".__mod__))), min_size=1, max_size=3)
RUNS = st.lists(st.one_of(learnt(CELLS), learnt(PAIRS), st.lists(st.one_of(LINES, HEADERS), max_size=2)), max_size=6)
MOSTLY_DEFAULT = st.one_of(st.just(FormatOptions()), OPTIONS)


@pytest.mark.parametrize("kind", [Plain, Csv, Kv])
@settings(max_examples=300, deadline=None)
@given(given=MOSTLY_DEFAULT, runs=RUNS)
def test_the_quick_way_is_the_careful_way(kind, given, runs):
    """Reading by what was learnt gives what reading with care gives, line for line, in any order of lines."""
    alike(kind, given, runs)


@pytest.mark.parametrize("kind", [Plain, Csv, Kv])
@settings(deadline=None)
@given(given=MARKED, runs=RUNS_IN_C)
def test_the_quick_way_finds_marks_with_units(kind, given, runs):
    """A text of `none` that is a number and its unit marks the same values, read by what was learnt or with care."""
    alike(kind, given, runs)


def alike(kind, given, runs):
    """Asserts that the quick way comes to what the careful way comes to."""
    lines = [line for run in runs for line in run]
    quick, careful = kind(given), kind(given)
    assert [quick.decode(line) for line in lines] == [careful.careful(line) for line in lines]


@pytest.mark.parametrize("name", TEXT)
def test_bytes_that_no_text_holds(name):
    """Every byte at every place of a line is refused or read, never raised; controls are refused."""
    line = {
        "plain": b"21.5 22.5",
        "csv": b"21.5,22.5",
        "json": b'{"T1":21.5}',
        "auto": b"21.5",
        "nmea": b"$WIMTW,2,C*13",
    }
    line = line.get(name, b"T1:21.5")
    board = FORMATS[name](FormatOptions(**GIVEN.get(name, {})))
    for place in range(len(line) + 1):
        for byte in range(256):
            result = board.decode(line[:place] + bytes([byte]) + line[place:])
            if (
                byte < 32
                and byte != 9
                and (byte, place) not in ((2, 0), (3, len(line)))  # STX, ETX
                and not ((name == "json" and byte in b"\r\n") or (name == "block" and byte == 10))
            ):
                assert isinstance(result, Refusal) and result.why is Why.BAD_FRAME


@pytest.mark.parametrize("name", ["kv", "json"])
def test_a_new_name_in_every_line(name):
    """Names without end cost no memory without end: what is remembered of them has a bound."""
    board = FORMATS[name](FormatOptions())
    for turn in range(5000):
        assert isinstance(board.decode((b'{"n%d":21.5}' if name == "json" else b"n%d:21.5") % turn), Decoded)
    remembered = [each for owner in (board, getattr(board, "_objects", board)) for each in vars(owner).values()]
    sizes = [len(each) for each in remembered if isinstance(each, dict)]
    assert 100 < max(sizes) <= 1024


def test_a_table_may_name_each():
    """What `format` takes is what there is a decoder for, and modbus, which reads answers alone."""
    assert sorted(NAMED) == sorted([*FORMATS, "modbus"])


def test_the_documented_example():
    """The format that docs/formats.md builds from nothing works as it says there, and is in the tree's style."""
    text = (ROOT / "docs" / "formats.md").read_text()
    source = text[text.index('"""angle:') : text.index("```\n\nThe words are")]
    formatted = [sys.executable, "-m", "ruff", "format", "--check", "--stdin-filename=gateway/ingest/formats/angle.py"]
    assert subprocess.run(formatted, input=source, text=True, cwd=ROOT).returncode == 0
    space: dict[str, Any] = {"__package__": "gateway.ingest.formats"}
    exec(source, space)  # our own documentation
    board = space["Angle"](FormatOptions())
    results = [board.decode(line) for line in (b"<21.5|22.0>", b"hello", b"<21.5|", b"<21.5>")]
    assert results[0] == Decoded([Sample("S1", 21.5, "°C"), Sample("S2", 22.0, "°C")], [])
    assert results[1:] == [Noise(b"hello"), Refusal(Why.BAD_FRAME, b"<21.5|"), Refusal(Why.WRONG_COLUMNS, b"<21.5>")]


DOCUMENTED = re.findall(
    r"(?ms)^## (\w+)$(?:(?!^## ).)*?```toml\n(\[\[boards(?:(?!```).)*)```\n\n```text\n(.*?)```\n\n(.*?)\n\n",
    (ROOT / "docs" / "formats.md").read_text(),
)


@pytest.mark.parametrize(("name", "table", "lines", "results"), DOCUMENTED, ids=lambda part: part[:5])
def test_the_worked_examples(name, table, lines, results, tmp_path):
    """What docs/formats.md says of a board's lines is what comes of them."""
    board = configured(table.removeprefix("[[boards]]\n"), tmp_path)
    assert board.format == name
    told = []
    for each in read(board, [b"\n", lines.encode()])[1:]:
        what = "noise" if "noise" in each else each.get("refused", each.get("why", ""))
        told.append(
            [f"`{each['sensor']}`" if "sensor" in each else "", each.get("value", ""), each.get("unit", ""), what]
        )
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in results.splitlines()[2:]]
    assert [[str(cell) for cell in row] for row in told] == rows


def test_examples_are_there():
    """The three formats that take some explaining have one each."""
    assert [name for name, *_ in DOCUMENTED] == ["regex", "block", "nmea"]
