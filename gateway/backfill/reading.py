"""The captures of a chain, read one after the other: what came, in its order, some at a time. Computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..alone import Ears, Took
from ..config import Config
from ..ingest.capture.file import Capture, CaptureError
from ..ingest.capture.lines import Header
from ..ingest.capture.plain import Pieces
from ..ingest.capture.playback import Playback
from ..model import Board
from ..shown import shown

COUNTED = ("bytes", "frames", "decoded", "noise", "refused", "values", "refused_values", "readings")
MOST = 65_536  # bytes of what is no plain line, that are handed on together, a line at least LEAST of them
LEAST = 1024


class Given(NamedTuple):
    """A capture to be read. size: so many bytes of it, whatever comes behind them meanwhile."""

    path: Path
    key: str
    size: int


class Begun(NamedTuple):
    """A capture begins."""

    header: Header


class Came(NamedTuple):
    """Some of it. at: of the last, s since its start; position: bytes that were read; readings: so far."""

    at: float
    position: int
    readings: int
    took: list[Took]


class Over(NamedTuple):
    """It has ended. boards: of each its format, and what came of it."""

    at: float
    torn: bool
    sent: int
    unknown: int
    readings: int
    boards: dict[str, dict[str, Any]]


Read = Begun | Came | Over
Of = Callable[[Header], Sequence[Board]]
"""The boards that a capture is of."""


def read(config: Config, of: Of, captures: Iterable[Given]) -> Generator[Read, None, None]:
    """All of them. Raises CaptureError."""
    took: list[Took] = []
    ears = Ears(config, took.append)
    for one in captures:
        with Capture(one.path, one.size) as capture:
            boards = of(capture.header)
            yield Begun(capture.header)
            playback = Playback(ears.begin(boards, asked=capture.header.asked), capture.header)
            accounts = {board.name: ears.account(board.name) for board in boards}
            at, alone = 0.0, 0
            for heard in capture.together():
                if isinstance(heard, Pieces):
                    playback.hear_many(heard, ears.take_rows)
                    at = heard.at[-1]
                else:
                    playback.hear(heard)
                    at, alone = heard.at, alone + max(LEAST, len(heard.data))
                    if alone < MOST:
                        continue
                yield Came(at, capture.position, sum(one.readings for one in accounts.values()), took[:])
                took.clear()
                alone = 0
            if capture.position < one.size:
                raise CaptureError(
                    f"{shown(str(one.path), 500)} has become shorter since this began, by "
                    f"{one.size - capture.position} bytes; give the same command again"
                )
            playback.end()
            readings = sum(one.readings for one in accounts.values())
            yield Came(at, capture.position, readings, took[:])
            took.clear()
            yield Over(at, capture.torn, playback.sent, playback.unknown, readings, {
                name: {"format": ears.formats[name].name, **{key: getattr(account, key) for key in COUNTED}}
                for name, account in accounts.items()
            })  # fmt: skip
