"""Text whose lines end with a character of their own: "T1=21.5;T2=19.8;", or STX text ETX.

T1=21.5 ; CR LF T2=19.8 ; …      line ends and blanks around a line are not part of it
"""

from .delimited import Delimited

_AROUND = b" \t\r\n\0"


def ended(character: str, limit: int, midstream: bool) -> Delimited:
    """The framing of lines that each end with `character`, one of ASCII; CR and LF end none."""
    return Delimited(
        character.encode(), lambda line: line.strip(_AROUND), proven=False, limit=limit, midstream=midstream
    )
