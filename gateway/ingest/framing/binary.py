"""The framing of a binary board, as its options say: what begins a frame, what ends it, and what makes it hold."""

from collections.abc import Callable

from ...checksums import SUMS, checksum
from ...layouts import Crc, Endian, Escapes, Length
from ...model import HEAD, FormatOptions, Frame, Noise, Refusal, Why
from . import Framing, cobs, escaped, hdlc, hexlines, slip
from .banner import is_banner
from .constant import Constant
from .delimited import Delimited
from .fixed import Fixed
from .hunt import Hunt, Shape
from .length import Lengthy
from .stx_etx import StxEtx

STUFFED = {"cobs": cobs, "slip": slip, "hdlc": hdlc, "hex": hexlines}


def holding(crc: Crc | None, endian: Endian) -> Callable[[bytes | bytearray], bool]:
    """Whether the checksum in a frame is that of its bytes; without one all frames hold."""
    if crc is None:
        return lambda frame: True
    function, order, width = _summed(crc), crc.endian or endian, crc.width
    first, end = crc.over

    def holds(frame: bytes | bytearray) -> bool:
        at = crc.at if crc.at >= 0 else len(frame) + crc.at
        if at < 0 or at + width > len(frame):
            return False
        return int.from_bytes(frame[at : at + width], order) == function(frame[first:end])

    return holds


def _summed(crc: Crc) -> Callable[[bytes | bytearray], int]:
    """What the checksum comes to, of its bytes."""
    function, init, xorout, most = checksum(crc.name), crc.init, crc.xorout, (1 << 8 * crc.width) - 1
    if crc.name in SUMS:
        sign = -1 if crc.negated else 1
        return lambda data: ((init + sign * function(data)) & most) ^ xorout
    return (lambda data: function(data) ^ init ^ xorout) if init ^ xorout else function


def binary(options: FormatOptions) -> Callable[[int, bool], Framing]:
    """Makes a fresh framing of (limit, midstream). `options` are checked: they have what their framing needs."""
    holds, crc = holding(options.crc, options.endian), options.crc
    behind = 0 if crc is None or crc.at != -crc.width else crc.width
    if (stuffing := _stuffing(options.framing)) is not None:
        delimiters, unstuffed = stuffing
        opened, proven = _opening(options, unstuffed, holds), crc is not None or options.size is not None
        return lambda limit, midstream: Delimited(delimiters, opened, proven=proven, limit=limit, midstream=midstream)

    def shape(limit: int) -> Shape:
        if options.framing == "stx-etx":
            return StxEtx(options.size if isinstance(options.size, int) else None, behind, limit)
        if isinstance(options.size, Length):
            return Lengthy(options.size, options.endian, options.magic, behind)
        return Fixed(options.size or 0, options.magic)

    bits = 8 * crc.width if crc else 0
    return lambda limit, midstream: Hunt(shape(limit), holds, bits, limit, midstream)


def _stuffing(framing: str | Escapes | None) -> tuple[bytes, Callable[[bytes], bytes | None]] | None:
    """What parts stuffed frames, and how one is unstuffed; None where frames are not stuffed."""
    if isinstance(framing, Escapes):
        return bytes([framing.stop]), escaped.unstuffing(framing)
    stuffed = STUFFED.get(framing or "")
    return (stuffed.DELIMITER, stuffed.unstuffing()) if stuffed else None


def _opening(
    options: FormatOptions, unstuffed: Callable[[bytes], bytes | None], holds: Callable[[bytes], bool]
) -> Callable[[bytes], Frame | Refusal | Noise]:
    """How a piece between delimiters becomes a frame; one with other constant bytes is another kind of message."""
    size, constant = options.size, Constant(options.magic)

    def opened(piece: bytes) -> Frame | Refusal | Noise:
        frame = unstuffed(piece)
        if frame is not None and holds(frame):
            if constant.data and constant.met(frame, 0) <= 0:
                return Noise(frame[:HEAD])
            if size in (None, len(frame)):
                return frame
        if is_banner(piece):
            return Noise(piece[:HEAD])
        why = Why.BAD_FRAME if frame is None or holds(frame) else Why.BAD_CHECKSUM
        return Refusal(why, (frame or piece)[:HEAD])

    return opened
