"""The model of a fleet holds at the point that was measured and at one that is measured now; docs/scale.md is by it."""

import math
import re
from dataclasses import replace

import pytest

from .scale import readings
from .scale.model import Costs, Fleet, plan, table
from .scale.picture import picture
from .street import ROOT

RATE = 8  # readings/s of a gateway, which two hundred come to also where others share the machine
PAGE = (ROOT / "docs" / "scale.md").read_text()


def test_one_reading_more_costs_as_much_as_the_one_before():
    """Twice the gateways need twice of all that grows with them, and a fleet of nothing needs one broker."""
    one, two = plan(Fleet(2000, boards=2)), plan(Fleet(4000, boards=2))
    for key in ("readings_per_s", "messages_per_s", "core", "broker_mb", "mbit_in", "mbit_out", "storm_cpu_s"):
        assert getattr(two, key) == pytest.approx(2 * getattr(one, key))
    assert (one.hours, one.disk_mb_a_day) == (two.hours, two.disk_mb_a_day)
    assert plan(Fleet(1, rate=0.001)).brokers == 1


@pytest.mark.parametrize("subscribers", [0, 1, 4])
def test_rows_pay_where_readings_come_together(subscribers):
    """Alone a reading is larger as a row; ten of them in a message cost less of everything."""
    alone = Fleet(100, rate=10, subscribers=subscribers)
    reading, row = plan(alone), plan(replace(alone, payload="rows"))
    ten = plan(replace(alone, payload="rows", together=10))
    assert row.bytes_a_reading > reading.bytes_a_reading > 2 * ten.bytes_a_reading
    assert ten.core < 0.5 * reading.core
    assert plan(replace(alone, together=10)) == reading, "what comes together makes no message less of payload reading"


def test_brokers_are_as_many_as_the_busy_share_asks_for():
    """None is busier than half of its core, and with one less they would be."""
    found = plan(Fleet(10_000, boards=4, rate=1))
    assert found.brokers > 1
    assert found.core / found.brokers <= 0.5 < found.core / (found.brokers - 1)
    assert found.drained_s < math.inf


def test_the_page_has_the_table_of_the_model():
    """The table of plans in docs/scale.md is what the model says."""
    assert table() in PAGE


def test_the_page_has_the_picture_of_the_model():
    """The picture in docs/scale.md is drawn by the model as it is."""
    assert (ROOT / "docs" / "pictures" / "scale.svg").read_text() == picture()


def test_the_page_holds_the_model_against_what_was_measured():
    """In docs/scale.md the comparison has the model's figures, and what was measured is within the error stated."""
    part = PAGE.partition("## The model")[2]
    most = {name: float(value) for value, name in re.findall(r"within (\d+) % in (\w+)", part)}
    found, after = plan(Fleet(200, rate=5)), plan(Fleet(200, away=60))
    ours = {
        "CPU": 1e6 * found.core / found.readings_per_s,
        "bytes": found.bytes_a_reading,
        "memory": plan(Fleet(10_000, rate=0.001)).broker_mb,
        "storms": after.storm_cpu_s,
    }
    rows = re.findall(r"^\| (\w+) of [\d,]+ gateways[^|]*\| ([\d.]+)[^|]*\| ([\d.]+)[^|]*\|$", part, re.MULTILINE)
    assert [name for name, *_ in rows] == list(ours) == list(most)
    for name, measured, said in rows:
        assert float(said) == pytest.approx(ours[name], rel=0.01)
        assert float(measured) == pytest.approx(ours[name], rel=most[name] / 100)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_model_goes_on_from_a_small_fleet():
    """What twenty gateways cost the broker and the network of this machine says what two hundred do: CPU a reading
    within a half, since others share the machine, bytes within a tenth.
    """
    none, one = (_measured(20, subscribers) for subscribers in (0, 1))
    silent = plan(Fleet(20, rate=RATE / 4, subscribers=0))
    bare = plan(Fleet(20, rate=RATE / 4), replace(Costs(), segment=0.0))
    each = bare.messages_per_s / bare.readings_per_s
    costs = Costs(
        in_us=Costs().in_us * none["broker_us_a_reading"] / (1e6 * silent.core / silent.readings_per_s),
        out_us=one["broker_us_a_reading"] - none["broker_us_a_reading"],
        segment=(one["bytes_out"] - bare.bytes_a_reading) / each,
    )
    large = _measured(200, 1)
    found = plan(Fleet(200, rate=large["readings_per_s"] / 800), costs)
    assert large["broker_us_a_reading"] == pytest.approx(1e6 * found.core / found.readings_per_s, rel=0.5)
    assert large["bytes_out"] == pytest.approx(found.bytes_a_reading, rel=0.1)


def _measured(gateways, subscribers):
    options = ["--gateways", gateways, "--rate", RATE, "--seconds", 8, "--subscribers", subscribers]
    return readings.measured(readings.arguments(list(map(str, options))))
