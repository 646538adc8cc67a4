"""csv: headers, separators, decimal commas, and rows that are none."""

import pytest

from gateway.ingest.formats import FORMATS
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why
from tests.decoded import decode, pairs


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

    @pytest.mark.parametrize("names", [b"T3,T4", b"T3,T4,T5"])
    def test_another_header_for_sensors_that_rows_name(self, names):
        """Behind another header the values of each sensor have the names of that one, however known the sensor."""
        board = FORMATS["csv"](FormatOptions())
        for header in (b"sensor,T1,T2", b"sensor," + names):
            columns = header.decode().split(",")[1:]
            assert isinstance(board.decode(header), Noise)
            for sensor in (b"A1", b"A1", b"A1", b"A1", b"A1", b"B2", b"B2", b"A1", b"B2"):
                result = board.decode(sensor + b",21.5" * len(columns))
            assert pairs(result) == {f"B2.{column}": 21.5 for column in columns}

    def test_units_a_column(self):
        """One unit a column decides which are temperatures; one for all is for what has none."""
        result = decode("csv", b"24.3,75.7,40", unit=("°C", "°F", "%"))
        assert result == Decoded([Sample("S1", 24.3, "°C"), Sample("S2", 75.7, "°F")], [])
        assert decode("csv", b"70.1 C", unit=("°F",)) == Decoded([Sample("temperature", 70.1, "°C")], [])

    def test_texts_and_times(self):
        """A column that has never held a number is no value; one that has is due."""
        assert decode("csv", b"12:00:01,21.5,ok") == Decoded([Sample("S2", 21.5, "°C")], [])
        assert decode("csv", b"21.5,22.5", b"oops,22.5").bad == [BadValue("S1", Why.NOT_A_NUMBER)]


@pytest.mark.parametrize(
    "name, line",
    [
        *(("csv", line) for line in ("Temp = 21,7 C", "T=21,6 °C", "Temp: 21,3 °C, Hum: 45,3 %", "Temp 21,7")),
        *((name, line) for name in ("csv", "auto") for line in ("21,41 C", "-2,9 deg C", "12:01 23,4", "01 23,4")),
        *(("auto", line) for line in ("23,4 45,1", "Innen 21,5 Aussen -3,2", "29.11.26 12:01 23,4 45,1")),
    ],
)
def test_the_digits_behind_a_decimal_comma_are_no_temperature(name, line):
    """A number with a comma between words is one number, most likely: where that is not sure, the line is refused."""
    decoder = FORMATS[name](FormatOptions())
    for _ in range(4):
        result = decoder.decode(line.encode())
        assert result == Refusal(Why.NOT_A_NUMBER, line.encode())
    semicolons = FORMATS[name](FormatOptions()).decode(b"21,7;-2,9")
    assert [one.value for one in semicolons.samples] == [21.7, -2.9]


TURNS = {
    "23,94 23,94 24,00 24,06": [None, None, 24.0, 24.06],
    "-1,5 -1,6 -1,8 -2,1 -2,2 -2,1 -2,1 -2,0 -1,9 -1,8 -1,7": [*[None] * 9, -1.8, -1.7],
    "21,4C 21,4C 21,06C 21,4C": [None, None, 21.06, 21.4],
    "24,45 24,46 25,46 25,47": [None] * 4,  # degrees and a humidity, as likely
    "1,05 2,07 3,08": [None] * 3,  # a count and padded degrees
    "51,0 51,1 51,1 51,0 51,0 51,1 51,0 51,0 51,1 51,1 51,1": [None] * 11,  # a switch
    "24,5,44,7 24,52,44,72": [None, None],  # two numbers, or four
    "24.5,44,7.5,1 24,52,44,72": [24.5, 24],
    "24,45 T,RH 24,45": [None, None, 24],  # a header says that there are two
    "21.5,45 24,45": [21.5, 24],
}
"""Lines of a comma and digits, and the first value that each comes to."""


@pytest.mark.parametrize("lines", TURNS)
def test_two_whole_numbers_or_one_with_a_decimal_comma(lines):
    """Neither half of `23,94` is a value as long as nothing shows which of the two it is."""
    decoder = FORMATS["auto"](FormatOptions())
    results = [decoder.decode(line.encode()) for line in lines.split()]
    assert [one.samples[0].value if isinstance(one, Decoded) else None for one in results] == TURNS[lines]
    assert not any(isinstance(one, Noise) for one in results if not lines.count("T,RH"))


def test_the_decimal_mark_that_was_found_is_told():
    """For a table that says it."""
    decoder = FORMATS["auto"](FormatOptions())
    for line in (b"23,94", b"23,94", b"24,00", b"24,06", b"24,12"):
        assert decoder.decimal == "auto"
        decoder.decode(line)
    assert (decoder.name, decoder.decimal) == ("csv", ",")


def test_a_comma_behind_a_name_that_ends_in_a_number():
    """`Sensor 1,23` is no 1.23 to a board whose numbers have points, nor where a header says what the columns are."""
    assert pairs(decode("csv", b"Sensor 1,23.4", b"Sensor 1,23")) == {"S2": 23}
    assert pairs(decode("csv", b"where,T", b"Sensor 1,23")) == {"T": 23}


@pytest.mark.parametrize("name", ["csv", "auto"])
def test_whole_temperatures_with_a_unit(name):
    """`1,21 C` is no 1.21 where the columns have names, or as many numbers had points before; else it may be."""
    assert pairs(decode(name, b"count,temp", b"1,21 C")) == {"temp": 21}
    assert pairs(decode(name, b"count,temp,", b"1,21 C,")) == {"temp": 21}
    assert pairs(decode(name, b"1,21 C", columns=("count", "temp"))) == {"temp": 21}
    assert pairs(decode(name, b"time,T1", b"12:00:01,21 C")) == {"T1": 21}
    assert pairs(decode(name, b"21.5 C,22.5 C", b"21.5 C,22 C")) == {"S1": 21.5, "S2": 22}
    refused = Refusal(Why.NOT_A_NUMBER, b"1,21 C")
    assert decode(name, b"T1,T2,T3", b"1,21 C") == decode(name, b"21.5", b"1,21 C") == refused
    assert decode(name, b"1,21 C", columns=("temp",)) == refused
    assert not isinstance(decode("csv", b"21.5,22.5", b"Temp = 21,7 C"), Decoded)
    assert not isinstance(decode("csv", b"T1,T2", b"Temp = 21,7 C"), Decoded)
    for line in (b"12:01 21,7 C", b"Temp21,7 C", b"20 21,7 C"):
        assert not isinstance(decode("csv", b"21.5,22.5", line), Decoded)


@pytest.mark.parametrize("line", [b"acc: 12, -3, 1004", b"T=1.234,5", b"T:21,5,22,0"])
def test_pairs_that_cannot_be_cut_are_no_row(line):
    """A cell with a name and a number in it is none of a row: no part of the line becomes a column without a name."""
    assert decode("auto", line, line) == Refusal(Why.BAD_FRAME, line)
