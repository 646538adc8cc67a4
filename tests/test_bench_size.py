"""`gateway bench size`: what it reckons follows from what it measured, and a rate not kept up is not carried."""

import json
from array import array

import pytest

from gateway.bench.size import Step, Told
from gateway.bench.sizing import BOARDS, BUDGET, MOST, RATE, Carried, Point, carried
from gateway.bench.whole import Phase

from .benches import bench

POINTS = [Point(1000.0, 0.2), Point(2000.0, 0.3), Point(4000.0, 0.7)]


@pytest.mark.parametrize(
    ("rate", "idle", "budget", "boards", "limit"),
    [
        (100.0, 0.0, 0.5, 30, BUDGET),  # half-way between 0.3 and 0.7
        (100.0, 0.2, 0.5, 20, BUDGET),  # what silence takes is gone
        (100.0, 0.0, 9.0, 40, RATE),  # nobody has seen more than 4,000 a second
        (10.0, 0.1, 0.5, 150, BUDGET),  # 1500 a second take 0.25, and 150 boards 0.25 in place of 0.1
        (1.0, 0.0, 9.0, MOST, BOARDS),
        (5000.0, 0.0, 9.0, 0, RATE),
        (1.0, 2.0, 1.0, 0, BUDGET),
    ],
)
def test_what_is_carried(rate, idle, budget, boards, limit):
    """As many as fit into the budget, none beyond what was measured."""
    assert carried(rate, POINTS, idle=idle, boards=60, budget=budget) == Carried(rate, boards, limit)


def phase(rate, cpu, late=0.01, lost=0):
    """A phase of 10 s."""
    received = round(rate * 10) - lost
    return Phase(round(rate * 10), received, 0, 10.0, 10 * cpu, 0.0, 0, array("d", [late] * received))


def told(*steps):
    """Of two cores."""
    return Told("any", 2, 1, 0.0, "", 0.0, steps)


def test_a_rate_that_is_not_kept_up_is_not_carried():
    """Readings that come late, or too few of them in the time, end the ladder, however little it costs."""
    good = Step(250.0, 0.0, [phase(250, 0.1)])
    assert good.kept_up
    late = Step(500.0, 0.0, [phase(500, 0.1, late=1.5)])
    few = Step(500.0, 0.0, [phase(400, 0.1)])
    for bad in (late, few):
        assert not bad.kept_up
        assert [one.boards for one in told(good, bad).table()] == [250, 25, 2, 0]
    assert told(late).table() == []
    assert "not even 250 readings/s were kept up" in told(late).trouble()[0]


def test_a_lost_reading_is_trouble():
    """It is in the document, and a sentence of its own."""
    lossy = told(Step(250.0, 0.0, [phase(250, 0.1, lost=3), phase(250, 0.1)]))
    assert lossy.document()["lost"] == 3
    assert lossy.trouble() == ["3 readings are lost at 250 readings/s"]


@pytest.mark.slow
def test_the_command(tmp_path):
    """It climbs until a rate is too much, and its table follows from that: more boards where they say less."""
    changed = """
    from gateway.bench import size
    size.PLUGGED, size.LEAST, size.SECONDS, size.SILENCE, size.SHARE = 2, 50.0, 0.5, 0.2, 0.02
    size.KEPT_UP, size.LATE = 0.1, 30.0  # a busy machine is busy
    """
    with bench(tmp_path, "size", "--json", "--rounds", "1", changed=changed) as process:
        out, err = process.communicate(timeout=90)
    assert (process.returncode, err) == (0, "")
    document = json.loads(out)
    rates = [one["readings_per_s"] for one in document["measured"]]
    assert rates == [50.0 * 2**k for k in range(len(rates))]
    assert all(one["cores"] > 0 for one in document["measured"][-1:])
    boards = [one["boards"] for one in document["table"]]
    assert boards == sorted(boards, reverse=True)
    assert [one["rate"] for one in document["table"]] == [1.0, 10.0, 100.0, 500.0]
    assert document["lost"] == 0
    assert not list(tmp_path.iterdir())
