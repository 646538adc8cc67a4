"""Whether a line without a checksum can be believed: garbage can parse. Pure: no port, no clock.

Three things make lines doubtful: another program takes part of the bytes (`shared`), the kernel has lost some
(`overrun`), or most of what comes is no text (`garbage`, as at a wrong baud rate). What parses meanwhile is refused.

Garbage is known by its bytes and not by its lines: at a wrong rate hardly a line ends, while a board may well print
other text between its values. Bytes of no text fill a meter, five of text take one out of it again; so it fills when
over a sixth is no text, and a single flipped bit is forgotten. A line that parses is taken out whole: a board may spell
its degree sign in an older code than UTF-8. The meter moves character by character, in whole numbers, so that it says
the same however the bytes were cut.
"""

import codecs
import re

from ..model import Why

HOLD = 1.0  # s after a loss in which lines may be torn: what the kernel's buffers hold is read by then
FULL, EMPTY, MOST = 120, 70, 120  # the meter: where garbage begins and ends (50 clean bytes later), and its top
BAD = 5  # what a character of no text puts in; one of text takes out 1

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")
_RUNS = re.compile(f"({_NO_TEXT.pattern}+)|([^{_NO_TEXT.pattern[1:]}+)")
_ASCII = bytes(byte for byte in range(128) if not _NO_TEXT.match(chr(byte)))


def junk(text: str) -> int:
    """How many characters are in no text: controls, and what was no UTF-8."""
    return len(_NO_TEXT.findall(text))


class Trust:
    """What is known of one port. Times: s, monotonic."""

    def __init__(self) -> None:
        self.shared = False
        self.garbage = False
        self.level = 0
        self._lost_at = float("-inf")
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def anew(self) -> None:
        """Another line begins: nothing is known of it but who shares it."""
        self.garbage, self.level = False, 0
        self._decoder.reset()

    def doubt(self, now: float) -> Why | None:
        """Why a line that is read at `now` is not believed; None when it is."""
        if self.shared:
            return Why.SHARED
        if now - self._lost_at < HOLD:
            return Why.OVERRUN
        return Why.GARBAGE if self.garbage else None

    def lost_bytes(self, now: float) -> None:
        """The kernel has lost some."""
        self._lost_at = now

    def unmoved(self, data: bytes) -> bool:
        """Whether hearing `data`, and any of its lines, changes nothing: it is text, as was all before it."""
        if self.level or self._decoder.getstate()[0]:
            return False
        if data.isascii():
            return not data.translate(None, _ASCII)
        try:
            return _NO_TEXT.search(data.decode()) is None
        except UnicodeDecodeError:
            return False

    def heard(self, data: bytes) -> None:
        """Takes note of bytes as they come, cut anywhere."""
        for bad, clean in _RUNS.findall(self._decoder.decode(data)):
            self._fill(BAD * len(bad) - len(clean))

    def parsed(self, line: bytes) -> None:
        """A line that was heard has a meaning, whatever its bytes."""
        if bad := junk(line.decode(errors="replace")):
            self._fill(-BAD * bad)

    def _fill(self, amount: int) -> None:
        self.level += amount
        if self.level >= FULL:
            self.level, self.garbage = min(self.level, MOST), True
        elif self.level <= EMPTY:
            self.level, self.garbage = max(self.level, 0), False
