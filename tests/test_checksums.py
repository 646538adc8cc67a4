"""Checksums are those of the catalogue, under each name that it has for them."""

import pytest
from crccheck import checksum as sums
from crccheck.crc import ALLCRCCLASSES
from hypothesis import given
from hypothesis import strategies as st

from gateway.checksums import CHECKSUMS, available, checksum

OTHERS = {name: kind for kind in ALLCRCCLASSES for name in kind._names}
"""What another library computes, by the catalogue's names."""
OTHERS |= {"SUM-8": sums.Checksum8, "XOR-8": sums.ChecksumXor8}


@pytest.mark.parametrize("name", sorted(CHECKSUMS))
@given(data=st.binary(max_size=40))
def test_another_library_agrees(name, data):
    """Each of our names has the result and the width that another library gives it."""
    if name == "SUM-16":  # of bytes; that library adds words
        assert checksum(name)(data) == sum(data) & 0xFFFF
        return
    other = OTHERS["CRC-16/ARC" if name == "CRC-16" else name]
    assert checksum(name)(data) == checksum(name)(bytearray(data)) == other.calc(data)
    assert name.startswith(("SUM", "XOR")) or CHECKSUMS[name] * 8 == other._width
    assert available(name)


def test_no_name_is_missing():
    """All of the catalogue that fills whole bytes is here, but for those that fastcrc does not have."""
    whole = {name for name, kind in OTHERS.items() if name.startswith("CRC") and kind._width in (8, 16, 32)}
    assert whole - set(CHECKSUMS) == {"CRC-8/HITAG", "CRC-16/M17", "CRC-32/MEF"}
