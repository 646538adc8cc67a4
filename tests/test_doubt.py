"""Values of auto that say nothing of what they are: what no temperature can be, and what stands beside them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.formats import FORMATS
from gateway.ingest.formats.csv import Csv
from gateway.ingest.formats.json import Json
from gateway.ingest.formats.kv import Kv
from gateway.ingest.formats.plain import Plain
from gateway.layouts import Field
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why
from tests.decoded import decode, pairs


@pytest.mark.parametrize("number", ["26201", "-45120", "-274", "2501", "00013", "007"])
@pytest.mark.parametrize(
    "line, rest", [("{};21.5", "S2"), ("inlet={};outlet=21.5", "outlet"), ('{{"q1":{},"b":21.5}}', "b")]
)
def test_what_no_temperature_can_be(line, rest, number):
    """Its place is left out from its first number on, in rows, pairs and objects; what is beside it is read."""
    number = number.lstrip("0") + "000" if line[0] == "{" and number[0] == "0" else number  # no number of JSON
    first = line.format(number).encode()
    assert pairs(decode("auto", first)) == {rest: 21.5}
    assert pairs(decode("auto", first, line.format(23.5).encode())) == {rest: 21.5}


def test_a_mark_for_no_value():
    """In a place that has shown decimals such a number is a value that does not hold, and the next one is read."""
    assert decode("auto", b"23.4;21.5", b"-9999;21.5").bad == [BadValue("S1", Why.ERROR_MARK)]
    assert decode("auto", b"inlet=23.4,in2=21.5", b"inlet=9999,in2=21.5").bad == [BadValue("inlet", Why.ERROR_MARK)]
    assert decode("auto", b'{"s1":23.5,"b":1.5}', b'{"s1":-999,"b":1.5}').bad == [BadValue("s1", Why.ERROR_MARK)]
    assert pairs(decode("auto", b"23.4", b"9999", b"23.5")) == {"temperature": 23.5}


@pytest.mark.parametrize("line", ["{}", "{}, 30", "{};30", "boiler={}", '{{"boiler":{}}}', "[{},30]"])
@pytest.mark.parametrize("mark", ["-999", "9999", "22122"])
def test_a_mark_among_whole_degrees(line, mark):
    """A place that has held two whole temperatures is kept: a mark or a lost LF after them is counted, and no more."""
    board = FORMATS["auto"](FormatOptions())
    results = [board.decode(line.format(text).encode()) for text in ("21", "22", mark, "20", mark, "21")]
    good = [pairs(result) for result in results[:2] + results[3:4] + results[5:]]
    assert [next(iter(values.values())) for values in good] == [21, 22, 20, 21]
    for result in (results[2], results[4]):
        whys = [bad.why for bad in result.bad] if isinstance(result, Decoded) else [result.why]
        assert whys == [Why.ERROR_MARK]


def test_a_mark_in_a_place_that_is_not_read():
    """What has been left out since it is whole beside decimals has no values, and so no bad ones."""
    lines = [b"temp=20 pos=3", b"temp=20 pos=4", b"temp=20.5 pos=5", b"temp=20.5 pos=9000"]
    assert decode("auto", *lines) == Decoded([Sample("temp", 20.5, "°C")], [])


@pytest.mark.parametrize("line", ["{}", "{};20.5", "inlet={}", '{{"inlet":{}}}'])
@pytest.mark.parametrize("torn, read", [(1, True), (2, True), (3, False), (4, False)])
def test_a_place_that_begins_with_torn_numbers(line, torn, read):
    """One or two numbers that are none shut it out until ten could be temperatures; more of them for good."""
    board = FORMATS["auto"](FormatOptions())
    results = [board.decode(line.format(text).encode()) for text in ["2150.5"] * torn + ["21.5"] * 40]
    good = [isinstance(each, Decoded) and 21.5 in pairs(each).values() for each in results]
    assert good == [False] * (torn + 10) + [read] * 30


@pytest.mark.parametrize(
    "line", [b"Temp: -300.5 C", b"T1:-999.0", b'{"temp":-999}', b"-9999.0 C", b"temp1_input: 23500", b"Temp: 9999.0 F"]
)
def test_what_no_temperature_comes_to(line):
    """Below absolute zero and above 2500 °C a value is a mark, whatever its name; one by one and together."""
    board = FORMATS["auto"](FormatOptions())
    good = line.replace(b"-300.5", b"21.5").replace(b"-9", b"9").replace(b"9999", b"21").replace(b"999", b"21")
    good = good.replace(b"23500", b"235.0")
    for _ in range(6):
        assert isinstance(board.decode(good), Decoded)
    assert board.decode(line).why is Why.ERROR_MARK
    assert board.stretch([line] * 9) is None


def test_degrees_in_a_fixed_width():
    """A number of two digits may have a zero in front: it is colder than 10 °C."""
    assert pairs(decode("auto", b"11", b"10", b"09")) == {"temperature": 9}
    assert pairs(decode("auto", b"inlet=09;outlet=21")) == {"inlet": 9, "outlet": 21}


def test_lists_of_numbers():
    """A JSON list is a row like any other: clocks, counters and what can be no temperature are left out."""
    assert not isinstance(decode("auto", b"[26201,45120]"), Decoded)
    assert pairs(decode("auto", b"[1732500000,21.5]")) == {"S2": 21.5}
    assert pairs(decode("json", b"[26201,21.5]")) == {"S1": 26201, "S2": 21.5}


@pytest.mark.parametrize("line", [b"T=26201", b"inlet=26201 C", b'{"temp":26201}', b"temperatures: 26201 21"])
def test_what_says_that_it_is_a_temperature(line):
    """A name, a unit or a label is believed up to 2500 °C; a column that the configuration names, whatever it holds."""
    assert 2450 in pairs(decode("auto", line.replace(b"26201", b"2450"))).values()
    result = decode("auto", line)
    assert (result.bad[0].why if isinstance(result, Decoded) else result.why) is Why.ERROR_MARK
    assert pairs(decode("auto", b"26201,21.5", columns=("one", "two"))) == {"one": 26201, "two": 21.5}
    assert pairs(decode("auto", b"inlet=26201", fields=(Field("inlet", factor=0.001),))) == {"inlet": 26201}


def test_whole_numbers_beside_decimals():
    """What is whole is no temperature beside decimals, until it shows some itself: a count, or whole per cents."""
    assert pairs(decode("auto", b"23.4,45")) == {"S1": 23.4}
    assert pairs(decode("auto", b"23.4,45.5", b"23,45")) == {"S1": 23, "S2": 45}
    assert pairs(decode("auto", b"22;1013.25", b"21;1013.5", b"20;1013.5")) == {"S1": 20}
    assert pairs(decode("auto", b"inlet=21.5 outlet=22")) == {"inlet": 21.5}
    assert pairs(decode("auto", b"inlet=21 outlet=22")) == {"inlet": 21, "outlet": 22}
    assert pairs(decode("auto", b'{"boxes":[11,12],"inlet":21.0}')) == {"inlet": 21}
    assert pairs(decode("auto", b"temp=20 inlet=21", b"temp=20.5 inlet=21.5")) == {"temp": 20.5}


@pytest.mark.parametrize("number", ["512", "235", "5", "0", "1013.25", "412.5"])
@pytest.mark.parametrize("line", ["{}", "inlet={}", '{{"inlet":{}}}', "{},{}"])
def test_what_boards_do_not_begin_with(line, number):
    """A step of a converter, tenths of a degree, one digit, hPa and ppm are read only where a word says so."""
    first = line.replace("{}", number).replace("{{", "{").replace("}}", "}").encode()
    assert not isinstance(decode("auto", first, first, first), Decoded)
    assert (
        pairs(decode("auto", first.replace(b"inlet", b"temp"))) == {"temp": float(number)}
        if b"inlet" in first
        else True
    )


def test_one_digit_of_a_place_that_is_believed():
    """Nine degrees are read where eleven and ten were."""
    assert pairs(decode("auto", b"11", b"10", b"9")) == {"temperature": 9}
    assert isinstance(decode("auto", b"5", b"6", b"4"), Noise)


@pytest.mark.parametrize("mark", ["-999", "9999", "999.9", "3276.7", "32767", "-32768", "65535", "9.9E37", "1e38"])
@pytest.mark.parametrize("line", ["{}", "inlet={}"])
def test_a_mark_in_front(line, mark):
    """A probe that is not there yet is counted, and is read as soon as it is."""
    lines = [line.format(text).encode() for text in (mark, mark, "21.5")]
    board = FORMATS["auto"](FormatOptions())
    assert [board.decode(each) for each in lines[:2]] == [Refusal(Why.ERROR_MARK, each) for each in lines[:2]]
    assert list(pairs(board.decode(lines[2])).values()) == [21.5]


def test_the_cells_beside_a_number():
    """The unit in the cell behind a number says what it is, and the name in the cell before, where no header does."""
    line = "7,004;pH;24,8;°C".encode()
    assert pairs(decode("auto", line, line)) == {"S3": 24.8}
    assert isinstance(decode("auto", b"Humidity;45.1"), Noise)
    assert pairs(decode("auto", b"ok;45.1;lab;21.5")) == {"S2": 45.1, "S4": 21.5}
    assert pairs(decode("auto", b"Wert;Einheit", b"21.5;\xb0C")) == {"Wert": 21.5}
    assert not isinstance(decode("auto", b"Wert;Einheit", b"21.5;mV"), Decoded)


def test_greetings_and_headings_are_no_rows():
    """A version, a sentence and a quoted heading leave no sensor behind; of several headings the first counts."""
    assert not isinstance(decode("auto", b"9103,ver.1.21"), Decoded)
    assert not isinstance(decode("auto", b"20;00;Radio gateway of the attic - version 1.1;"), Decoded)
    toa5 = (
        b'"TOA5","CR1000","CR1000","4711","Std.32","Met"',
        b'"TIMESTAMP","RECORD","BattV_Min","PTemp_C","AirTC_Avg","RH"',
        b'"TS","RN","Volts","Deg C","Deg C","%"',
        b'"","","Min","Smp","Avg","Smp"',
    )
    assert all(isinstance(decode("auto", *toa5[:end]), Noise) for end in range(1, 5))
    row = b'"2026-11-29 12:01:00",12,12.84,21.43,3.21,55.2'
    assert pairs(decode("auto", *toa5, row)) == {"PTemp_C": 21.43, "AirTC_Avg": 3.21}


USUAL = "21.5|21|22|23.25|-3.5|0|1|" * 4
TEXTS = (USUAL + "9999|-300|007|2600.5|-9999|+5|1e1|err|nan|12:30|09|").split("|")
JSON_TEXTS = (USUAL + '9999|-300|2600.5|1e1|null|"err"|"12:30"|""').split("|")


def sent(dice, line, numbers):
    """Lines of one shape for a while, then of another; # is a number or what stands in its place."""
    out = []
    for _ in range(12):
        texts, shape = dice.sample(numbers, dice.choice([2, 3, 9])), line(dice)
        for _ in range(dice.choice([1, 6, 12])):
            first, *rest = shape.split("#")
            out.append((first + "".join(dice.choice(texts) + part for part in rest)).encode())
    return out


def columns(mark):
    """Rows of three cells, now and then of other ones."""
    return lambda dice: (
        mark.join(["#"] * 3) if dice.random() < 0.8 else dice.choice(["#,#", "T,a,b", "# C,#,#", "#,# C,# C"])
    )


def keyed(form, mark, around):
    """Some of these keys, of which temp and T1 say what they are."""
    keys = ["temp", "T1", "boiler", "hum", "inlet"]
    return lambda dice: around.format(mark.join(form.format(key) for key in dice.sample(keys, dice.randint(1, 3))))


def read_together(board, lines, dice):
    """What each line came to, and for those that were read together the samples of all, with how many these were."""
    out, at = [], 0
    while at < len(lines):
        found = board.stretch(lines[at : at + dice.choice([5, 20])]) if dice.random() < 0.7 else None
        out.append((found.frames, found.samples) if found else (1, board.decode(lines[at])))
        at += out[-1][0]
    return out


@pytest.mark.slow
@pytest.mark.parametrize(
    "make, line, numbers, header",
    [
        (Csv, columns(","), TEXTS, b""),
        (Csv, columns(";"), TEXTS, b""),
        (Csv, columns(","), TEXTS, b"T,a,b"),
        (Csv, columns(","), TEXTS, b"temp,boiler,x1"),
        (Plain, columns(" "), TEXTS, b""),
        (Kv, keyed("{}=#", " ", "{}"), TEXTS, b""),
        (Kv, keyed("{}:#", ",", "{}"), TEXTS, b""),
        (Json, keyed('"{}":#', ",", "{{{}}}"), JSON_TEXTS, b""),
    ],
)
@pytest.mark.parametrize("none", [(), (0, "err")])
@given(st.integers(0, 2**32).map(random.Random))
def test_the_quick_ways_are_the_careful_way(make, line, numbers, header, none, dice):
    """Odd and usual numbers, times, texts and gaps come to the same, read by a mould, together or with care."""
    lines = [header] * bool(header) + sent(dice, line, numbers)
    quick, careful = (make(FormatOptions(none=none), guess=True) for _ in range(2))
    alone = [getattr(careful, "careful", careful.decode)(each) for each in lines]
    at = 0
    for frames, found in read_together(quick, lines, dice):
        if isinstance(found, list):
            assert all(isinstance(each, Decoded) and not each.bad for each in alone[at : at + frames])
            assert found == [sample for each in alone[at : at + frames] for sample in each.samples]
        else:
            assert found == alone[at], lines[max(0, at - 8) : at + 1]
        at += frames


@pytest.mark.parametrize(
    "first, then, last",
    [
        (b'{"temp":20}', b'{"temp":20.5}', b'{"temp":20,"boiler":3}'),
        (b"temp=20", b"temp=20.5", b"temp=20 boiler=3"),
        (b"20,abc", b"20.5,abc", b"20,3"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 5, 50])
def test_decimals_that_are_read_quickly(first, then, last, chunk):
    """What is none beside decimals is none however the lines before it were cut into chunks."""
    board = FORMATS["auto"](FormatOptions())
    lines = [b"temp,boiler"] * (first == b"20,abc") + [first] * 5 + [then] * 8
    results = []
    while lines:
        found = board.stretch(lines[:chunk])
        results.append(found or board.decode(lines[0]))
        lines = lines[found.frames if found else 1 :]
    assert pairs(board.decode(last)) == {"temp": 20}
    assert sum(len(result.samples) for result in results if not isinstance(result, Noise)) == 13


@pytest.mark.parametrize(
    "header, rows, row",
    [
        (b"", [b"1,-5 C"] * 9, b"1,5 C"),  # refused with care: 1.5 °C most likely
        (b"T,a,b", [b"22,nan C,5"] * 9, b"22,21 C,5"),
    ],
)
def test_units_that_tell_little(header, rows, row):
    """Rows by which a quick way would take too much, or leave too much out, do not teach it."""
    quick, careful = (Csv(FormatOptions(), guess=True) for _ in range(2))
    for line in [header, *rows, row]:
        assert quick.decode(line) == careful.careful(line), line


def test_a_pair_in_a_column_that_is_skipped():
    """What `columns` skips may be anything, read by a mould or with care."""
    quick, careful = (Csv(FormatOptions(columns=("", "T")), guess=True) for _ in range(2))
    for line in [b"x,21.5"] * 3 + [b"a=1,21.5", b"x,21.5"]:
        assert quick.decode(line) == careful.careful(line) == Decoded([Sample("T", 21.5, "°C")], [])


@pytest.mark.parametrize("row, none", [(b",21.5", ()), (b"12:30,21.5", ()), (b"26201,21.5", (26201,))])
def test_a_column_that_is_out(row, none):
    """Whatever stands in a column that is left out is no bad value of it, read by a mould or with care."""
    rows = [b"26201,21.5", b"26201,22.5"] * 7
    expected = Decoded([Sample("S2", 21.5, "°C")], [])
    quick, careful = (Csv(FormatOptions(none=none), guess=True) for _ in range(2))
    assert [quick.decode(each) for each in [*rows, row]][-1] == expected
    assert [careful.careful(each) for each in [*rows, row]][-1] == expected


def test_pairs_whose_names_say_nothing_are_read_with_care():
    """The quick way does not pass a number that the careful way would leave out."""
    board = FORMATS["auto"](FormatOptions())
    for value in (21.5, 21.75, 22.5, 23.5):
        assert pairs(board.decode(f"inlet:{value},in2:{value}".encode())) == {"inlet": value, "in2": value}
    result = board.decode(b"inlet:-9999,in2:21.5")
    assert isinstance(result, Decoded) and result.bad == [BadValue("inlet", Why.ERROR_MARK)]


def test_a_name_without_a_number_says_nothing():
    """A heading, or what a torn line has left: what was read goes on."""
    auto = FORMATS["auto"](FormatOptions())
    for line in [b"S1:21.5"] * 5 + [b"a:"]:
        auto.decode(line)
    assert auto.decode(b"S1:21.5") == Decoded([Sample("S1", 21.5, "°C")], [])
