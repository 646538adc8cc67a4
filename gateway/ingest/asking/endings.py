"""Where an answer ends: at some bytes, after so many, where the format's own framing says, or in a silence. Pure."""

import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ...model import Frame, Noise, Refusal

QUIET = 0.1
"""S without a byte, after which what has come is all there is; adapters hand on what they have every 16 ms."""


PROMPT = 8
"""Bytes that may stand behind a frame, in what came with it."""

_LINE = re.compile(rb"[\r\n]*+[^\r\n]++(?:\r\n|[\r\n])")


class Piece(NamedTuple):
    """Where in the bytes that have come something stands that may be the answer; what is before it is none."""

    begin: int
    end: int


class Ending(Protocol):
    """How the end of an answer is known. Raises on no bytes whatever."""

    quiet: float  # s without a byte, after which all that has come is the answer; inf: never

    def find(self, data: bytes) -> Piece | None:
        """The first whole answer in `data`; None while there is none."""
        ...

    def open(self, tail: bytes) -> bool:
        """Whether bytes that ended with `tail` have something under way that later ones go on with."""
        ...


class Framing(Protocol):
    """What is needed of a framing (ingest/framing)."""

    @property
    def between(self) -> bool:
        """Whether the last byte ended a frame."""
        ...

    def feed(self, data: bytes) -> list[Frame | Refusal | Noise]:
        """The frames that `data` ends."""
        ...


class At:
    """An answer ends with these bytes, which are part of it."""

    quiet = float("inf")

    def __init__(self, end: bytes) -> None:
        self._end = end

    def find(self, data: bytes) -> Piece | None:
        """Up to the first end."""
        at = data.find(self._end)
        return Piece(0, at + len(self._end)) if at >= 0 else None

    def open(self, tail: bytes) -> bool:
        """As long as the end has not come."""
        return bool(tail) and not tail.endswith(self._end)


class Sized:
    """An answer has so many bytes."""

    quiet = float("inf")

    def __init__(self, size: int) -> None:
        self._size = size

    def find(self, data: bytes) -> Piece | None:
        """The first `size` bytes."""
        return Piece(0, self._size) if len(data) >= self._size else None

    def open(self, tail: bytes) -> bool:
        """Nobody can say."""
        return False


class Lined:
    """An answer of text is a line. A pause ends none: half of `25.104` is a number too."""

    quiet = float("inf")

    def find(self, data: bytes) -> Piece | None:
        """Up to the end of the first line that is not empty."""
        found = _LINE.match(data)
        return Piece(0, found.end()) if found else None

    def open(self, tail: bytes) -> bool:
        """Within a line."""
        return bool(tail) and tail[-1] not in b"\r\n"


class Framed:
    """An answer is one frame of the format's framing. quiet: what is followed by such a silence is one, and no good."""

    def __init__(self, fresh: Callable[[], Framing], quiet: float) -> None:
        self._fresh, self.quiet = fresh, quiet

    def find(self, data: bytes) -> Piece | None:
        """All, once it is a frame and hardly anything behind it: a prompt, or an end of line."""
        if not self._fresh().feed(data):
            return None
        for end in range(max(1, len(data) - PROMPT), len(data) + 1):
            framing = self._fresh()
            if framing.feed(data[:end]) and framing.between:
                return Piece(0, end)
        return None

    def open(self, tail: bytes) -> bool:
        """Nobody can say."""
        return False


class Whole:
    """A framing for what comes in whole answers: each is one frame."""

    between = True

    def __init__(self, limit: int, midstream: bool) -> None:
        """Takes what any framing takes; an asker has seen to both."""

    def feed(self, data: bytes, now: float = 0.0) -> list[Frame | Refusal | Noise]:
        """The frame."""
        return [data]

    def lost(self) -> Noise | None:
        """Nothing is ever under way."""
        return None
