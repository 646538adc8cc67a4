"""How binary boards spell their records: checksums and stuffing by hand, so that no reader can be wrong alike.

fixed   aa 55 | count u16 | T1 i16 | T2 i16 … | CRC-16/MODBUS         little endian, hundredths
cobs    count u16 | T1 f32 | T2 f32 … | CRC-16/CCITT-FALSE            little endian, stuffed, then 00
slip    count u16 | T1 i32 | T2 i32 … | CRC-32                        big endian, thousandths, stuffed, then c0
"""

import math
import struct
from binascii import crc32, crc_hqx

Row = tuple[tuple[str, str], ...]


def fixed(row: Row, count: int) -> bytes:
    """A record of fixed size."""
    values = [_whole(text, 100, 16) for _, text in row]
    body = struct.pack(f"<2sH{len(row)}h", b"\xaa\x55", count & 0xFFFF, *values)
    return body + struct.pack("<H", _modbus(body))


def cobs(row: Row, count: int) -> bytes:
    """A record stuffed by COBS, without its end."""
    body = struct.pack(f"<H{len(row)}f", count & 0xFFFF, *[_single(text) for _, text in row])
    body += struct.pack("<H", crc_hqx(body, 0xFFFF))
    out = b""
    for part in body.split(b"\0"):
        while len(part) >= 254:
            out, part = out + b"\xff" + part[:254], part[254:]
        out += bytes([len(part) + 1]) + part
    return out


def slip(row: Row, count: int) -> bytes:
    """A record stuffed by SLIP, without its end."""
    body = struct.pack(f">H{len(row)}i", count & 0xFFFF, *[_whole(text, 1000, 32) for _, text in row])
    body += struct.pack(">I", crc32(body))
    return body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")


def _modbus(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def _whole(text: str, parts: int, bits: int) -> int:
    """A number in so many parts of one, as a converter gives it: it ends at its range, and its lowest is "no value"."""
    value, most = float(text) * parts, (1 << bits - 1) - 1
    return -most - 1 if math.isnan(value) else round(min(max(value, -most), most))


def _single(text: str) -> float:
    """A number that fits into 32 bits, or infinity."""
    value = float(text)
    return value if abs(value) < 3e38 or math.isnan(value) else math.copysign(math.inf, value)
