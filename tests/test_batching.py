"""Which readings make a batch: pure decisions, without a loop or a clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compute.batch import answer
from gateway.compute.batching import HEAVIEST, MOST, SPLIT_AT, batch, leaves, portion, read, settled, written
from gateway.compute.sensors import Sensor
from gateway.compute.wire import Nonsense
from gateway.model import Plan


def sensor(name="S1", waiting=0, board="a", **plan):
    """A sensor with readings that wait, a second apart."""
    one = Sensor(board, name, Plan(**plan))
    for k in range(waiting):
        one.add(20.0 + k % 7, "°C", None, 0.0, float(k))
    return one


def computed(made):
    """The features of a batch."""
    results = read(answer(written(made)))
    assert not isinstance(results, str), results
    return settled(made, results)


@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=40), st.integers(1, 16))
def test_a_portion_is_bounded_and_never_empty(waiting, free):
    """At least one reading, at most MOST, at most all; and `free` portions carry all that does not exceed the bound."""
    most = portion(waiting, free)
    assert 1 <= most <= min(sum(waiting), MOST)
    assert most * free >= min(sum(waiting), MOST)


@pytest.mark.parametrize(
    ("waiting", "free", "due"),
    [
        ([3], 4, 3),
        ([1] * 20, 4, 20),  # few: one batch
        ([100] * 8, 4, 200),  # many: this worker's share
        ([100] * 8, 1, 800),  # nobody else is free
        ([4000], 4, 4000),  # a board's batch is not divided
        ([20_000], 4, MOST),
        ([20_000, 1], 1, MOST),
        ([SPLIT_AT - 2, 1], 2, SPLIT_AT - 1),
        ([SPLIT_AT - 1, 1], 2, SPLIT_AT // 2),
    ],
)
def test_portions(waiting, free, due):
    """All of it, or a share where others are free and there is much."""
    assert portion(waiting, free) == due


def test_a_batch_leaves_when_its_oldest_has_lingered():
    """At once without a linger; an hour, tested at once."""
    assert leaves(5.0, 5.0, 0.0)
    assert not leaves(0.0, 3599.0, 3600.0)
    assert leaves(0.0, 3600.0, 3600.0)


def test_equal_plans_are_computed_together():
    """Sensors of two boards with one plan are one group; another plan is another group."""
    sensors = [sensor("S1", 2), sensor("S2", 1, "b"), sensor("S3", 1, window_s=5.0)]
    made = batch(sensors, 100)
    assert [[entry.sensor.name for entry in group] for group in made.groups] == [["S1", "S2"], ["S3"]]
    assert (made.boards, made.readings) == (("a", "b"), 4)
    assert [(f.board, f.sensor, len(f)) for f in computed(made)] == [("a", "S1", 2), ("b", "S2", 1), ("a", "S3", 1)]


def test_a_batch_takes_the_oldest_and_no_more_than_it_may():
    """The first sensors' readings, oldest first; the rest waits."""
    first, second = sensor("S1", 10), sensor("S2", 10)
    made = batch([first, second], 12)
    assert [list(f.seq) for f in computed(made)] == [list(range(1, 11)), [1, 2]]
    assert [row.seq for row in second.fresh] == list(range(3, 11))


@pytest.mark.slow
@pytest.mark.parametrize("use", [("mean",), ("median",), ("mean", "median"), ("slope",)])
def test_what_windows_weigh_is_bounded(use):
    """Sensors whose windows have to be sent whole are spread over batches; one alone may be heavier."""
    sensors = [sensor(f"S{k}", 9000, window_s=None, window_n=9000, use=use) for k in range(12)]
    for _ in range(2):
        while waiting := [one for one in sensors if one.fresh]:
            made = batch(waiting, 10**9)
            assert sum(entry.part.weight for entry in made.entries) < HEAVIEST + 9000
            computed(made)
        for one in sensors:
            one.add(1.0, "°C", None, 0.0, 1e4)
    large = sensor("S", 50_000, window_s=None, window_n=50_000, use=use)
    computed(batch([large], 10**9))
    large.add(1.0, "°C", None, 0.0, 1e6)
    assert list(computed(batch([large], 10))[0].n) == [50_000]


def test_a_board_that_changes_its_unit():
    """A batch holds readings of one unit; the next unit's are in the next batch, with a window of their own."""
    one = sensor(waiting=2, use=())
    for unit in ("K", "K", "°F", "K"):
        one.add(300.0, unit, 7, 1.5, 10.0)
    pieces = []
    while one.fresh:
        pieces += computed(batch([one], 100))
    assert [(f.unit, list(f.seq)) for f in pieces] == [("°C", [1, 2]), ("K", [3, 4]), ("°F", [5]), ("K", [6])]
    assert [list(f.n) for f in pieces] == [[1, 2], [1, 2], [1], [1]]
    assert pieces[1].count == [7, 7]


def test_apart_is_each_sensor_alone_with_the_same_readings():
    """A batch that failed can be written again sensor by sensor, and gives the same features."""
    plan = {"window_s": None, "window_n": 5, "use": ("mean", "slope")}
    pair = [sensor("S1", 8, **plan), sensor("S2", 3, **plan)]
    twins = [sensor("S1", 8, **plan), sensor("S2", 3, **plan)]
    together = computed(batch(pair, 100))
    alone = [f for one in batch(twins, 100).apart() for f in computed(one)]
    assert repr(together) == repr(alone)  # NaN, too


def test_what_a_window_keeps_is_bounded():
    """A window of 10,000 with a slope: at most 90 bytes a reading, however long the sensor runs."""
    one = sensor(window_s=None, window_n=10_000, use=("slope",))
    t, largest = 0.0, 0
    for _ in range(400):
        for _ in range(100):
            t += 1.0
            one.add(20.0, "°C", None, 0.0, t)
        computed(batch([one], 100))
        largest = max(largest, 16 * len(one.history_t) + len(one.suffixes))
    assert 800_000 < largest <= 900_000
    assert one.entered == 40_000


def test_a_quality_that_there_is_not():
    """An answer that names one is none, whoever gives it; nothing has changed, and the batch is computed again."""
    made = batch([sensor(waiting=3)], 3)
    results = read(answer(written(made)))
    with pytest.raises(Nonsense):
        settled(made, [one._replace(quality=b"\xff" + one.quality[1:]) for one in results])
    assert [list(features.seq) for features in settled(made, results)] == [[1, 2, 3]]


def test_suffixes_of_another_number():
    """Each whole sensor's are as many as readings that its window keeps: more, or fewer, are no answer, and nothing has
    changed; without that a stranger's answer would fill the memory, or put a window where there is none."""
    plan = Plan(window_s=None, window_n=8, use=("mean",))
    one = Sensor("b", "s", plan)
    seen = 0
    for k in range(12):
        one.add(float(k), "", None, float(k), float(k))
        made = batch([one], 9)
        (result,) = read(answer(written(made)))
        if made.groups[0][0].part.whole:
            seen += 1
            (suffixes,) = result.suffixes
            before = one.front, one.suffixes, one.suffix_from
            for wrong in (suffixes + bytes(one.stride), suffixes[one.stride :] + b"x", bytes(100 * one.stride)):
                with pytest.raises(Nonsense):
                    settled(made, [result._replace(suffixes=[wrong])])
            with pytest.raises(Nonsense):
                settled(made, [result._replace(suffixes=[suffixes, suffixes])])
            assert (one.front, one.suffixes, one.suffix_from) == before
        settled(made, [result])
    assert seen
