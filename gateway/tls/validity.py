"""When a certificate ends, which the library tells only of one that it has verified. Pure: bytes in, a time out.

    Certificate  30 …        SEQUENCE
      tbs        30 …        SEQUENCE
        version  a0 …        left out in version 1
        serial   02 …
        signed   30 …
        issuer   30 …
        validity 30 …        SEQUENCE of two times: 17 YYMMDDhhmmssZ or 18 YYYYMMDDhhmmssZ

Source: RFC 5280, 4.1; X.690 for the lengths: one byte below 128, else the number of bytes that follow.
"""

import binascii
import re
from datetime import datetime

SEQUENCE, VERSION, SHORT_YEAR = 0x30, 0xA0, 0x17
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def ends(pem: str) -> float | None:
    """When the first certificate in `pem` ends, s since 1970; None where there is none that can be read.

    In a file for TLS the first is the owner's; in one that holds several CAs it says nothing of the others.
    """
    found = _PEM.search(pem)
    try:
        return _ends(binascii.a2b_base64(found[1])) if found else None
    except (ValueError, IndexError):  # binascii.Error is one
        return None


def several(pem: str) -> bool:
    """Whether there is more than one certificate in it."""
    return len(_PEM.findall(pem)) > 1


def _ends(der: bytes) -> float:
    at, _ = _inside(der, _inside(der, 0, SEQUENCE)[0], SEQUENCE)
    if der[at] == VERSION:
        at = _inside(der, at)[1]
    for _ in range(3):
        at = _inside(der, at)[1]
    first, _ = _inside(der, at, SEQUENCE)
    last = _inside(der, first)[1]
    start, end = _inside(der, last)
    text = der[start:end].decode("ascii")
    if der[last] == SHORT_YEAR:  # 50 and above are of the century before
        text = f"{'19' if text >= '5' else '20'}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%S%z").timestamp()


def _inside(der: bytes, at: int, tag: int | None = None) -> tuple[int, int]:
    """Where the content of the element at `at` begins and ends. Raises ValueError where it is another, or cut off."""
    size, start = der[at + 1], at + 2
    if size > 0x7F:
        more = size & 0x7F
        size, start = int.from_bytes(der[start : start + more], "big"), start + more
    if tag not in (None, der[at]) or start + size > len(der):
        raise ValueError("it is no certificate")
    return start, start + size
