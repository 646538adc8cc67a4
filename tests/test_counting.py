"""A board's own numbers: gaps, wraps, repeats, late ones, and a board that starts anew."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.counting import AWAITED, SENSORS, Counting
from gateway.model import Sample, Stretch


def counted(*records: int | tuple[str, int] | None) -> tuple[int, int]:
    """(missing, restarts). A number: a record of two sensors; (sensor, number): a record of its own."""
    counting = Counting()
    for record in records:
        one = [record] if isinstance(record, tuple) else [("S1", record), ("S2", record)]
        counting.take([Sample(sensor, 1.0, "°C", count) for sensor, count in one])
        assert counting.missing >= 0
    return counting.missing, counting.restarts


@pytest.mark.parametrize(
    "numbers, missing",
    [
        ([5, 6, 7], 0),
        ([5, 6, 9], 2),
        ([5, 6, 9, 8, 10], 1),
        ([5, 7, 6, 8], 0),
        ([5, 5, 5, 6], 0),
        ([5, 6, 7, 6, 8], 0),
        ([None, 5, None, 7], 1),
        ([10**18 - 2, 10**18 - 1], 0),
    ],
)
def test_gaps(numbers, missing):
    """What never came is counted once, what came late or twice is not."""
    assert counted(*numbers) == (missing, 0)


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("lost", [0, 1, 3])
def test_a_wrap_is_no_gap(bits, lost):
    """A counter that goes over its end goes on; what is lost there is counted."""
    numbers = [(2**bits - 5 + step) % 2**bits for step in range(40)]
    del numbers[3 : 3 + lost]
    assert counted(*numbers) == (lost, 0)


@pytest.mark.parametrize("start", [0, 1, 3])
def test_a_restart(start):
    """A board that begins anew is told, once, and nothing is missing."""
    assert counted(*range(100, 200), *range(start, 50)) == (0, 1)


def test_restarts_in_a_row():
    """A board that reboots again and again is told each time."""
    assert counted(*chain.from_iterable(range(30) for _ in range(4))) == (0, 3)


def test_sensors_that_share_the_boards_numbers():
    """Records of one sensor each, numbered through: what is lost is lost to the board."""
    records = [(f"S{number % 3}", number) for number in range(1, 50) if number not in (7, 8, 20)]
    assert counted(*records) == (3, 0)


def test_sensors_that_say_the_records_number():
    """Each sensor of a record has a line of its own, with the record's number: a lost line is one missing."""
    records = [(f"S{sensor}", number) for number in range(1, 20) for sensor in range(3)]
    again = [(f"S{sensor}", number) for number in range(5) for sensor in range(3)]
    assert counted(*records, *again) == (0, 1)
    records.remove(("S0", 9))
    assert counted(*records) == (1, 0)


def test_sensors_that_count_for_themselves():
    """Rows of numbers that have nothing to do with each other."""
    numbers = zip(range(100, 120), range(5000, 5020), strict=True)
    records = list(chain.from_iterable((("A", a), ("B", b)) for a, b in numbers))
    records.remove(("A", 110))
    assert counted(*records) == (1, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2**64))))
def test_any_numbers_are_taken(records):
    """Nothing a board can say raises, and nothing is kept without a bound."""
    counting = Counting()
    for sensor, count in records:
        counting.take([Sample(sensor, 1.0, "°C", count)])
        assert len(counting._awaited) <= AWAITED
        assert counting.missing >= 0


def test_memory_is_bounded():
    """Ever new names are not remembered for ever."""
    counting = Counting()
    for number in range(SENSORS + 100):
        counting.take([Sample(f"S{number}", 1.0, "°C", number)])
    assert len(counting._of) == SENSORS


@given(
    st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 9), st.sampled_from([0, 1, 1, 1, 2, 10**17]), st.integers(1, 6)),
        max_size=8,
    )
)
def test_many_records_at_once(runs):
    """Records that are taken together are counted as those that are taken one by one, and so is what comes after."""
    together, one_by_one = Counting(), Counting()
    for width, start, step, frames in runs:
        names = [f"S{number}" for number in range(start % 3, start % 3 + width)]
        records = [[Sample(name, 1.0, "°C", start + step * at) for name in names] for at in range(frames)]
        takes, counts = [(name, "°C") for name in names], [record[0].count for record in records]
        together.stretch(Stretch(frames, [[1.0] * frames] * width, takes, counts=counts))
        for record in records:
            one_by_one.take(record)
        assert vars(together) == vars(one_by_one)
