"""nmea: sentences, their checksums, and which of their values are readings."""

from functools import reduce
from operator import xor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.formats.auto import Auto
from gateway.ingest.formats.nmea import Nmea
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why


def sentence(body: str) -> bytes:
    """With its $ and its checksum."""
    return f"${body}*{reduce(xor, body.encode(), 0):02X}".encode()


def decode(body: str, **given: Any) -> Decoded | Refusal | Noise:
    """What a fresh format makes of a sentence."""
    return Nmea(FormatOptions(**given)).decode(sentence(body))


def told(result: Decoded | Refusal | Noise) -> list[tuple[str, float, str]]:
    """Sensor, value and unit of what was decoded."""
    assert isinstance(result, Decoded), result
    return [(sample.sensor, sample.value, sample.unit) for sample in result.samples]


@pytest.mark.parametrize(
    "body, samples",
    [
        ("WIMTW,24.2,C", [("MTW", 24.2, "°C")]),
        ("YXMTW,75.6,F", [("MTW", 75.6, "°F")]),
        ("IIMTW,24.2,", [("MTW", 24.2, "°C")]),
        ("IIMTA,-3.5,C", [("MTA", -3.5, "°C")]),
        ("WIMDA,29.3882,I,0.9952,B,20.9,C,18.1,C,40.0,,6.7,C,,,,,,,,",
         [("MDA_air", 20.9, "°C"), ("MDA_water", 18.1, "°C")]),
        ("YXXDR,C,18.92,C,AIRTEMP,P,1.01272,B,BARO,H,52.64,P,HUMIDITY", [("AIRTEMP", 18.92, "°C")]),
        ("YXXDR,C,19.3,C,BRDT,U,11.99,V,BRDV", [("BRDT", 19.3, "°C")]),
        ("YXXDR,P,1.0,B,,C,293.15,K,,C,20.1,C", [("XDR2", 293.15, "K"), ("XDR3", 20.1, "°C")]),
        ("IIXDR,C,1,C,A,C,2,C,A", [("A", 1.0, "°C"), ("A_2", 2.0, "°C")]),
        ("IIXDR,C,20.1,C,ENGINE#0,G,99,,BOOST", [("ENGINE#0", 20.1, "°C")]),
    ],
)  # fmt: skip
def test_temperatures(body, samples):
    """Water and air temperatures by their sentence, transducers of type C by their name; no other quantity."""
    assert told(decode(body)) == samples


@pytest.mark.parametrize(
    "body, also, sample",
    [
        ("YXXDR,H,52.64,P,HUMIDITY", "humidity", ("HUMIDITY", 52.64, "%")),
        ("YXXDR,P,1.01272,B,BARO", "pressure", ("BARO", 1.01272, "bar")),
        ("YXXDR,U,11.99,V,BRDV", "BRDV", ("BRDV", 11.99, "V")),
        ("IIMHU,40.5,,6.7,C", "humidity", ("MHU_humidity", 40.5, "%")),
        ("WIMMB,29.38,I,0.9952,B", "pressure", ("MMB_pressure", 0.9952, "bar")),
    ],
)
def test_other_quantities(body, also, sample):
    """They are noise, until `also` asks for them."""
    assert decode(body) == Noise(sentence(body))
    assert told(decode(body, also=(also,))) == [sample]


@pytest.mark.parametrize(
    "line",
    [b"", b"  ", b"Airmar WX 150", b"$,winddir=270,tempf=71.3,#", b"$", b"!AIVDM,1,1,,A,13aEOK?P00PD2wVMdLDRhgvL,0*26",
     b"$YXXDR*4F", b"$YXXDR,C,,C,WCHR,C,,C,WCHT,C,,C,HINX,P,0.9952,B,STNP*4C", b"$HCHDT,274.7,T*2F",
     sentence("PXMTW,24.2,C"), sentence("YXXDR,C,12,C,WCHT,C,3,C,DEWPOINT"), sentence("WIMTW")],
)  # fmt: skip
def test_noise(line):
    """Other text, other sentences, empty values and what is computed are noise."""
    assert Nmea(FormatOptions()).decode(line) == Noise(line)


@pytest.mark.parametrize(
    "line, why",
    [
        (b"$WIMTW,24.2,C*08", Why.BAD_CHECKSUM), (b"$WIMTW,24.2,C", Why.BAD_CHECKSUM), (b"$WIMTW,2", Why.BAD_CHECKSUM),
        (b"$WIMTW,24.2,C*0", Why.BAD_CHECKSUM), (b"$WIM$WIMTW,24.2,C*09", Why.BAD_FRAME),
        (b"xx$WIMTW,24.2,C*09", Why.BAD_FRAME), (sentence("IIXDR" + ",C,20.1,C,A" * 8), Why.TOO_LONG),
        (sentence("WIMTW,24.x,C"), Why.NOT_A_NUMBER), (sentence("WIMTW,nan,C"), Why.NOT_FINITE),
    ],
)  # fmt: skip
def test_bad(line, why):
    """A wrong checksum, none, garbage in front, more than the standard's 82 bytes, and what is no number."""
    assert Nmea(FormatOptions()).decode(line).why is why


def test_options():
    """`columns` calls sensors otherwise or skips them, `none` marks values that are none."""
    body = "YXXDR,C,18.92,C,AIRTEMP,C,85.0,C,BRDT,C,1,C,OTHER"
    assert decode(body, columns=("AIRTEMP=air", "OTHER="), none=(85.0,)) == Decoded(
        [Sample("air", 18.92, "°C")], [BadValue("BRDT", Why.ERROR_MARK)]
    )


def test_small_letters_in_the_checksum():
    """The two digits may be of either case."""
    line = sentence("IIMTW,22.8,C")
    assert line[-2:] != line[-2:].lower()
    for spelt in (line, line[:-2] + line[-2:].lower()):
        assert told(Nmea(FormatOptions()).decode(spelt)) == [("MTW", 22.8, "°C")]


@given(at=st.integers(0, 12), flip=st.integers(1, 255))
def test_a_flipped_byte_is_no_reading(at, flip):
    """Whatever one byte of a sentence becomes, no value comes of it that was not sent."""
    line = bytearray(b"$WIMTW,24.2,C*09")
    line[at] ^= flip
    result = Nmea(FormatOptions()).decode(bytes(line))
    assert not isinstance(result, Decoded)


class TestAuto:
    def test_finds_sentences(self):
        """Sentences of any kind decide for nmea, and many without a temperature change nothing about it."""
        board = Auto(FormatOptions())
        lines = [b"$HCHDT,274.7,T*2F", b"$WIMTW,24.2,C*09", b"$GPGGA,,,,,,0,,,,,,,,*66"]
        assert [type(board.decode(line)) for line in lines] == [Noise, Decoded, Noise]
        assert board.name == "nmea"
        for _ in range(30):
            board.decode(lines[0])
        assert board.name == "nmea"

    def test_a_sentence_is_no_row(self):
        """What has the shape of a sentence is never read as csv, and one with a wrong sum is refused."""
        assert Auto(FormatOptions()).decode(b"$HCHDT,274.7,T*2F") == Noise(b"$HCHDT,274.7,T*2F")
        assert Auto(FormatOptions()).decode(b"$HCHDT,274.7,T*2E").why is Why.BAD_CHECKSUM

    def test_other_dollars(self):
        """A line between $ and # is one of pairs."""
        assert told(Auto(FormatOptions()).decode(b"$,winddir=270,tempf=71.3,#")) == [("tempf", 71.3, "°F")]
