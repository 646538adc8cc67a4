"""Text whose lines end with a character of their own: "T1=21.5;T2=19.8;", or STX text ETX.

T1=21.5 ; CR LF T2=19.8 ; …      line ends and blanks around a line are not part of it
STX 23.5 ETX cc STX 23.6 ETX …   nor is what is between ETX and STX, such as a checksum
"""

from .delimited import Delimited

_AROUND = b" \t\r\n\0"
_STX, _ETX = b"\x02", "\x03"


def ended(character: str, limit: int, midstream: bool) -> Delimited:
    """The framing of lines that each end with `character`, one of ASCII; CR and LF end none."""
    line = _behind_stx if character == _ETX else _bare
    return Delimited(character.encode(), line, proven=False, limit=limit, midstream=midstream)


def _bare(piece: bytes) -> bytes:
    return piece.strip(_AROUND)


def _behind_stx(piece: bytes) -> bytes:
    return piece.rpartition(_STX)[2].strip(_AROUND)
