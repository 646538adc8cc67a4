"""`every`: what is sent, what is not, and that the numbers in the messages add up."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.condense import Sent, gaps, sent_rows
from gateway.publish.stream import Stream
from tests.made import features

times = st.lists(st.floats(0, 5, allow_nan=False), min_size=1, max_size=60).map(
    lambda steps: [sum(steps[: i + 1]) for i in range(len(steps))]
)


def pieces_of(total: int, cuts: list[int]) -> list[range]:
    """Rows 0…total - 1 in pieces."""
    edges = sorted({0, total, *(cut % total for cut in cuts)})
    return [range(a, b) for a, b in itertools.pairwise(edges)]


@given(times, st.lists(st.integers(0, 100), max_size=8), st.floats(0.1, 12))
def test_every(mono, cuts, every):
    """At most one reading in the time is sent, the first at once, and one as soon as the time has passed."""
    stream = Stream("p/g/b/s", ("g", "b", "s", "r"), {}, every)
    sent, condensed = [], 0
    for rows in pieces_of(len(mono), cuts):
        piece, left_out = stream.condense(features([i + 1 for i in rows], mono=[mono[i] for i in rows]))
        condensed += left_out
        if piece is not None:
            sent += zip(piece.features.seq, piece.features.mono, strict=True)
    assert sent[0] == (1, mono[0])
    assert len(sent) + condensed == len(mono)
    assert all(b - a >= every for (_, a), (_, b) in itertools.pairwise(sent))
    after = dict(sent)
    last = mono[0]
    for i, t in enumerate(mono[1:], 2):
        assert (i in after) == (t - last >= every)
        last = after.get(i, last)


@given(times, st.lists(st.integers(0, 100), max_size=8), st.floats(0.1, 12), st.sets(st.integers(1, 60)))
def test_nothing_seems_missing(mono, cuts, every, dropped):
    """missing = seq - next lower seq - 1 - condensed is what was dropped before this stage, and 0 where nothing was."""
    stream = Stream("p/g/b/s", ("g", "b", "s", "r"), {}, every)
    told: list[tuple[int, int]] = []
    for rows in pieces_of(len(mono), cuts):
        kept = [i for i in rows if i + 1 not in dropped]
        if not kept:
            continue
        piece, _ = stream.condense(features([i + 1 for i in kept], mono=[mono[i] for i in kept]))
        if piece is not None:
            told += [(seq, piece.condensed.get(seq, 0)) for seq in piece.features.seq]
    for (before, _), (seq, condensed) in itertools.pairwise(told):
        assert seq - before - 1 - condensed == len(dropped & set(range(before, seq)))


def test_gaps_are_told_before_the_reading_that_leaves():
    """Rows 0, 3 and 4 of six leave: two are left out before the second, and one waits to be told."""
    sent = Sent()
    assert sent_rows(sent, [0.0, 1.0, 2.0, 3.0, 6.0, 7.0], 3.0) == [0, 3, 4]
    assert gaps(sent, [0, 3, 4], 6, [11, 12, 13, 14, 15, 16]) == {14: 2}
    assert sent.condensed == 1
