"""Binary boards on real pseudo-terminals, with their faults: what they wrote whole is what the subscriber has."""

from collections import Counter

import pytest

from simulators import KINDS, Board

from .street import configuration, running, until


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fixed", "cobs", "slip"])
def test_what_was_whole_arrives(tmp_path, mosquitto, judge, kind):
    """Bytes lost, bits changed, a record twice, an unplug: each damaged record is one refusal, and no other is lost."""
    values = [f"{20 + number / 8:.3f}" if kind != "fixed" else f"{20 + number / 8:.1f}" for number in range(1600)]
    with Board(kind, rate=100, values=values, name="bench") as board:
        table = f'[[boards]]\nname = "bench"\nport = "{board.path}"\n{KINDS[kind].needs}'
        with running(tmp_path, configuration(mosquitto.port, {}, table)) as gateway:
            for name in ("drop", "garble", "duplicate", "garble"):
                reached = board.written.lines + 40
                until(lambda reached=reached: board.written.lines >= reached, f"{reached} records")
                board.fault(name)
            reached = board.written.lines + 40
            until(lambda: board.written.lines >= reached, "the last record before the unplug")
            board.fault("unplug", 0.5)
            board.wait_done()
            wanted = board.written.readings + 4 * board.written.repeated
            until(lambda: len(judge.features) >= wanted, f"{wanted} readings")
            assert gateway.stop() == 0
        written = board.written
    assert written.damaged == 3
    assert len(judge.features) == wanted
    sent = Counter({f"T{number}": written.sensors[f"T{number}"] + written.repeated for number in (1, 2, 3, 4)})
    assert Counter(one["sensor"] for one in judge.features) == sent
    assert {one["value"] for one in judge.features} <= set(map(float, values))
    place = {f"T{number}": number - 5 for number in (1, 2, 3, 4)}
    assert all(one["value"] == float(values[4 * one["count"] + place[one["sensor"]]]) for one in judge.features)
    status = judge.documents["gateway/gw/bench/status"]
    assert sum(status["refused"].values()) == 3
    assert status["refused_values"] == {}
    assert status["frames"] == status["decoded"] + status["noise"] + 3
