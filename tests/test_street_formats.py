"""Patterns, blocks and sentences through the whole street: what boards wrote arrives, by name and in order."""

import random

import pytest

from simulators import KINDS, Board

from .street import configuration, running, until

SENSORS, RECORDS = 9, 300


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["regex", "block", "nmea"])
def test_every_value_comes_through(tmp_path, mosquitto, judge, kind):
    """Between banners and blank lines each value arrives once, by its sensor's name, with the board's own number."""
    dice = random.Random(kind)
    texts = [f"{dice.uniform(-55, 125):.2f}" for _ in range(SENSORS * RECORDS)]
    with Board(kind, sensors=SENSORS, values=texts, pace="none") as board:
        table = f'[[boards]]\nname = "b"\nport = "{board.path}"\n{KINDS[kind].needs}'
        with running(tmp_path, configuration(mosquitto.port, {}, table)) as gateway:
            until(lambda: len(judge.features) >= len(texts), "all readings", 30)
            assert gateway.stop() == 0
    for place, sensor in enumerate(board.sensors):
        rows = judge.of("b", sensor)
        assert [row["value"] for row in rows] == [float(text) for text in texts[place::SENSORS]]
        if kind == "regex":
            assert [row["count"] for row in rows] == list(range(1, RECORDS + 1))
    document = judge.documents["gateway/gw/b/status"]
    records = RECORDS if kind == "block" else SENSORS * RECORDS
    assert (document["decoded"], document["format"], document["refused"]) == (records, kind, {})
    assert document["frames"] == document["decoded"] + document["noise"]
    assert (document["count_gaps"], document["restarts"]) == (0, 0)
