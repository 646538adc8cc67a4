"""Checksums are those of the catalogue, under each name that it has for them."""

import pytest
from crccheck import checksum as sums
from crccheck.crc import ALLCRCCLASSES
from hypothesis import given
from hypothesis import strategies as st

from gateway.checksums import CHECKSUMS, available, checksum
from gateway.config import layout
from gateway.ingest.framing.binary import holding

OTHERS = {name: kind for kind in ALLCRCCLASSES for name in kind._names}
"""What another library computes, by the catalogue's names."""
OTHERS |= {"SUM-8": sums.Checksum8, "XOR-8": sums.ChecksumXor8}


def expected(name, data):
    """The result by that library, or as it is defined where that has none of the kind."""
    if name == "SUM-16":  # of bytes; that library adds words
        return sum(data) & 0xFFFF
    if name.startswith("FLETCHER"):
        modulus, low, high = 256 if name.endswith("256") else 255, 0, 0
        for byte in data:
            low = (low + byte) % modulus
            high = (high + low) % modulus
        return high << 8 | low
    return OTHERS["CRC-16/ARC" if name == "CRC-16" else name].calc(data)


@given(data=st.binary(max_size=40))
def test_another_library_agrees(data):
    """Each of our names has the result that another library gives it."""
    for name in CHECKSUMS:
        assert checksum(name)(data) == checksum(name)(bytearray(data)) == expected(name, data), name


def test_another_library_has_the_same_widths():
    """Each name that it knows too is as wide there, and is among those that can be configured."""
    for name in CHECKSUMS:
        other = OTHERS.get("CRC-16/ARC" if name == "CRC-16" else name)
        assert name.startswith(("SUM", "XOR", "FLETCHER")) or CHECKSUMS[name] * 8 == other._width, name
        assert available(name), name


def test_no_name_is_missing():
    """All of the catalogue that fills whole bytes is here, but for those that fastcrc does not have."""
    whole = {name for name, kind in OTHERS.items() if name.startswith("CRC") and kind._width in (8, 16, 32)}
    assert whole - set(CHECKSUMS) == {"CRC-8/HITAG", "CRC-16/M17", "CRC-32/MEF"}


@pytest.mark.parametrize(
    ("crc", "endian", "frame"),
    [
        ({"name": "SUM-8", "negated": True, "over": [1, -1]}, "little", "ff 01 86 00 00 00 00 00 79"),
        ({"name": "SUM-8", "xorout": 0xFF}, "little", "00 03 00 fc"),
        ({"name": "SUM-8", "init": 0xFC, "negated": True}, "little", "fc 5a 01 30 02 ca 01 a8"),
        ({"name": "SUM-16", "negated": True, "over": [2, -3], "at": -3}, "big", "dd a5 03 00 ff fd 77"),
        ({"name": "FLETCHER-16/256", "over": [2, -2]}, "little", "b5 62 06 08 06 00 c8 00 01 00 01 00 de 6a"),
        ({"name": "FLETCHER-16"}, "little", "61 62 63 64 65 f0 c8"),
        ({"name": "FLETCHER-16"}, "big", "61 62 63 64 65 66 20 57"),
        ({"name": "XOR-8", "init": 0x55}, "big", "01 02 56"),
        ({"name": "CRC-16/MODBUS", "xorout": 0xFFFF}, "little", "01 04 04 00 00 41 bc 35 9a"),
    ],
)
def test_what_is_made_of_a_sum(crc, endian, frame):
    """Frames of devices (MH-Z19, SHDLC, CN105, JBD, UBX, …) hold by their table, and with any one wrong bit do not."""
    holds, good = holding(layout.crc(crc), endian), bytes.fromhex(frame)
    assert holds(good) and holds(bytearray(good))
    first, end = crc.get("over", [0, -1])
    for at in range(first, len(good) + (end if crc.get("at") else 0)):
        for bit in range(8):
            assert not holds(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
