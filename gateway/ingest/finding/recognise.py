"""Which board it is, from what it has sent: bytes are read as each candidate would read them, and the best is named.

How sure that is: the share of frames that hold values, and how many there were. A preset is named where what came also
looks like its sample. Pure: bytes with their times in, attempts out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...ledger import Account
from ...model import Board, Chunk, Sample
from ..formats import decoder
from ..formats.auto import Auto
from ..intake import Intake
from ..numbers import NUMERAL

LIKE = 0.6  # of the words, or of the lines, that a board and a preset's sample have in common, where it is that board
MOST = 200  # samples that are kept of an attempt

_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z_]{2,}[0-9]{0,2}(?![A-Za-z0-9])")
_TELLING = re.compile(r"[^0\s,;|]")
_NUMBER = re.compile(NUMERAL, re.ASCII)


@dataclass(frozen=True)
class Candidate:
    """A way to read: a board's table, the preset that it comes from ("" = none), and what the preset knows.

    sample: what such a board says; range: what its sensors can measure, °C.
    """

    board: Board
    preset: str = ""
    sample: bytes = b""
    range: tuple[float, float] | None = None


@dataclass
class Attempt:
    """What a candidate made of the bytes. format: as found, of `auto` too; columns: what it would call them, or ()."""

    candidate: Candidate
    format: str = ""
    columns: tuple[str, ...] = ()
    after: str = ""  # what stands before its objects
    decimal: str = "auto"  # the mark, where only the format found knows it
    unsaid: bool = False  # nothing says that its values are temperatures
    account: Account = field(default_factory=Account)
    samples: list[Sample] = field(default_factory=list)
    checked: bool = False  # its frames have a checksum that holds
    likeness: float = 0.0  # of what came and the preset's sample, from 0 to 1

    @property
    def sensors(self) -> set[str]:
        """Those that were read."""
        return {sample.sensor for sample in self.samples}

    @property
    def share(self) -> float:
        """The share of frames, noise apart, that hold values."""
        frames = self.account.decoded + self.account.refused.total()
        return self.account.decoded / frames if frames else 0.0

    @property
    def confidence(self) -> float:
        """From 0 to 1; a frame more that holds values halves the doubt, one with a checksum leaves a tenth of it."""
        doubt = (0.1 if self.checked else 0.5) ** self.account.decoded
        return self.share * (1 - doubt)

    @property
    def believable(self) -> bool:
        """Whether a preset's name may be told: it is like its sample, or a checksum of its own proves it.

        NMEA's is that of all its boards.
        """
        return self.likeness >= LIKE or (self.candidate.board.options.crc is not None and self.account.decoded > 1)


def attempt(candidate: Candidate, chunks: Iterable[tuple[float, bytes]]) -> Attempt:
    """Reads `chunks`, (s by the monotonic clock, bytes), as `candidate` would."""
    made = decoder(candidate.board.format, candidate.board.options)
    if isinstance(made, Auto):
        made.far = True  # it may be parts of a degree
    out = Attempt(candidate, checked=getattr(made, "checked", False))

    def take(_board: str, samples: list[Sample], _at: Chunk) -> None:
        out.samples = (out.samples + samples)[-MOST:]

    intake = Intake(candidate.board, made, take, out.account, lambda: None)
    heard = bytearray()
    for mono, data in chunks:
        intake.feed(data, Chunk(0.0, mono))
        heard += data
    out.format, out.columns, out.after = made.name, getattr(made, "guessed", ()), getattr(made, "after", "")
    out.decimal = getattr(made, "decimal", "auto")
    out.unsaid = getattr(made, "unsaid", False)
    out.likeness = likeness(bytes(heard), candidate.sample) if candidate.sample else 0.0
    return out


def best(attempts: Sequence[Attempt]) -> Attempt | None:
    """The attempt to believe; None when none has read a value. A preset that is like it goes before what is general."""
    read = [one for one in attempts if one.account.readings and (not one.candidate.preset or one.believable)]
    return max(read, key=lambda one: (round(one.confidence, 1), one.likeness, one.confidence), default=None)


def likeness(heard: bytes, sample: bytes) -> float:
    """How much two boards' texts have in common, from 0 to 1: words, or the forms of their lines."""
    ours, theirs = _text(heard), _text(sample)
    words, known = set(_WORD.findall(ours)), set(_WORD.findall(theirs))
    common = len(words & known) / len(words | known) if words | known else 0.0
    forms, known = _forms(ours)[1:-1], set(_forms(theirs))
    return max(common, sum(form in known for form in forms) / len(forms) if forms else 0.0)


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _forms(text: str) -> list[str]:
    """Its lines with 0 in place of each number; those of nothing but numbers are any board's."""
    forms = (" ".join(_NUMBER.sub("0", line).split()) for line in text.splitlines())
    return [form for form in forms if _TELLING.search(form)]
