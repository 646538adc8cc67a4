"""plain: a lone number, numbers in a row, labels and units; and what its columns are called."""

import pytest

from gateway.ingest.formats import FORMATS
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why
from tests.decoded import decode, pairs


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


def test_a_decimal_comma_behind_a_label():
    """A label that speaks of a temperature makes a comma sure; with one digit in front of it it is not."""
    assert pairs(decode("auto", b"Temperature 23,4 C")) == {"temperature": 23.4}
    assert pairs(decode("plain", "Temperatur -3,5 °C".encode())) == {"temperature": -3.5}
    assert decode("auto", b"Temperature 9,8").why is Why.NOT_A_NUMBER
