"""The fields of binary frames: every type of number, what means none, factors, conditions, and what names a sensor."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.formats.struct import Struct
from gateway.layouts import WIDTHS, Field, When
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Sample, Why


def decode(frame: bytes, *fields: Field, **given: object):
    return Struct(FormatOptions(framing="cobs", fields=fields, **given)).decode(frame)


def value(frame: bytes, field: Field, **given: object) -> float | Why:
    """The one value of a frame, or why there is none."""
    result = decode(frame, field, **given)
    return result.samples[0].value if isinstance(result, Decoded) else result.why


@pytest.mark.parametrize("type", [type for type in WIDTHS if type[0] != "s"])
@pytest.mark.parametrize("endian", ["little", "big"])
@given(data=st.data())
def test_types(type, endian, data):
    """Each type gives back the number that was put there, in either order of bytes, wherever it stands."""
    width = WIDTHS[type]
    if type.startswith("f"):
        number = data.draw(st.floats(allow_nan=False, allow_infinity=False, width=8 * width))
        there = struct.pack(("<" if endian == "little" else ">") + {4: "f", 8: "d"}[width], number)
    else:
        low = 0 if type.startswith("u") else -(1 << 8 * width - 1)
        number = data.draw(st.integers(low, low + (1 << 8 * width) - 1))
        there = number.to_bytes(width, endian, signed=low < 0)
    at = data.draw(st.integers(0, 5))
    assert value(b"\x55" * at + there + b"\x55", Field("T1", at, type, endian)) == number
    assert value(b"\x55" * at + there, Field("T1", at, type), endian=endian) == number
    assert value(b"\x55" * at + there[:-1], Field("T1", at, type, endian)) is Why.BAD_FRAME


@pytest.mark.parametrize(
    ("sent", "field", "expected"),
    [
        ("00 eb", Field("T1", 0, "s16"), 235.0), ("80 0c", Field("T1", 0, "s16"), -12.0),
        ("0c 80", Field("T1", 0, "s16", "little"), -12.0), ("80 00 00", Field("T1", 0, "s24"), 0.0),
        ("85", Field("T1", 0, "s8"), -5.0), ("ff ff ff ff", Field("T1", 0, "s32"), -(2.0**31 - 1)),
        ("02 35", Field("T1", 0, "bcd", length=2), 235.0), ("35 02", Field("T1", 0, "bcd", "little", length=2), 235.0),
        ("68 35", Field("T1", 0, "bcd", "little", length=2, minus=0x33), 235.0),
        ("02 3a", Field("T1", 0, "bcd", length=2), Why.NOT_A_NUMBER),
        ("82 35", Field("T1", 0, "sbcd", length=2), -235.0),
        ("35 82", Field("T1", 0, "sbcd", "little", length=2), -235.0),
        ("99", Field("T1", 0, "sbcd", length=1), -19.0), ("fa", Field("T1", 0, "sbcd", length=1), Why.NOT_A_NUMBER),
        ("30 30 32 33 35", Field("T1", 0, "dec", length=5, factor=0.1), 23.5),
        ("20 2d 31 2e 35", Field("T1", 0, "dec", length=5), -1.5),
        ("2d 2d 2d 2d 2d", Field("T1", 0, "dec", length=5), Why.NOT_A_NUMBER),
        ("20 2d 31 2e 35 03", Field("T1", 0, "dec"), -1.5), ("03", Field("T1", 0, "dec"), Why.NOT_A_NUMBER),
        ("2d 2d 03 31", Field("T1", 0, "dec"), Why.NOT_A_NUMBER), ("39 b2", Field("T1", 0, "dec"), 9.0),
        ("31 b2", Field("T1", 0, "dec", length=2), Why.NOT_A_NUMBER),
        ("46 46 66 34", Field("T1", 0, "hex", length=4), 65524.0),
        ("46 46 66 34", Field("T1", 0, "ihex", length=4), -12.0), ("30 43", Field("T1", 0, "ihex", length=2), 12.0),
        ("2b 31", Field("T1", 0, "hex", length=2), Why.NOT_A_NUMBER),
        ("31 5f 31", Field("T1", 0, "hex", length=3), Why.NOT_A_NUMBER),
        ("0b b4 17 80", Field("T1", 0, "i32", bits=(18, 31), factor=0.25), 187.25),
        ("0b b5 17 87", Field("T1", 0, "i32", bits=(4, 15), factor=0.0625), 23.5),
        ("ff ac fe 80", Field("T1", 0, "i32", bits=(18, 31), factor=0.25), -5.25),
        ("ff ac fe 8f", Field("T1", 2, "i16", bits=(4, 15), factor=0.0625), -1.5),
        ("1f ac", Field("T1", 0, "i16", bits=(0, 11)), -84.0), ("1f ac", Field("T1", 0, "u16", bits=(0, 11)), 4012.0),
        ("41 bc 00 00", Field("T1", 0, "f32"), 23.5), ("00 00 41 bc", Field("T1", 0, "f32", words="little"), 23.5),
        ("bc 41 00 00", Field("T1", 0, "f32", "little", words="big"), 23.5),
        ("00 00 bc 41", Field("T1", 0, "f32", "little", words="little"), 23.5),
        ("00 00 00 00 80 00 40 37", Field("T1", 0, "f64", words="little"), 23.5),
        ("ff f4 ff ff", Field("T1", 0, "i32", words="little"), -12.0),
    ],
)  # fmt: skip
def test_numbers_as_boards_have_them(sent, field, expected):
    """Each kind of number has its value, in each order of bytes and words, and none where it is not one."""
    assert value(bytes.fromhex(sent), field, endian="big") == expected
    if field.width == len(bytes.fromhex(sent)) and (field.type != "dec" or field.length):
        assert value(bytes.fromhex(sent)[:-1], field, endian="big") is Why.BAD_FRAME


def test_no_value_of_a_part():
    """`none` is compared with the number that the bits are, the digits spell, or the bytes are less `minus`."""
    assert value(b"\x1f\xff", Field("T1", 0, "u16", "big", bits=(0, 11), none=(4095.0,))) is Why.ERROR_MARK
    assert value(b"9999", Field("T1", 0, "dec", length=4, factor=0.1, none=(9999.0,))) is Why.ERROR_MARK
    assert value(b"\x32", Field("T1", 0, "u8", minus=0x33, none=(255.0,))) is Why.ERROR_MARK


@pytest.mark.parametrize(
    ("raw", "factor", "offset", "expected"),
    [
        (1021, 0.1, 0, 102.1), (2909, 0.01, 0, 29.09), (29465, 0.01, -273.15, 21.5), (-1, 0.0625, 0, -0.0625),
        (235, 0.1, -40, -16.5), (152, 100, 0, 15200), (4, 1e-20, 0, 4e-20), (1, 1e299, 0, 1e299),
        (7, 1 / 3, 0, 7 * (1 / 3)),
    ],
)  # fmt: skip
def test_factor_and_offset(raw, factor, offset, expected):
    """Decimal factors give the value that one would write down, no digit more."""
    assert (
        value(raw.to_bytes(2, "little", signed=True), Field("T1", 0, "i16", factor=factor, offset=offset)) == expected
    )


def test_what_means_no_value():
    """`none` is the number as it was sent, before factor and offset; NaN and infinity are no values either."""
    field = Field("T1", 0, "i16", factor=0.1, none=(-32768.0, 250.0))
    assert value(b"\x00\x80", field) is Why.ERROR_MARK
    assert value(b"\xfa\x00", field) is Why.ERROR_MARK  # 25.0
    assert value(b"\xc4\x09", field) == 250.0
    assert value(b"\x55\x00", Field("T1", 0, "u16"), none=(85.0, "--")) is Why.ERROR_MARK
    for odd in (math.nan, math.inf, -math.inf):
        assert value(struct.pack("<f", odd), Field("T1", 0, "f32")) is Why.NOT_FINITE
    assert value(struct.pack("<d", 1e300), Field("T1", 0, "f64", factor=1e100)) is Why.NOT_FINITE


def test_when():
    """All bits have to be as `when` says; of fields with one name the first for which they are gives the value."""
    fields = (
        Field("T1", 1, "u8", factor=0.1, when=(When(0, 1, 0), When(2))),
        Field("T1", 1, "u8", unit="°F", when=(When(0, 1, 1),)),
    )
    assert decode(b"\x00\x64\x00", *fields) == Decoded([Sample("T1", 10.0, "°C")], [])
    assert decode(b"\x03\x64\x00", *fields) == Decoded([Sample("T1", 100.0, "°F")], [])
    assert decode(b"\x00\x64\x01", *fields) == Refusal(Why.ERROR_MARK, b"\x00\x64\x01")
    assert decode(b"\x00\x64", *fields) == Refusal(Why.ERROR_MARK, b"\x00\x64")  # the byte that says so is not there


def test_only():
    """A field is left out of frames of another kind, uncounted; a frame with none of its fields is noise."""
    air = Field("air", 1, "u8", only=(When(0, equals=1),), when=(When(2),))
    soil = Field("soil", 1, "u8", only=(When(0, equals=2),))
    count = Field("count", 2, "u8", only=(When(0, equals=2),))
    assert decode(b"\x01\x15\x00", air, soil, count) == Decoded([Sample("air", 21.0, "°C")], [])
    assert decode(b"\x01\x15\x01", air, soil, count) == Refusal(Why.ERROR_MARK, b"\x01\x15\x01")
    assert decode(b"\x02\x09\x05", air, soil, count) == Decoded([Sample("soil", 9.0, "°C", 5)], [])
    assert decode(b"\x03\x09\x05", air, soil, count) == Noise(b"\x03\x09\x05")


def test_many_in_a_row():
    """A field that repeats is a value each, at its stride; one that does not hold leaves the others."""
    field = Field("P", 1, "i16", unit="°C", repeat=3, stride=3, none=(0.0,), factor=0.5)
    assert decode(b"\x55\x02\x00\x55\x00\x00\x55\x08\x00", field) == Decoded(
        [Sample("P1", 1.0, "°C"), Sample("P3", 4.0, "°C")], [BadValue("P2", Why.ERROR_MARK)]
    )
    assert decode(b"\x55\x02\x00\x55\x06\x00\x55\x08", field) == Decoded(
        [Sample("P1", 1.0, "°C"), Sample("P2", 3.0, "°C")], [BadValue("P3", Why.BAD_FRAME)]
    )


def test_sensor_and_count():
    """A field `count` is the board's own number, and `sensor` names the frame's sensor, as in any format."""
    fields = Field("sensor", 0, "u8"), Field("count", 1, "u16"), Field("value", 3, "i8")
    assert decode(b"\x07\x67\x12\xfd", *fields) == Decoded([Sample("7", -3.0, "°C", 4711)], [])
    assert decode(b"\x07\x67\x12\xfd", *fields[:2], Field("T1", 3, "i8")).samples[0].sensor == "7.T1"
    assert decode(b"\xff\x05", Field("count", 0, "i8"), Field("T1", 1, "u8")) == Refusal(Why.BAD_FRAME, b"\xff\x05")
    named = Field("sensor", 0, "u8", when=(When(1, 1, 1),)), Field("T1", 1, "u8")
    assert decode(b"\x07\x05", *named).samples[0].sensor == "7.T1"
    assert decode(b"\x07\x04", *named) == Refusal(Why.BAD_FRAME, b"\x07\x04")
    assert decode(b"\x05", Field("T1", 0, "u8"), Field("count", 0, "u16")) == Refusal(Why.BAD_FRAME, b"\x05")


def test_only_what_is_asked_for():
    """Temperatures are read, and what `also` asks for; a frame without any of that is noise."""
    fields = Field("supply", 0, "u8", unit="V"), Field("T1", 1, "u8", unit="degF")
    assert decode(b"\x05\x46", *fields) == Decoded([Sample("T1", 70.0, "°F")], [])
    assert decode(b"\x05\x46", *fields, also=("supply",)).samples[0] == Sample("supply", 5.0, "V")
    assert decode(b"\x05", fields[0]) == Noise(b"\x05")
