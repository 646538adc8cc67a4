"""kv: pairs, their units and their names, and lines that only look like pairs."""

import pytest

from gateway.ingest.formats import FORMATS
from gateway.model import Decoded, FormatOptions, Noise, Refusal, Sample, Why
from tests.decoded import decode, pairs

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

    def test_the_decimal_mark_is_the_boards(self):
        """After numbers with points, or commas between pairs, a comma in a number is a torn line; a point is none."""
        assert decode("kv", b"T1:21.5", b"T1:21,24").why is Why.BAD_FRAME
        assert decode("kv", b"T1:21,T2:24", b"T1:21,24").why is Why.BAD_FRAME
        assert pairs(decode("kv", b"T1:21", b"T1:21,24")) == {"T1": 21.24}
        assert pairs(decode("kv", b"Temp1 23,4", b"Temp1 9,5")) == {"Temp1": 9.5}
        assert pairs(decode("kv", b"T1:21", b"T1:21,24", b"T1:21.5")) == {"T1": 21.5}

    def test_a_torn_line_does_not_decide_for_ever(self):
        """Five lines in turn with a decimal comma are believed, whatever the first line had; four and one are not."""
        board = FORMATS["kv"](FormatOptions())
        results = [board.decode(line) for line in (b"T1:2.4", *[b"T1:23,5"] * 4, b"T1:2.4", *[b"T1:23,5"] * 6)]
        assert [isinstance(result, Decoded) for result in results] == [
            *[True, *[False] * 4],
            *[True, *[False] * 4, True, True],
        ]

    def test_decimal_commas(self):
        """Lines of pairs with decimal commas, units and words between them, in Latin-1 too."""
        line = "Vorlauf: 38,5°C  Rücklauf: 32,1°C  Soll: 40,0°C  Verdichter: EIN".encode("latin-1")
        assert pairs(decode("auto", line)) == {"Vorlauf": 38.5, "Rücklauf": 32.1}
        assert pairs(decode("auto", b"Temperature: 23,4 C, Humidity: 45,1 %")) == {"Temperature": 23.4}

    def test_an_unknown_unit(self):
        """What looks like a unit is one of another quantity; the line's temperatures are read, computed ones aside."""
        line = b"RH= 33.0 %RH T= 22.1 'C Td= 5.2 'C x= 7.1 g/kg"
        assert decode("kv", line, line) == Decoded([Sample("T", 22.1, "\u00b0C")], [])
