"""`baud = "auto"`: the boards whose rate cannot be found by listening, a sentence each."""

from collections.abc import Iterator, Mapping
from typing import Any

from .asked import is_asked
from .words import quoted

LONGEST = 3200
"""Bytes of a frame by which a rate is found: as much is listened to at one rate as has enough of these."""
FOOLED = ("XOR-8", "SUM-8")
"""Checksums that hold in the few different bytes which a slower board gives at a faster rate."""


def conflicts(place: str, board: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each thing by which the rate of a board cannot be found; works on the table as TOML gave it."""
    if board.get("baud") != "auto":
        return
    if is_asked(dict(board)):
        yield (
            f'{place}.baud: "auto" is found by listening, and this board says nothing unless it is asked; give the '
            "rate, `gateway probe PORT --ask` finds it"
        )
    elif str(board.get("port")).startswith("socket://"):
        yield f'{place}.baud: "auto" cannot be of a serial server, which has its own rate; take baud out'
    elif board.get("format") == "struct" and "crc" not in board:
        yield f'{place}.baud: "auto" needs frames that can be told from garbage by a checksum; give crc, or the rate'
    if board.get("format") == "struct":
        yield from _frames(place, board)


def _frames(place: str, board: Mapping[str, Any]) -> Iterator[str]:
    size, crc = board.get("size"), board.get("crc")
    name = str(crc.get("name") if isinstance(crc, dict) else crc).upper()
    if type(size) is int and size > LONGEST:
        yield f'{place}.baud: "auto" needs frames of at most {LONGEST} bytes, and these have {size}; give the rate'
    if name in FOOLED and board.get("framing") in ("fixed", "length") and "magic" not in board:
        yield f'{place}.baud: "auto" cannot tell frames by {quoted(name)} alone; give magic, or the rate'
