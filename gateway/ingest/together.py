"""Lines that came one by one, read together: what comes of them is the same, to the last count. No port, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat

from ..model import Chunk, Decoded, Frame, Noise, Refusal, Stretch
from .intake import FEW, MANY, Intake

MOST = 4096  # lines that are looked at together, where MANY and twice as many were of one shape before
ALONE = 512  # lines that are read one by one, at most, until it is looked whether there is a stretch

TakeRows = Callable[[str, Stretch, Sequence[float]], None]
"""Gets what many lines held: (board, rows, when each line came, s of the monotonic clock)."""


def feed_many(
    intake: Intake, data: Sequence[bytes], at: Sequence[float], wall: float, take: TakeRows
) -> list[int] | None:
    """Takes each of `data` as Intake.feed does, in turn, where nothing but their bytes says what comes of them: text
    that is believed. Gives the frames of each; None where it may be otherwise, and then nothing is taken.

    at: when each came, s of the monotonic clock; wall: when that clock began, s since 1970. take: gets what lines of
    one shape held; all others go where `feed` puts them.
    """
    account, trust, stretch = intake.account, intake.trust, intake.stretch
    text = b"".join(data)
    if stretch is None or intake.binary or not trust.unmoved(text) or trust.doubt(at[0]) is not None:
        return None
    items, counts = _cut(intake, data, at)
    whens = at if len(items) == len(at) == sum(map(bool, counts)) else [*chain.from_iterable(map(repeat, at, counts))]
    account.bytes += len(text)
    account.frames += len(items)
    odd = iter([*_odd(items), len(items)])
    first, alone, many, end = 0, 1, MANY, next(odd)
    while first < len(items):
        if first == end:  # what is no line ends what is looked at together
            end, last, rows = next(odd), first + 1, None
        else:
            rows = stretch(items[first : min(first + many, end)]) if first + FEW < end else None  # type: ignore[arg-type]
            last = min(first + alone, end) if rows is None else first + rows.frames
        if rows is None:  # twice as many alone as before, so that lines without a shape cost few attempts
            for item, when in zip(items[first:last], whens[first:last], strict=True):
                intake.one(item, Chunk(wall + when, when))
            alone = min(2 * alone, ALONE)
        else:
            lines: list[Frame] = items[first:last]  # type: ignore[assignment]  # as was just seen
            _take(intake, rows, lines, whens[first:last], wall, take)
            alone, many = 1, min(2 * many, MOST) if rows.frames == many else MANY
        first = last
    return counts


def _odd(items: Sequence[object]) -> list[int]:
    """Where there is no frame."""
    return [] if set(map(type, items)) == {bytes} else [k for k, item in enumerate(items) if type(item) is not bytes]


def _cut(
    intake: Intake, data: Sequence[bytes], at: Sequence[float]
) -> tuple[Sequence[Frame | Refusal | Noise], list[int]]:
    """The frames of all, and how many each of `data` ends."""
    many = getattr(intake.cut, "feed_many", None)
    if many is not None and (found := many(data)) is not None:
        return found  # type: ignore[no-any-return]  # see Lines.feed_many
    each = [intake.cut.feed(piece, when) for piece, when in zip(data, at, strict=True)]
    return [*chain.from_iterable(each)], [*map(len, each)]


def _take(
    intake: Intake, rows: Stretch, lines: list[Frame], whens: Sequence[float], wall: float, take: TakeRows
) -> None:
    """Hands on rows, whose lines came at `whens`: together, or one by one until that can be."""
    first, alone = 0, 1
    while first < len(lines):
        rest = _part(rows, first, rows.frames) if first else rows
        treated = intake.taken_together(rest)
        if treated is not None:
            take(intake.board.name, treated, whens[first:])
            return
        some = _part(rest, 0, alone)
        each = zip(_by_frame(some), lines[first:], whens[first:], strict=False)
        for samples, line, when in each:
            intake.one(samples, Chunk(wall + when, when), line)
        first, alone = first + alone, 2 * alone


def _part(rows: Stretch, first: int, last: int) -> Stretch:
    """Some of the frames."""
    cut = slice(first, last)
    return Stretch(
        min(last, rows.frames) - first, [column[cut] for column in rows.columns], rows.takes, rows.named[cut],
        None if rows.counts is None else rows.counts[cut],
    )  # fmt: skip


def _by_frame(rows: Stretch) -> Iterator[Decoded]:
    samples, wide = rows.samples, len(rows.columns)
    return (Decoded(samples[at : at + wide], []) for at in range(0, len(samples), wide))
