"""Boards that no preset knows are read by a table alone, down to their checksum, and a wrong bit is no reading."""

import pytest

from .boards_read import configured, read

BOARDS = {
    "a CO2 sensor, all bytes but the first add up to 0": (
        """framing = "fixed"
size = 9
magic = "ff 86"
crc = { name = "SUM-8", negated = true, over = [1, -1] }
fields = [{ name = "T", at = 4, type = "u8", offset = -40, unit = "°C" }]""",
        "ff 86 02 64 3f 00 00 00 d5",
        23.0,
    ),
    "a battery, 16 bits negated with an end mark behind": (
        """framing = "length"
magic = "dd 03 00"
size = { at = 3, type = "u8", add = 7 }
endian = "big"
crc = { name = "SUM-16", negated = true, at = -3, over = [2, -3] }
fields = [{ name = "T", at = 27, type = "u16", factor = 0.1, offset = -273.1, unit = "°C" }]""",
        "dd 03 00 1b 14 c0 ff 83 1f a4 27 10 00 03 2b 72 00 00 00 00 00 00 21 51 03 04 02 0b 92 0b 8f fa 43 77",
        23.1,
    ),
    "a heat meter with escapes of its own": (
        """framing = { start = 0x40, stop = 0x0d, escape = 0x1b, xor = 0xff }
magic = "3f 10 00 56"
crc = "CRC-16/XMODEM"
endian = "big"
fields = [{ name = "T", at = 7, type = "u32", factor = 0.01, unit = "°C", when = { at = 6, equals = 0x42 } }]""",
        "40 3f 10 00 56 25 04 42 00 00 1b e4 1b bf 78 1b e4 0d",
        69.76,
    ),
    "a controller with Modbus ASCII": (
        """framing = "hex"
magic = "01 03 04"
crc = { name = "SUM-8", negated = true }
endian = "big"
fields = [{ name = "T", at = 3, type = "i16", factor = 0.1, unit = "°C" }]""",
        b":010304FFF40105FF\r\n".hex(),
        -1.2,
    ),
    "an energy meter, decimal digits with 33 added": (
        """framing = "length"
magic = "fe fe fe fe 68 12 34 56 78 90 00 68"
size = { at = 13, type = "u8", add = 16 }
crc = { name = "SUM-8", at = -2, over = [4, -2] }
fields = [{ name = "T", at = 18, type = "sbcd", length = 2, minus = 0x33, factor = 0.1, unit = "°C" }]""",
        "fe fe fe fe 68 12 34 56 78 90 00 68 91 06 3a 33 b3 35 68 35 fd 16",
        23.5,
    ),
    "a receiver with Fletcher's checksum": (
        """framing = "length"
magic = "b5 62 10 02"
size = { at = 4, type = "u16", add = 8 }
crc = { name = "FLETCHER-16/256", over = [2, -2] }
fields = [{ name = "T", at = 22, type = "i24", factor = 0.01, unit = "°C", only = { at = 25, equals = 12 } }]""",
        "b5 62 10 02 14 00 e8 03 00 00 00 00 00 00 0c 00 00 0e d4 fe ff 0d c4 0b 00 0c e4 d7",
        30.12,
    ),
}


@pytest.mark.parametrize("board", BOARDS)
def test_a_table_is_enough(board, tmp_path):
    """The frame gives its value, whole or byte by byte; with any one bit wrong it never gives another one."""
    table, sent, expected = BOARDS[board]
    made, frame = (
        configured(f'name = "b"\nport = "/dev/ttyUSB0"\nformat = "struct"\n{table}\n', tmp_path),
        bytes.fromhex(sent),
    )
    reading = {"sensor": "T", "value": expected, "unit": "°C"}
    assert read(made, [frame], True) == [reading]
    assert read(made, [frame[at : at + 1] for at in range(len(frame))], True) == [reading]
    for at in range(len(frame)):
        for bit in range(8):
            broken = frame[:at] + bytes([frame[at] ^ 1 << bit]) + frame[at + 1 :]
            assert {each["value"] for each in read(made, [broken, frame], True) if "value" in each} <= {expected}
