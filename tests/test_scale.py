"""The programs behind docs/scale.md, in small: what they measure is there, and each counts what it says."""

import pytest

from .scale import connections, consumers, spool, storm
from .scale.ceiling import ceiling

pytestmark = pytest.mark.slow


def test_a_ceiling_is_of_messages_that_were_taken_and_handed_on():
    """All that was sent is acknowledged, and the broker's CPU is that of messages for two subscribers."""
    figures = ceiling(2, 330, 1.0)
    assert figures["messages_in_per_s"] > 1000
    assert figures["messages_out_per_s"] == pytest.approx(2 * figures["messages_in_per_s"], abs=2)
    assert 0 < figures["core"] <= 1.1 and figures["us_a_message"] > 1


@pytest.mark.parametrize("tls", [[], ["--tls"]])
def test_connections_are_gateways_to_who_watches(tls):
    """Each connection is one online gateway in `gateway watch --all`, and takes some memory of the broker."""
    watch = [] if tls else ["--watch"]
    options = connections.arguments(["--gateways", "60", "--seconds", "8", *tls, *watch])
    figures = connections.measured(options)
    if watch:
        assert figures["watch_says"]["gateways"] == figures["watch_says"]["online"] == 60
        assert 20 < figures["watch_mb"] < 200
    assert (20 if tls else 5) < figures["kb_a_gateway"] < 200


@pytest.mark.parametrize("tls", [[], ["--tls"]])
async def test_a_storm_ends_with_all_there_and_nothing_owed(tls):
    """Ten gateways come back to a broker that was killed, and all that waited is acknowledged."""
    figures = await storm.storm(storm.arguments(["--gateways", "10", "--away", "3", *tls]))
    assert figures["backlog"] >= 10 * 4 * 3 * 0.5
    assert 0 < figures["half_s"] <= figures["online_s"] <= figures["drained_s"] < 20


async def test_a_spool_takes_less_a_reading_the_more_it_has():
    """All that it was given is held, and ten times as much is less than ten times as large."""
    few, many = await spool.measured(4, 1, 60), await spool.measured(4, 10, 60)
    assert (few["readings"], many["readings"]) == (240, 2400)
    assert many["bytes_a_reading"] < few["bytes_a_reading"]
    assert few["mb"] > 0.1


def test_consumers_have_written_all_that_was_sent():
    """Two members share what ten gateways send, and each reading is counted once."""
    figures = consumers.measured(consumers.arguments(["--members", "2", "--gateways", "10", "--seconds", "3"]))
    assert figures["readings"] > 100 and figures["readings"] % 4 == 0
    assert 10 < figures["us_a_reading"] < 10_000
