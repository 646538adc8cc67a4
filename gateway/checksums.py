"""Checksums of frames by their catalogue names; the door to the library fastcrc.

The names are those of the CRC catalogue (https://reveng.sourceforge.io/crc-catalogue/all.htm), and the other names that
are listed there. Beside them are the plain sums that boards use: SUM-8 and SUM-16 add the bytes, XOR-8 takes the
exclusive or of them. FLETCHER-16 adds the bytes, and in its upper byte what each of these steps came to, both modulo
255 (J. Fletcher, 1982); FLETCHER-16/256 does it modulo 256.

fastcrc, since a frame without a fixed start is looked for at each byte: 1,544 bytes take it 0.1 µs, and a CRC in Python
0.8 ms.
"""

import importlib.util
from collections.abc import Callable
from itertools import accumulate

_CATALOGUE = {
    "CRC-8": "AUTOSAR BLUETOOTH CDMA2000 DARC DVB-S2 GSM-A GSM-B I-432-1 I-CODE LTE MAXIM-DOW MIFARE-MAD NRSC-5 "
    "OPENSAFETY ROHC SAE-J1850 SMBUS TECH-3250 WCDMA",
    "CRC-16": "ARC CDMA2000 CMS DDS-110 DECT-R DECT-X DNP EN-13757 GENIBUS GSM IBM-3740 IBM-SDLC ISO-IEC-14443-3-A "
    "KERMIT LJ1200 MAXIM-DOW MCRF4XX MODBUS NRSC-5 OPENSAFETY-A OPENSAFETY-B PROFIBUS RIELLO SPI-FUJITSU T10-DIF "
    "TELEDISK TMS37157 UMTS USB XMODEM",
    "CRC-32": "AIXM AUTOSAR BASE91-D BZIP2 CD-ROM-EDC CKSUM ISCSI ISO-HDLC JAMCRC MPEG-2 XFER",
}
_ALSO = {
    "CRC-8": "CRC-8/SMBUS", "CRC-8/MAXIM": "CRC-8/MAXIM-DOW", "DOW-CRC": "CRC-8/MAXIM-DOW",
    "CRC-8/ITU": "CRC-8/I-432-1", "CRC-8/AES": "CRC-8/TECH-3250", "CRC-8/EBU": "CRC-8/TECH-3250",
    "ARC": "CRC-16/ARC", "CRC-16": "CRC-16/ARC", "CRC-16/LHA": "CRC-16/ARC", "CRC-IBM": "CRC-16/ARC",
    "CRC-16/CCITT-FALSE": "CRC-16/IBM-3740", "CRC-16/AUTOSAR": "CRC-16/IBM-3740",
    "CRC-16/X-25": "CRC-16/IBM-SDLC", "X-25": "CRC-16/IBM-SDLC", "CRC-B": "CRC-16/IBM-SDLC",
    "CRC-16/ISO-HDLC": "CRC-16/IBM-SDLC", "CRC-16/ISO-IEC-14443-3-B": "CRC-16/IBM-SDLC",
    "CRC-A": "CRC-16/ISO-IEC-14443-3-A",
    "CRC-16/CCITT": "CRC-16/KERMIT", "CRC-16/CCITT-TRUE": "CRC-16/KERMIT", "CRC-CCITT": "CRC-16/KERMIT",
    "CRC-16/V-41-LSB": "CRC-16/KERMIT", "KERMIT": "CRC-16/KERMIT",
    "MODBUS": "CRC-16/MODBUS", "CRC-16/MAXIM": "CRC-16/MAXIM-DOW", "CRC-16/IEC-61158-2": "CRC-16/PROFIBUS",
    "CRC-16/DARC": "CRC-16/GENIBUS", "CRC-16/EPC": "CRC-16/GENIBUS", "CRC-16/EPC-C1G2": "CRC-16/GENIBUS",
    "CRC-16/I-CODE": "CRC-16/GENIBUS", "CRC-16/AUG-CCITT": "CRC-16/SPI-FUJITSU",
    "CRC-16/BUYPASS": "CRC-16/UMTS", "CRC-16/VERIFONE": "CRC-16/UMTS",
    "XMODEM": "CRC-16/XMODEM", "ZMODEM": "CRC-16/XMODEM", "CRC-16/ACORN": "CRC-16/XMODEM",
    "CRC-16/LTE": "CRC-16/XMODEM",
    "CRC-16/V-41-MSB": "CRC-16/XMODEM", "R-CRC-16": "CRC-16/DECT-R", "X-CRC-16": "CRC-16/DECT-X",
    "CRC-32": "CRC-32/ISO-HDLC", "CRC-32/ADCCP": "CRC-32/ISO-HDLC", "CRC-32/V-42": "CRC-32/ISO-HDLC",
    "CRC-32/XZ": "CRC-32/ISO-HDLC", "PKZIP": "CRC-32/ISO-HDLC",
    "CRC-32C": "CRC-32/ISCSI", "CRC-32/CASTAGNOLI": "CRC-32/ISCSI", "CRC-32/BASE91-C": "CRC-32/ISCSI",
    "CRC-32/INTERLAKEN": "CRC-32/ISCSI", "CRC-32D": "CRC-32/BASE91-D", "CRC-32Q": "CRC-32/AIXM",
    "CRC-32/POSIX": "CRC-32/CKSUM", "CKSUM": "CRC-32/CKSUM", "JAMCRC": "CRC-32/JAMCRC", "XFER": "CRC-32/XFER",
    "CRC-32/AAL5": "CRC-32/BZIP2", "CRC-32/DECT-B": "CRC-32/BZIP2", "B-CRC-32": "CRC-32/BZIP2",
}  # fmt: skip
_CRCS = {f"{kind}/{name}": (kind, name) for kind, names in _CATALOGUE.items() for name in names.split()}
_CRCS |= {also: _CRCS[name] for also, name in _ALSO.items()}
_BYTES = {"CRC-8": 1, "CRC-16": 2, "CRC-32": 4}

SUMS = {"SUM-8": 1, "SUM-16": 2}
"""What adds the bytes up, so that it may be negated."""
CHECKSUMS = SUMS | {"XOR-8": 1, "FLETCHER-16": 2, "FLETCHER-16/256": 2}
"""How many bytes each takes; the CRCs too."""
CHECKSUMS |= {name: _BYTES[kind] for name, (kind, _) in _CRCS.items()}

_NEGATED = '{ name = "SUM-8", negated = true }'
_FLETCHER = '"FLETCHER-16" or "FLETCHER-16/256"'
SPOKEN = {
    "BCC": '"XOR-8"', "XOR": '"XOR-8"', "SUM": '"SUM-8" or "SUM-16"', "CHECKSUM": '"SUM-8" or "SUM-16"',
    "LRC": f'"XOR-8", or {_NEGATED} as in Modbus', "NEGATED": _NEGATED, "TWOS-COMPLEMENT": _NEGATED,
    "INVERTED": '{ name = "SUM-8", xorout = 0xff }', "ONES-COMPLEMENT": '{ name = "SUM-8", xorout = 0xff }',
    "FLETCHER": _FLETCHER, "FLETCHER-8": _FLETCHER, "UBX": '"FLETCHER-16/256"',
}  # fmt: skip
"""Words of manuals that are no names of one checksum, and what they may mean."""


def available(name: str) -> bool:
    """Whether what computes it is installed."""
    return name not in _CRCS or importlib.util.find_spec("fastcrc") is not None


def checksum(name: str) -> Callable[[bytes | bytearray], int]:
    """The function of a name in CHECKSUMS. Raises ImportError where it is not `available`."""
    if name not in _CRCS:
        return _PLAIN[name]
    import fastcrc

    kind, algorithm = _CRCS[name]
    module = getattr(fastcrc, kind.replace("-", "").lower())
    function: Callable[[bytes | bytearray], int] = getattr(module, algorithm.replace("-", "_").lower())
    return function


def _sum_8(data: bytes | bytearray) -> int:
    return sum(data) & 0xFF


def _sum_16(data: bytes | bytearray) -> int:
    return sum(data) & 0xFFFF


def _xor_8(data: bytes | bytearray) -> int:
    """Halves are laid on each other until one byte is left, so that Python does not go from byte to byte."""
    size, number = len(data), int.from_bytes(data, "big")
    while size > 1:
        size -= (half := size // 2)
        number = (number >> 8 * half) ^ (number & ((1 << 8 * half) - 1))
    return number


def _fletcher(modulus: int) -> Callable[[bytes | bytearray], int]:
    return lambda data: sum(accumulate(data)) % modulus << 8 | sum(data) % modulus


_PLAIN = {
    "SUM-8": _sum_8, "SUM-16": _sum_16, "XOR-8": _xor_8,
    "FLETCHER-16": _fletcher(255), "FLETCHER-16/256": _fletcher(256),
}  # fmt: skip
