"""A street under one fault after another, for as long as the budget allows: nothing lost, nothing grows."""

import os
import random
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulators import Board

from .street import Judge, configuration, running, until

KINDS = ("plain", "csv", "kv", "json")


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mosquitto", [["persistence true"]], indirect=True)
def test_soak(tmp_path, mosquitto, budget):
    """Workers are killed, the broker is restarted and frozen, one board is pulled out, at random moments."""
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)
    judge = Judge(mosquitto.port)
    with ExitStack() as stack:
        boards = {kind: stack.enter_context(Board(kind=kind, sensors=2, rate=100, name=kind)) for kind in KINDS}
        flappy = stack.enter_context(Board(kind="plain", sensors=1, rate=100, name="flappy"))
        ports = {name: board.path for name, board in boards.items()} | {"flappy": flappy.path}
        gateway = stack.enter_context(running(tmp_path, configuration(mosquitto.port, ports)))
        until(lambda: len(judge.features) > 1000, "readings flow")
        before = resident(gateway.process.pid)
        end = time.monotonic() + budget
        done = []

        def kill_worker() -> None:
            for pid in gateway.workers()[:1]:
                os.kill(pid, signal.SIGKILL)

        def restart_broker() -> None:
            mosquitto.stop()
            mosquitto.start()

        def freeze_broker() -> None:
            mosquitto.signal(signal.SIGSTOP)
            time.sleep(dice.uniform(0.1, 2.0))  # how long the fault lasts
            mosquitto.signal(signal.SIGCONT)

        def pull_out() -> None:
            flappy.unplug()
            flappy.plug()

        while time.monotonic() < end:
            fault = dice.choice([kill_worker, kill_worker, restart_broker, freeze_broker, pull_out])
            fault()
            done.append(fault.__name__)
            seen = {name: len(judge.of(name, sensor)) for name, sensor in (("plain", "S1"), ("kv", "T1"))}
            until(lambda seen=seen: len(judge.of("plain", "S1")) > seen["plain"] + 100, f"plain after {done[-1]}", 30)
            until(lambda seen=seen: len(judge.of("kv", "T1")) > seen["kv"] + 100, f"kv after {done[-1]}", 30)
        for board in boards.values():
            board.stop()
            board.wait_done()
        sent = {name: dict(board.written.sensors) for name, board in boards.items()}
        until(lambda: all(received(judge, name) == sent[name] for name in boards), "every reading that was written", 60)
        assert resident(gateway.process.pid) < before + 20_000_000, f"grown after {done}"
        assert gateway.stop() == 0
    judge.close()
    for name in ("plain", "S1"), ("kv", "T2"), ("flappy", "temperature"):
        seqs = list(dict.fromkeys(row["seq"] for row in judge.of(*name)))
        assert seqs == sorted(seqs), f"{name}: out of order"
    assert len(done) >= 3


def received(judge: Judge, board: str) -> dict[str, int]:
    """Different readings of each sensor that the judge has."""
    sensors = {sensor for name, sensor in list(judge.sensors) if name == board}
    return {sensor: len({row["seq"] for row in list(judge.of(board, sensor))}) for sensor in sensors}
