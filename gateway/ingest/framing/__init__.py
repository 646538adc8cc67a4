"""Bytes, cut anywhere, into frames: the ways to tell where a frame begins and ends, a small file each.

    lines.py                              text: an end of line
    blocks.py                             text: lines that begin and end a record
    ended.py                              text: a character of its own ends a line
    delimited.py  cobs.py slip.py hdlc.py a byte that occurs in no frame, since it is stuffed
                  escaped.py hexlines.py
    hunt.py       fixed.py stx_etx.py length.py
                                          no such byte: looked for where a frame holds

A format chooses: one with a method `framing(limit, midstream) -> Framing` has that one, any other has Lines.
"""

from typing import Protocol

from ...model import Frame, Noise, Refusal
from .lines import Lines

__all__ = ["Framing", "Lines"]


class Framing(Protocol):
    """Takes a stream apart. Pure: no port, no clock; raises on no bytes whatever, and holds a bounded piece of them.

    Made anew after each break of the stream, with `limit`, the most bytes of a frame, and `midstream`: the stream may
    begin inside a frame. However the bytes of one time are cut, the same items come out in the same order; only a
    silence is evidence too (hunt.py).
    """

    @property
    def between(self) -> bool:
        """Whether the last byte ended a frame, and none is under way."""
        ...

    def feed(self, data: bytes, now: float = 0.0) -> list[Frame | Refusal | Noise]:
        """The frames that `data` ends, each refused piece, and what is noise. now: when it came, s, monotonic."""
        ...

    def lost(self) -> Noise | None:
        """Gives up what is under way, at a close: half a frame is never a reading. None when there is nothing."""
        ...
