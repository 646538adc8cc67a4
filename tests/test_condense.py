"""`every` and `band`: what is sent, what is not, and that the numbers in the messages add up."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.condense import Sent, gaps, sent_rows
from gateway.publish.stream import Stream
from gateway.sending import Alarm, Sending
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
    stream = Stream("p/g/b/s", ("g", "b", "s", "r"), {}, Sending(every))
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
    stream = Stream("p/g/b/s", ("g", "b", "s", "r"), {}, Sending(every))
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
    assert sent_rows(sent, features(range(11, 17), mono=[0.0, 1.0, 2.0, 3.0, 6.0, 7.0]), Sending(3.0)) == [0, 3, 4]
    assert gaps(sent, [0, 3, 4], 6, [11, 12, 13, 14, 15, 16]) == {14: 2}
    assert sent.condensed == 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.lists(st.integers(0, 100), max_size=8),
       st.sampled_from([0.0, 3.0]), st.sampled_from([1, 3, 7]), st.sampled_from([0.0, 10.0]))  # fmt: skip
def test_band(tenths, cuts, every, band, heartbeat):
    """Sent is what is the band or more from the last sent, or comes a heartbeat after it; and in time for `every`.

    Values are tenths, as boards print them, and the band is some: 20.3 is 0.1 from 20.2.
    """
    stream = Stream("p/g/b/s", ("g", "b", "s", "r"), {}, Sending(every, band / 10, heartbeat))
    sent = []
    for rows in pieces_of(len(tenths), cuts):
        value = [float(f"{20 + tenths[i] / 10:.1f}") for i in rows]
        piece, _ = stream.condense(features([i + 1 for i in rows], value=value))
        sent += [] if piece is None else [number - 1 for number in piece.features.seq]
    expected, last = [0], 0
    for i in range(1, len(tenths)):
        far = abs(tenths[i] - tenths[last]) >= band
        if i - last >= every and (far or 0 < heartbeat <= i - last):
            expected.append(last := i)
    assert sent == expected


def test_a_band_in_another_unit():
    """A board that goes from °C to °F: no number in one says anything of a number in the other."""
    stream = Stream("p/g/b/s", ("g", "b", "s", "r"), {}, Sending(band=1.0))
    pieces = [features([n], value=[20.0], unit=unit) for n, unit in enumerate(("°C", "°C", "°F", "°F", "°C"), 1)]
    assert [piece is not None for piece, _ in map(stream.condense, pieces)] == [True, False, True, False, True]


@pytest.mark.parametrize("how", [Sending(every=100.0), Sending(band=50.0), Sending(100.0, 50.0)])
def test_a_reading_that_changes_the_alarm_is_sent(how):
    """Whatever else says that it is not; and the others are watched as well, and told of the state that they have."""
    stream = Stream("p/g/b/s", ("g", "b", "s", "r"), {}, replace(how, alarm=Alarm(above=30.0)))
    piece, condensed = stream.condense(features(range(1, 8), value=[20, 29, 31, 32, 31, 30, 29]))
    assert (list(piece.features.seq), piece.features.alarm, condensed) == ([1, 3, 6], b"\0\1\0", 4)
    assert piece.condensed == {3: 1, 6: 2}


def test_without_an_alarm_nothing_is_marked():
    """And a batch is sent as it is."""
    made = features([1, 2, 3])
    piece, _ = Stream("p/g/b/s", ("g", "b", "s", "r"), {}, Sending()).condense(made)
    assert piece.features is made and made.alarm == b""
