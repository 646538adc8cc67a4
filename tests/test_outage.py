"""An hour without a broker, in small: what came meanwhile lies on the disk, and arrives when the broker is back."""

import time
from contextlib import ExitStack

import pytest

from simulators import Board

from .street import Judge, configuration, running, until

BOARDS, SENSORS, RATE = 4, 2, 125.0  # 1,000 readings/s
OUTAGE = 15.0  # s
STATUS = "gateway/gw/status"


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("mosquitto", [["persistence true"]], indirect=True)
def test_an_outage_at_a_thousand_readings_a_second(tmp_path, mosquitto):
    """All arrives, in order, marked; what is live is fresh at once; at most 60 bytes a reading on the disk."""
    judge = Judge(mosquitto.port)
    with ExitStack() as stack:
        boards = {
            f"b{k}": stack.enter_context(Board(kind="kv", sensors=SENSORS, rate=RATE, seed=k, name=f"b{k}"))
            for k in range(BOARDS)
        }
        ports = {name: board.path for name, board in boards.items()}
        gateway = stack.enter_context(running(tmp_path, configuration(mosquitto.port, ports)))
        until(lambda: len(judge.features) > 1000, "readings flow", 30)
        mosquitto.stop()
        time.sleep(OUTAGE)  # how long the fault lasts
        lying = sum(file.stat().st_size for file in (tmp_path / "state").iterdir())
        seen, last = len(judge.features), len([topic for topic, _ in judge.history if topic.endswith("/last")])
        mosquitto.start()
        back = time.monotonic()
        live = lambda: any(not row.get("replayed") for row in judge.features[seen:])  # noqa: E731
        until(live, "live readings", 5)
        until(lambda: len([t for t, _ in judge.history if t.endswith("/last")]) > last, "a fresh `last`", 5)
        fresh = time.monotonic() - back
        until(lambda: judge.documents[STATUS]["spooled"] == 0 and replayed(judge), "the disk is empty", 120)
        took = time.monotonic() - back
        came = replayed(judge)
        print(f"live after {fresh:.2f} s; {came / took:.0f} readings/s from the disk; {lying / came:.1f} bytes each")
        assert fresh < 2.0
        assert came > 0.8 * OUTAGE * BOARDS * SENSORS * RATE
        assert lying / came <= 60
        for board in boards.values():
            board.stop()
            board.wait_done()
        written = {
            (name, sensor): count for name, board in boards.items() for sensor, count in board.written.sensors.items()
        }
        heard = lambda: {key: len({row["seq"] for row in judge.of(*key)}) for key in written}  # noqa: E731
        until(lambda: heard() == written, "every reading that was written", 60)
        assert gateway.stop(12) == 0
    for key in written:
        first: dict[int, object] = {}  # of two copies the first counts
        for row in judge.of(*key):
            first.setdefault(row["seq"], row.get("replayed"))
        for kind in (True, None):
            seqs = [seq for seq, replayed in first.items() if replayed is kind]
            assert seqs == sorted(seqs), (key, kind)
    judge.close()


def replayed(judge):
    """Readings that had been on the disk."""
    return sum(1 for row in list(judge.features) if row.get("replayed"))
