"""The commands of maintainers that measure the street go on working."""

import asyncio

import pytest

from tests import beside, cycle


def test_a_turn_of_the_street(capsys, monkeypatch):
    """Each of its steps is measured, and all readings are acknowledged."""
    monkeypatch.setattr("sys.argv", ["cycle", "--boards", "3", "--lines", "5", "--turns", "5"])
    assert cycle.main() == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("15 readings a turn")
    assert [line.split("  ")[0] for line in told[2:]] == [*cycle.STEPS, "all"]


@pytest.mark.slow
def test_beside_a_heavy_feature():
    """Readings of the boards that have none arrive, all of them."""
    took = asyncio.run(beside.round_of(200.0, 2.0, heavy=True))
    assert all(value is not None and value > 0 for value in took.values())
