"""At which rate a board talks, found by listening: what came at one rate is text, or it is tried at the next.

A UART that samples at another rate than the sender's reads other bytes, most of them no text. Silence says nothing of
the rate, so a silent line is waited for and not left. Pure: bytes and times come as arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum

from ..trust import junk

RATES = (115_200, 9600, 57_600, 38_400, 19_200, 4800, 230_400, 250_000, 2400, 1200, 460_800, 921_600, 74_880)
"""Baud, the likeliest first."""
ENOUGH = 24  # bytes that say something
LEAST_TEXT = 0.97  # of the bytes, where they are text
MOST_GARBAGE = 0.90  # of the bytes may be text, where they are none
LINES = 0.9  # of the bytes are in lines of text, where no binary frames are among them
DIVERSE = 8  # different bytes in text; a line that repeats itself, read at a wrong rate, has fewer
LONGEST = 16_000  # bytes kept of one rate

_DEGREE = "(?<=[0-9 ])\udcb0|\udcb0(?=[CFK])"  # Latin-1, as many boards print it; bytes of no UTF-8 are surrogates here
_LETTER = "[\udcc0-\udcd6\udcd8-\udcf6\udcf8-\udcff]"
_WORDS = rf"(?<=[A-Za-z]){_LETTER}{{1,2}}(?![^\t -~\r\n])|(?<![^\t -@\r\n]){_LETTER}(?=[a-z])"
_SIGNS = re.compile(_DEGREE)
_LATIN_1 = re.compile(f"{_DEGREE}|{_WORDS}")
_ENDED = re.compile(rb"[^\r\n]*[\r\n]+")


class Sort(Enum):
    """What some bytes are."""

    UNKNOWN = "unknown"  # too few to tell
    TEXT = "text"
    OTHER = "other"  # binary, or text at another rate


def share_of_text(data: bytes, also: re.Pattern[str] = _SIGNS) -> float:
    """How much of `data` is text, from 0 to 1; a degree sign in Latin-1 is text. also: what else is, of no UTF-8."""
    text = also.sub("*", data.decode(errors="surrogateescape"))
    text = text.encode(errors="surrogateescape").decode(errors="replace")
    return 1 - junk(text) / len(text) if text else 1.0


def is_lines(data: bytes) -> bool:
    """Whether nearly all of `data` is in lines of text: a frame whose checksum holds there is a chance."""
    told = sum(len(line) for line in _ENDED.findall(data) if share_of_text(line, _LATIN_1) >= MOST_GARBAGE)
    return told >= LINES * len(data) > 0


def sort_of(data: bytes) -> Sort:
    """What `data`, all that came at one rate, is. The first line may be cut, and counts only while none has ended.

    Lines may hold words in Latin-1; but where too few do, these are no sign of text: a wrong rate has them too.
    """
    _, end, rest = data.replace(b"\r", b"\n").partition(b"\n")
    ended = b"\n" in rest.lstrip(b"\n")
    rest = rest.strip(b"\n")
    share = share_of_text(rest if end and len(rest) >= ENOUGH else data)
    if ended and len(rest) >= ENOUGH and (share >= LEAST_TEXT or share_of_text(rest, _LATIN_1) >= LEAST_TEXT):
        return Sort.TEXT
    return Sort.OTHER if len(data) >= ENOUGH and share < MOST_GARBAGE else Sort.UNKNOWN


def parity_of(data: bytes) -> str:
    """The line setting of text that was read as 8N1 and has a parity in its eighth bit: "7E1" | "7O1"; else ""."""
    if data.isascii() or len(set(data)) < DIVERSE or sort_of(bytes(byte & 0x7F for byte in data)) is not Sort.TEXT:
        return ""
    odd = sum(byte.bit_count() & 1 for byte in data)
    return "7E1" if odd <= 0.02 * len(data) else "7O1" if odd >= 0.98 * len(data) else ""


def likelier(data: bytes, baud: int, rates: Sequence[int]) -> int:
    """Which of `rates` a sender has whose bytes were read as `data` at `baud`, where they tell; else the first of them.

    A bit of a slower sender covers several of ours. Each byte begins with such a bit, the start bit: so the fewest
    zeros at the beginnings of bytes say how many. Where there are nothing but zeros it covers a whole byte.
    """
    zeros = sorted(1 + (8 if byte == 0 else (byte & -byte).bit_length() - 1) for byte in data)
    width = zeros[len(zeros) // 20] if zeros else 1
    if width >= 9:
        return next((rate for rate in rates if rate <= baud / 9), rates[0])
    if width == 1:  # a sender as fast as this, or faster
        return next((rate for rate in rates if rate > baud), rates[0])
    near = min(rates, key=lambda rate: abs(rate * width / baud - 1))
    return near if abs(near * width / baud - 1) < 0.2 else rates[0]


class Tuning:
    """Finds a rate. baud: the one to listen at now. heard: what came at each, with its times of arrival.

    rates: to try, the likeliest first. stay: s to listen at a rate at which no text comes, before the next one; in the
    first round none is stayed with. sort: what is all that came at a rate, where that is not for `sort_of` to say; then
    no parity is looked for.
    """

    def __init__(
        self, rates: Sequence[int] = RATES, stay: float = 0.8, sort: Callable[[bytes], Sort] = sort_of
    ) -> None:
        self.baud = rates[0]
        self.heard: dict[int, list[tuple[float, bytes]]] = {}
        self.found = False  # it is text at `baud`
        self.serial = "8N1"
        self._rates, self._stay, self._sort = rates, stay, sort
        self._left = list(rates[1:])  # of this round
        self._first = True  # round
        self._since: float | None = None  # when the first bytes came at this rate
        self._whole = bytearray()  # what came at it
        self._is = Sort.UNKNOWN

    def feed(self, data: bytes, now: float) -> bool:
        """Takes what came at `baud`; whether to go on at another one, which `baud` then is."""
        self._since = now if self._since is None else self._since
        grows = len(self._whole) < LONGEST
        if grows:
            self.heard.setdefault(self.baud, []).append((now, data))
            self._whole += data
        if self.found:
            return False
        whole = bytes(self._whole)
        sort = self._is = self._sort(whole) if grows else self._is
        if sort is Sort.OTHER and self._sort is sort_of and (setting := parity_of(whole)):
            self.serial, sort = setting, Sort.TEXT
        self.found = sort is Sort.TEXT
        if sort is not Sort.OTHER or len(self._rates) == 1 or not (self._first or now - self._since >= self._stay):
            return False
        self.go_on(whole)
        return True

    def go_on(self, data: bytes = b"") -> None:
        """To the likeliest other rate, from `data` that came at this one, or as the port does not take this one."""
        if not self._left:
            self._left, self._first = [rate for rate in self._rates if rate != self.baud], False
        self.baud = likelier(data, self.baud, self._left)
        self._left.remove(self.baud)
        self._since = None
        self._whole.clear()
        self.heard.pop(self.baud, None)  # what came in the round before
