"""The text formats: what they read, what they refuse, what is noise; and that nothing else ever comes out."""

import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ingest.formats import FORMATS
from gateway.ingest.formats.csv import Csv
from gateway.ingest.formats.kv import Kv
from gateway.ingest.formats.plain import Plain
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why

from .boards_read import cases, configured, read
from .captured import captured

TEXT = ("plain", "csv", "kv", "json", "regex", "block", "nmea", "auto")
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


def decode(name: str, *lines: bytes, **given: Any) -> Decoded | Refusal | Noise:
    """What a fresh format makes of the last line, after those before it."""
    board = FORMATS[name](FormatOptions(**given))
    return [board.decode(line) for line in lines][-1]


def pairs(result: Decoded | Refusal | Noise) -> dict[str, float]:
    """Sensor and value of what was decoded."""
    assert isinstance(result, Decoded), result
    return {sample.sensor: sample.value for sample in result.samples}


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
            board = FORMATS[name](FormatOptions(**GIVEN.get(name, {})))
            began = time.thread_time()
            board.decode(line)
            assert time.thread_time() - began < 0.3, bit


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
    [b"T1,T2", b"sensor,value", b"count,T1", b"time,T1", b"hum,T1", b"temp: 21.5", b"temp: 21.5 22"]
)


@st.composite
def learnt(draw, parts):
    """A line three times, so that it is learnt, then lines that differ from it in one part, or in their mark."""
    mark, line = draw(MARKS), draw(st.lists(parts, min_size=1, max_size=3))
    lines = [mark.join(line)] * 3
    for part, place in draw(st.lists(st.tuples(parts, st.integers(0, len(line) - 1)), max_size=5)):
        lines.append(mark.join([*line[:place], part, *line[place + 1 :]]))
    return [*lines, draw(LINES), mark.join(line), draw(MARKS).join(line)]


RUNS = st.lists(st.one_of(learnt(CELLS), learnt(PAIRS), st.lists(st.one_of(LINES, HEADERS), max_size=2)), max_size=6)
MOSTLY_DEFAULT = st.one_of(st.just(FormatOptions()), OPTIONS)


@pytest.mark.parametrize("kind", [Plain, Csv, Kv])
@settings(max_examples=300, deadline=None)
@given(given=MOSTLY_DEFAULT, runs=RUNS)
def test_the_quick_way_is_the_careful_way(kind, given, runs):
    """Reading by what was learnt gives what reading with care gives, line for line, in any order of lines."""
    lines = [line for run in runs for line in run]
    quick, careful = kind(given), kind(given)
    assert [quick.decode(line) for line in lines] == [careful.careful(line) for line in lines]


class TestPlain:
    def test_names(self):
        """A lone value is the temperature; several are S1, S2, … in order."""
        assert pairs(decode("plain", b"21.5")) == {"temperature": 21.5}
        assert pairs(decode("plain", b"21.5 22.0625 ")) == {"S1": 21.5, "S2": 22.0625}
        assert pairs(decode("plain", b"21.5 22 23", columns=("in", "", "out"))) == {"in": 21.5, "out": 23}

    @pytest.mark.parametrize(
        "line",
        [
            b"21.5 C",
            b"21.5C",
            b"21.5 \xc2\xb0C",
            b"21.5\xb0C",
            b"21.5 *C",
            b"21.5 deg C",
            b"temp: 21.5",
            b"Temp = 21.5 C",
            b"T 21.5",
            b"(21.5)",
        ],
    )
    def test_one_value(self, line):
        """A unit behind the number and a label before it are understood in the spellings that boards use."""
        assert decode("plain", line) == Decoded([Sample("temperature", 21.5, "°C")], [])

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"  ",
            b"hello",
            b">>> ",
            b"*OK",
            b"?T,21.5",
            b"# 3 probes",
            b"Found 2 devices.",
            b"Temperature sensors: 2",
            b"-- Default Test --",
            b"========",
            b"Humidity: 40",
            b"12:00:01 MQT: up 3",
        ],
    )
    def test_noise(self, line):
        """Text without a value that is asked for is noise."""
        assert decode("plain", b"21.5", line) == Noise(line)

    def test_words_behind_a_number(self):
        """A line of values that something else broke into is refused as a whole."""
        line = b"temperatures: 21.5 Traceback (most recent call last):"
        assert decode("plain", b"temperatures: 21.5 22", line) == Refusal(Why.BAD_FRAME, line)


class TestColumns:
    @pytest.mark.parametrize("name, mark", [("plain", b" "), ("csv", b","), ("auto", b";")])
    def test_the_number_of_a_probe_is_its_name(self, name, mark):
        """Rows that begin with what is burnt into a 1-Wire probe are rows of that sensor, and not of one column."""
        board = FORMATS[name](FormatOptions())
        for rom in ("28-0000057c6e24", "28:FF:64:1E:2B:00:00:5C", "28FF641E2B00005C", "10-010203040506"):
            assert pairs(board.decode(rom.encode() + mark + b"21.5")) == {rom: 21.5}
        assert pairs(decode(name, b"28-0000057c6e24" + mark + b"21" + mark + b"22")) == {
            "28-0000057c6e24.S2": 21, "28-0000057c6e24.S3": 22,
        }  # fmt: skip
        assert pairs(decode(name, b"28.5" + mark + b"21.5")) == {"S1": 28.5, "S2": 21.5}

    @pytest.mark.parametrize("name, mark", [("plain", b" "), ("csv", b",")])
    def test_another_number_of_columns(self, name, mark):
        """Fewer or more values than before are refused, and none moves to another sensor."""
        three = mark.join([b"1", b"2", b"3"])
        for line in (b"1" + mark + b"2", three + mark + b"4"):
            assert decode(name, three, line) == Refusal(Why.WRONG_COLUMNS, line)
        assert decode(name, three, columns=("a", "b", "c", "d")).why is Why.WRONG_COLUMNS

    def test_a_board_that_has_changed(self):
        """Five rows in turn of one new width are a new board; one of the old width in between starts the count anew."""
        three, two = b"1,2,3", b"4,5"
        assert decode("csv", three, *[two] * 4).why is Why.WRONG_COLUMNS
        assert pairs(decode("csv", three, *[two] * 5)) == {"S1": 4, "S2": 5}
        assert decode("csv", three, *[two] * 4, three, *[two] * 4).why is Why.WRONG_COLUMNS
        assert decode("csv", *[two] * 9, columns=("a", "b", "c")).why is Why.WRONG_COLUMNS

    def test_sensor_value_count(self):
        """A column `sensor` names the sensor of `value`, and `count` is the board's own number of the reading."""
        lines = [b"sensor,value,count", b"A,21.5,1", b"B,22.5,2", b"A,23.5,3"]
        assert decode("csv", *lines) == Decoded([Sample("A", 23.5, "°C", 3)], [])
        assert decode("kv", b"sensor:A,value:21.5,count:3") == Decoded([Sample("A", 21.5, "°C", 3)], [])
        assert decode("json", b'{"sensor":"A","value":21.5,"count":3}') == Decoded([Sample("A", 21.5, "°C", 3)], [])
        assert decode("plain", b"A 21.5 3", columns=("sensor", "value", "count")) == Noise(b"A 21.5 3")

    @pytest.mark.parametrize("count", [b"x", b"-1", b"1.5", b"", b"9" * 19])
    def test_a_bad_count(self, count):
        """A count that is no whole number is a broken line."""
        assert decode("csv", b"count,T1", count + b",21.5").why is Why.NOT_A_NUMBER
        assert decode("kv", b"count:%s,T1:21.5" % count).why is Why.NOT_A_NUMBER

    def test_error_marks(self):
        """What the board means as "no value" is refused by number or by text, exactly."""
        for none in (85.0, 85, "85.00"):
            result = decode("csv", b"85.00,22", none=(none,))
            assert result == Decoded([Sample("S2", 22.0, "°C")], [BadValue("S1", Why.ERROR_MARK)])
        assert pairs(decode("csv", b"85.01,22", none=(85,))) == {"S1": 85.01, "S2": 22}
        assert pairs(decode("csv", b"85,22", none=("85.00",))) == {"S1": 85, "S2": 22}
        assert decode("kv", b"T1:-127.00", none=(-127,)) == Refusal(Why.ERROR_MARK, b"T1:-127.00")
        assert decode("json", b'{"T1":"ERR"}', none=("ERR",)).why is Why.ERROR_MARK


class TestCsv:
    def test_header(self):
        """A header names the columns, and its names say which are temperatures and in which unit."""
        result = decode("csv", b"time,T1 (C),T2 (F),RH", b"12:00:01,21.5,70,40")
        assert result == Decoded([Sample("T1 (C)", 21.5, "°C"), Sample("T2 (F)", 70.0, "°F")], [])

    def test_twins(self):
        """Two columns of one name are numbered."""
        assert pairs(decode("csv", b"degC,degC,degC_2", b"1,2,3")) == {"degC": 1, "degC_2": 2, "degC_2_2": 3}
        assert pairs(decode("csv", b"1,2", columns=("T", "T"))) == {"T": 1, "T_2": 2}

    def test_header_in_midstream(self):
        """A header that comes again changes nothing; another one is believed when a row proves it."""
        lines = [b"T1,T2", b"1,2", b"3,4"]
        assert pairs(decode("csv", *lines, b"T1,T2", b"5,6")) == {"T1": 5, "T2": 6}
        assert pairs(decode("csv", *lines, b"T2,T1,T3", b"5,6,7")) == {"T2": 5, "T1": 6, "T3": 7}
        assert pairs(decode("csv", *lines, b"T2,T1,T3", b"5,6", b"7,8")) == {"T1": 7, "T2": 8}

    @pytest.mark.parametrize(
        "line",
        [b"Error, retrying", b"Could not read, check the wiring", b"Low pressure, stopping the pump for a while"],
    )
    def test_prose_is_no_header(self, line):
        """A message with a comma in it renames no column."""
        assert pairs(decode("csv", b"T1,T2", b"1,2", line, b"3,4")) == {"T1": 3, "T2": 4}

    def test_header_demanded(self):
        """With header = true nothing is read before the columns have names."""
        assert decode("csv", b"1,2", header=True) == Refusal(Why.WRONG_COLUMNS, b"1,2")
        assert pairs(decode("csv", b"1,2", b"left,right", b"1,2", header=True)) == {"left": 1, "right": 2}
        assert pairs(decode("csv", b"T1,T2", b"1,2", header=False)) == {"S1": 1, "S2": 2}

    def test_last_separator(self):
        """A separator behind each row's last value is none; where there was one, a row without it was cut off."""
        assert pairs(decode("csv", b"1,2,", b"3,4,")) == {"S1": 3, "S2": 4}
        assert decode("csv", b"1,2,", b"3,4").why is Why.WRONG_COLUMNS
        assert decode("csv", b"1,2", b"3,") == Decoded([Sample("S1", 3.0, "°C")], [BadValue("S2", Why.NOT_A_NUMBER)])

    @pytest.mark.parametrize(
        "line",
        [
            b"1.5;2.5",
            b"1.5\t2.5",
            b"1.5|2.5",
            b"1.5, 2.5",
            b"1,5;2,5",
            b"1,5\t2,5",
            b"(1.5, 2.5)",
            b"[1.5,2.5]",
            b'"1.5","2.5"',
        ],
    )
    def test_separators_and_marks(self, line):
        """Separator and decimal mark are found by looking."""
        assert pairs(decode("csv", line, line, line)) == {"S1": 1.5, "S2": 2.5}

    def test_decimal_mark_is_the_boards(self):
        """The decimal mark is decided for the board: the other one does not hold, and both in one row are refused."""
        assert decode("csv", b"1,5;2,5", b"1.5;2,5").bad == [BadValue("S1", Why.NOT_A_NUMBER)]
        assert decode("csv", b"1,5;2.5").why is Why.NOT_A_NUMBER
        assert pairs(decode("csv", b"23,50", decimal=",")) == {"temperature": 23.5}

    def test_units_a_column(self):
        """One unit a column decides which are temperatures; one for all is for what has none."""
        result = decode("csv", b"24.3,75.7,40", unit=("°C", "°F", "%"))
        assert result == Decoded([Sample("S1", 24.3, "°C"), Sample("S2", 75.7, "°F")], [])
        assert decode("csv", b"70.1 C", unit=("°F",)) == Decoded([Sample("temperature", 70.1, "°C")], [])

    def test_texts_and_times(self):
        """A column that has never held a number is no value; one that has is due."""
        assert decode("csv", b"12:00:01,21.5,ok") == Decoded([Sample("S2", 21.5, "°C")], [])
        assert decode("csv", b"21.5,22.5", b"oops,22.5").bad == [BadValue("S1", Why.NOT_A_NUMBER)]


NOT_PAIRS = b"""rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)
configsip: 0, SPIWP:0xee
mode:DIO, clock div:2
I (590) example: Found a DS18B20[1], address: FC0921C076034628
I (1) gpio: GPIO[0]| InputEn: 1
[D][sensor:094]: 'Living Room': Sending state 21.50000 C
Device Address: 281D3931020000F0 Temp C: 23.06 Temp F: 73.51
Temperature for device: 0
Resolution: 12
Traceback (most recent call last):
KeyboardInterrupt:
TMP117 Example 1: Basic Readings
09:14:37
tele/x/SENSOR = {"T":1}
Parasite power is: OFF
echo: Last Updated: 2018-08-01 | Author: (none, default config)
temperatures: 21.5 22.0
21.5
T1
:
=1""".split(b"\n")


class TestKv:
    def test_only_temperatures(self):
        """Other quantities are skipped, by name or by unit, until `also` asks for them."""
        line = b"T1:21.5,hum:40,Vrms:230,x1:5 V"
        assert pairs(decode("kv", line)) == {"T1": 21.5}
        assert decode("kv", line, also=("humidity",)).samples[1:] == [Sample("hum", 40.0, "")]
        assert decode("kv", b"T1:1,hum:40 %", also=("hum",)).samples[1:] == [Sample("hum", 40.0, "%")]
        assert decode("kv", b"hum:40") == Noise(b"hum:40")

    @pytest.mark.parametrize(
        "line",
        [
            b"T1:1 T2:2",
            b"T1=1;T2=2",
            b"T1: 1 C, T2: 2 C",
            b"T1=1\tT2=2",
            b"ok T1:1 /0.0 T2:2 /0.0",
            b"T1 : 1 | T2 : 2",
            b"12:00:01 T1:1 T2:2",
        ],
    )
    def test_shapes(self, line):
        """Pairs are found in every way in which boards part them."""
        assert pairs(decode("kv", line)) == {"T1": 1, "T2": 2}

    def test_names_and_units(self):
        """A key keeps its spelling; the unit comes from behind the value, or from the key."""
        for line, name, unit in (
            (b"Temp *C = 22.48", "Temp *C", "°C"),
            (b"F = 75.65", "F", "°F"),
            (b"tempf=71.3", "tempf", "°F"),
            (b"T: 300 K", "T", "K"),
        ):
            (sample,) = decode("kv", line).samples
            assert (sample.sensor, sample.unit) == (name, unit)

    def test_one_temperature_in_two_units(self):
        """What comes in two units is one sensor in one unit: the first, or the configured one."""
        lines = [b"Ambient = 74.21*F", b"Ambient = 23.45*C"]
        assert isinstance(decode("kv", *lines), Noise)
        assert decode("kv", lines[0], unit=("°C",)) == Noise(lines[0])
        assert decode("kv", *lines, unit=("°C",)) == Decoded([Sample("Ambient", 23.45, "°C")], [])
        assert decode("kv", b"T: 23.4 *C 74.1 *F") == Decoded([Sample("T", 23.4, "°C")], [])

    def test_columns(self):
        """`columns` names pairs by key, whichever are there, or by place, and then all of them have to be there."""
        assert decode("kv", b"MSG:12,T1:21.5", columns=("MSG=count", "T1=in", "T2=")) == Decoded(
            [Sample("in", 21.5, "°C", 12)], []
        )
        assert isinstance(decode("kv", b"T2:4", columns=("T2=",)), Noise)
        assert decode("kv", b"MSG:12,T1:21.5", columns=("count", "in")) == Decoded([Sample("in", 21.5, "°C", 12)], [])
        assert decode("kv", b"T1:21.5", columns=("count", "in")).why is Why.WRONG_COLUMNS

    def test_a_key_twice(self):
        """A key that comes again in one line is numbered."""
        assert pairs(decode("kv", b"T0:1 B:2 T0:3")) == {"T0": 1, "B": 2, "T0_2": 3}

    @pytest.mark.parametrize(
        "line", [b"T1:21.5,T2:1T1:21.6,T2:19.9", b"T1:21.5,T2:19.9,oops", b"T1:21.5:3", b"$,T1=2,T2=3"]
    )
    def test_torn(self, line):
        """A line with known names that is no line of pairs, or lacks its end, was torn: nothing of it is taken."""
        assert decode("kv", b"T1:21.5,T2:19.9", line) == Refusal(Why.BAD_FRAME, line)

    @pytest.mark.parametrize("line", NOT_PAIRS, ids=lambda line: line[:20].decode())
    def test_noise(self, line):
        """Boot text, logs, banners and tracebacks have colons too, and are no pairs."""
        assert decode("kv", b"T1:21.5", line) == Noise(line[:64])


class TestJson:
    def test_names(self):
        """The name is the outer key where the inner one says no more, else the path; lists count from 1."""
        line = b'{"DS18B20":{"Temperature":49.7},"air":{"inlet":19.8,"temp":20},"probes":[20.5,{"k1":21}]}'
        assert pairs(decode("json", line)) == {
            "DS18B20": 49.7,
            "air.inlet": 19.8,
            "air": 20,
            "probes.1": 20.5,
            "probes.2.k1": 21,
        }

    def test_units(self):
        """The unit is said by the key, by the object, or by one around it; `unit` is for what has none."""
        line = b'{"a":{"Temperature":70},"b":{"Temperature":20,"unit":"C"},"c_degC":3,"TempUnit":"F"}'
        assert [sample.unit for sample in decode("json", line).samples] == ["°F", "°C", "°C"]
        assert [sample.unit for sample in decode("json", line, unit=("K",)).samples] == ["°F", "°C", "°C"]
        assert decode("json", b'{"T1":300}', unit=("K",)) == Decoded([Sample("T1", 300.0, "K")], [])
        assert decode("json", b'{"T1":300,"hum":40,"unit":"K"}') == Decoded([Sample("T1", 300.0, "K")], [])

    def test_the_last_of_equal_keys(self):
        """Of two equal keys the last one counts, as in most readers of JSON."""
        assert decode("json", b'{"T1":1,"T1":2}') == Decoded([Sample("T1", 2.0, "°C")], [])

    def test_one_name_by_two_ways(self):
        """Two values that come to one name are numbered."""
        assert pairs(decode("json", b'{"a":{"temp":1,"value":2}}')) == {"a": 1, "a_2": 2}

    def test_several_on_a_line(self):
        """Several objects on a line, or in a list, are one record each; a broken one spoils the line."""
        for line in (b'{"T1":1}{"T1":2}', b'{"T1":1} , {"T1":2}', b'[{"T1":1},{"T1":2}]'):
            assert [sample.value for sample in decode("json", line).samples] == [1, 2]
        assert decode("json", b'{"T1":1}{"T1":').why is Why.BAD_FRAME

    def test_a_list_of_numbers(self):
        """A list of numbers is a row: S1, S2, and as many each time."""
        assert pairs(decode("json", b"[21.5, 22]")) == {"S1": 21.5, "S2": 22}
        assert decode("json", b"[21.5, 22]", b"[21.5]").why is Why.WRONG_COLUMNS

    def test_records(self):
        """`records` is the path to the records; what is not there is noise."""
        line = b'{"unit":"F","data":{"items":[{"id":"a","temp":70},{"id":"b","temp":71}]}}'
        result = decode("json", line, records="data.items", columns=("id=sensor",))
        assert result == Decoded([Sample("a", 70.0, "°F"), Sample("b", 71.0, "°F")], [])
        assert isinstance(decode("json", b'{"T1":1}', records="data"), Noise)

    def test_columns(self):
        """`columns` names values by key, by path, or by place, and then all of them have to be there."""
        line = b'{"MSG":12,"a":{"t":21.5}}'
        assert decode("json", line, columns=("MSG=count", "a.t=in")) == Decoded([Sample("in", 21.5, "°C", 12)], [])
        assert decode("json", line, columns=("count", "in")) == Decoded([Sample("in", 21.5, "°C", 12)], [])
        assert decode("json", b'{"a":1}', columns=("count", "in")).why is Why.WRONG_COLUMNS
        assert [sample.unit for sample in decode("json", b'{"a":1,"b":2}', unit=("°C", "°F")).samples] == ["°C", "°F"]

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"hello",
            b"[D][sensor:094]: 'Living Room': 21.5",
            b"[12:00:01] up",
            b'{"Id":"x"}',
            b"{}",
            b"[]",
            b'{"hum":40}',
            b"21.5",
            b'"21.5"',
        ],
    )
    def test_noise(self, line):
        """What does not start as JSON, or holds nothing that is asked for, is noise."""
        assert decode("json", line) == Noise(line)

    @pytest.mark.parametrize(
        "line",
        [
            b'{"T1":',
            b'{"T1":01}',
            b"{T1:21.5}",
            b'{"T1":21.5}}',
            b"[21.5, 22",
            b'{"T\xff":1',
            b'{"T1":1}\x00',
            b'{"\\u0000":21.5}',
            b'{"\\ud800":21.5}',
        ],
    )
    def test_broken(self, line):
        """What starts as JSON and is none is refused; so is a name that no name may be."""
        assert decode("json", line) == Refusal(Why.BAD_FRAME, line)


class TestAuto:
    @pytest.mark.parametrize(
        "line, name",
        [
            (b"21.5", "plain"),
            (b"21.5 22.5", "plain"),
            (b"21.5,22.5", "csv"),
            (b"1,5;2,5", "csv"),
            (b"T1:21.5,T2:3", "kv"),
            (b"Temp *C = 22.48", "kv"),
            (b'{"T1":21.5}', "json"),
        ],
    )
    def test_finds(self, line, name):
        """Each line is read at once, from the first on; the third of one kind decides."""
        board = FORMATS["auto"](FormatOptions())
        for turn in range(4):
            assert board.name == ("auto" if turn < 3 else name)
            assert board.decode(line) == FORMATS[name](FormatOptions()).decode(line)

    def test_noise_decides_nothing(self):
        """Banners before and between the lines neither hinder the decision nor make it."""
        board = FORMATS["auto"](FormatOptions())
        results = [board.decode(line) for line in (b"hello", b"21.5,1", b"Found 2 devices.", b"21.5,1", b"", b"21.5,1")]
        assert board.name == "csv" and [isinstance(each, Decoded) for each in results] == [False, True] * 3

    def test_stays(self):
        """What was decided stays, so that a torn line is refused and not read as another format."""
        for count in (1, 5):
            assert decode("auto", *[b"21.5,22.5"] * count, b"21.5") == Refusal(Why.WRONG_COLUMNS, b"21.5")

    def test_looks_again(self):
        """Twenty lines in turn without a value: all formats are tried again."""
        board = FORMATS["auto"](FormatOptions())
        results = [board.decode(line) for line in [b"21.5,22.5"] * 3 + [b'{"T1":3}'] * 23]
        assert board.name == "json" and sum(isinstance(each, Decoded) for each in results) == 6

    def test_header(self):
        """A csv header is seen while nothing is decided."""
        assert pairs(decode("auto", b"T1,T2", b"1,2")) == {"T1": 1, "T2": 2}


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


def test_the_documented_example():
    """The format that docs/formats.md builds from nothing works as it says there."""
    text = (Path(__file__).parent.parent / "docs" / "formats.md").read_text()
    source = text[text.index('"""angle:') : text.index("```\n\nThe line is")]
    space: dict[str, Any] = {"__package__": "gateway.ingest.formats"}
    exec(source, space)  # our own documentation
    board = space["Angle"](FormatOptions())
    results = [board.decode(line) for line in (b"<21.5|22.0>", b"hello", b"<21.5|", b"<21.5>")]
    assert results[0] == Decoded([Sample("S1", 21.5, "°C"), Sample("S2", 22.0, "°C")], [])
    assert results[1:] == [Noise(b"hello"), Refusal(Why.BAD_FRAME, b"<21.5|"), Refusal(Why.WRONG_COLUMNS, b"<21.5>")]


DOCUMENTED = re.findall(
    r"(?ms)^## (\w+)$(?:(?!^## ).)*?```toml\n(\[\[boards(?:(?!```).)*)```\n\n```text\n(.*?)```\n\n(.*?)\n\n",
    (Path(__file__).parent.parent / "docs" / "formats.md").read_text(),
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


@pytest.mark.parametrize("name", ["csv", "auto"])
@pytest.mark.parametrize("line", ["Temp = 21,7 C", "T=21,6 °C", "21,41 C", "Temp: 21,3 °C, Hum: 45,3 %", "-2,9 deg C"])
def test_the_digits_behind_a_decimal_comma_are_no_temperature(name, line):
    """A number with a comma in front of a unit is one number: where the comma cannot be both, the line is refused."""
    decoder = FORMATS[name](FormatOptions())
    for _ in range(4):
        result = decoder.decode(line.encode())
        assert not isinstance(result, Decoded), result
    semicolons = FORMATS[name](FormatOptions()).decode(b"21,7;-2,9")
    assert [one.value for one in semicolons.samples] == [21.7, -2.9]
