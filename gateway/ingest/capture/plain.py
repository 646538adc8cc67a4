"""Plain lines of a capture, many at once: bytes that came, as text, as nearly all lines are. Pure.

    {"at": 0.311, "text": "21.50 22.06\\r\\n"}
    {"at": 0.422, "text": "21.56 22.06\\r\\n"}      both are known by one call, and parted by another
    {"at": 0.533, "event": "lost"}                 no plain line: what is read at once ends before it

What is read so is what `lines.read` gives, line by line.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from ..numbers import floats

TEXT = rb'(?:[ !#-\[\]-~\x80-\xff]++|\\[nrt"\\])*+'
"""What stands between the quotes of a plain line, where it is UTF-8."""

_TIME = rb"(?:0|[1-9]\d{0,8})(?:\.\d{1,20})?"
_lines = re.compile(rb'(?:\{"at": ' + _TIME + rb', "text": "' + TEXT + rb'"\}\n)*+').match
_BEGIN, _BETWEEN, _AGAIN, _END = b'{"at": ', b', "text": "', b'"}\n{"at": ', b'"}\n'
"""What is in no text: its quotes have a backslash before them, and its ends of line are spelt."""
_ESCAPES = ((b"\\n", b"\n"), (b"\\r", b"\r"), (b"\\t", b"\t"), (b'\\"', b'"'))


class Pieces(NamedTuple):
    """Bytes that came, piece by piece. at: of each, s since the start, never less than the one before."""

    at: list[float]
    data: list[bytes]


def plain(text: bytes, first: int, last: int, since: float) -> tuple[Pieces, int]:
    """The plain lines that text[first:last] begins with, and where they end. since: the time of the line before."""
    found = _lines(text, first, last)
    end = found.end() if found else first
    if end == first or not is_utf8(text[first:end]):
        return Pieces([], []), first
    cells = text[first + len(_BEGIN) : end - len(_END)].replace(_AGAIN, b"\0").replace(_BETWEEN, b"\0")
    parts = unescaped(cells).split(b"\0")
    at, data = floats(parts[::2]), parts[1::2]
    if at[0] >= since and at == sorted(at):
        return Pieces(at, data), end
    size = next((k + 1 for k, (a, b) in enumerate(pairwise(at)) if b < a), 0) if at[0] >= since else 0
    for _ in range(size):  # whoever reads line by line says where time goes back
        first = text.index(b"\n", first) + 1
    return Pieces(at[:size], data[:size]), first


def is_utf8(text: bytes) -> bool:
    """Whether it is."""
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def unescaped(text: bytes) -> bytes:
    """The bytes that the text of a plain line stands for."""
    if b"\\" not in text:
        return text
    text = text.replace(b"\\\\", b"\1")  # from the left, and before those that would take its second half for theirs
    for written, meant in _ESCAPES:
        text = text.replace(written, meant)
    return text.replace(b"\1", b"\\")
