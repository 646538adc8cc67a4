"""Rows F26, F33, F35 and F94: the workers, what starts them, and the machine's other work."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import tree
from tests.faults.judge import share
from tests.faults.rows import lasting, row

DELAYED = 2.0  # s
WORKERS, WHOLE = 4, 1.0  # s; twice that beside other tests


def helpers(pid: int) -> list[int]:
    """The fork server and the resource tracker of a gateway."""
    found = []
    for one in tree.children(pid):
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{one}/cmdline").read_bytes()
            if b"forkserver" in command or b"resource_tracker" in command:
                found.append(one)
    return found


@row(
    "F26",
    field="A worker dies: the kernel's OOM killer, a bug.",
    happens="kill -9 of a random worker in full flow, 200 times.",
    promised="Nothing lost, nothing twice; each batch is delayed by 2 s at most; each death is counted, and a new "
    "worker is in its place.",
    fast=True,
    full=200,
)
def test_f26_workers_are_killed(scene):
    s = scene(rate=80)
    s.steady()
    kills = int(lasting(200, 25, 6))
    with s.fault():
        for number in range(1, kills + 1):
            os.kill(s.dice.choice(s.gateway.workers()), signal.SIGKILL)
            s.until(lambda number=number: len(s.gateway.workers()) == 2 or number % 3, "a new worker", DELAYED)
            s.spend(s.dice.uniform(0.05, 0.3))
        s.prove(lambda: s.times("pool.worker_lost") > 0, "a worker was lost")
    s.back(within=DELAYED)
    last = s.over(excepted=["latency"])
    slowest = share(s.judge.latencies(set(s.boards), s.began, s.calm), 1.0)
    assert slowest <= DELAYED, f"a batch was delayed by {slowest:.1f} s"
    assert s.told["doubled"] == 0
    assert last["pool"]["replaced"] >= kills * 0.9, "workers that died before they were one are not counted"


@row(
    "F33",
    field="What starts the workers dies.",
    happens="kill -9 of the fork server and of multiprocessing's resource tracker, and then of a worker, again and "
    "again.",
    promised="A new fork server, and new workers within 2 s; nothing lost. Workers are never forked from the gateway "
    "itself.",
    full=120,
)
def test_f33_the_fork_server_is_killed(scene):
    s = scene()
    s.steady()
    with s.fault():
        for _ in range(int(lasting(30, 4, 1))):
            killed, worker = helpers(s.pid), s.gateway.workers()[0]
            for pid in (*killed, worker):
                os.kill(pid, signal.SIGKILL)
            s.prove(killed, "the helpers were killed")
            s.until(lambda: s.gateway.workers(), "a worker of a new fork server", DELAYED + 1)
            s.spend(0.5)
    s.back(within=5)
    s.over(excepted=["latency"])


@row(
    "F35",
    field="The processor is taken by others.",
    happens="Eight busy loops at the gateway's own priority, for two minutes.",
    promised="Latency grows, batches grow; nothing is lost, nobody is blamed: no worker is replaced for being late.",
    full=180,
)
def test_f35_the_processor_is_taken(scene):
    s = scene(rate=30)
    s.steady()
    with s.fault():
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
        s.prove(all(tree.state(one.pid) for one in busy), "eight loops are busy")
        s.hold(120, ci=6)
        for one in busy:
            one.kill()
            one.wait(5)
    s.back(within=5)
    last = s.over(excepted=["latency"])
    assert last["pool"]["replaced"] == 0


@row(
    "F94",
    field="Workers are stopped.",
    happens="SIGSTOP to one worker of four, and to all four at once; while boards send, and while they are quiet, so "
    "that the next batch finds it.",
    promised="Each batch is computed again elsewhere, and delayed by 2 s at most; the other workers go on; all four "
    "are there again 1 s after the first was given up; nothing lost, nothing twice.",
    fast=True,
    full=120,
)
@pytest.mark.parametrize("how_many", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_f94_workers_are_stopped(scene, how_many):
    s = scene(extra=f"[compute]\nworkers = {WORKERS}\n")
    s.until(lambda: len(s.gateway.workers()) == WORKERS, "all workers", 10)
    s.steady()
    with s.fault():
        for quiet in (False, True) * int(lasting(5, 1)):
            if quiet:
                s.pause_boards(0.5)
                s.spend(0.2)
            stopped = s.dice.sample(s.gateway.workers(), how_many)
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            s.prove(lambda stopped=stopped: all(tree.state(pid) in ("T", "Z") for pid in stopped), "they are stopped")
            s.until(
                lambda stopped=stopped: any(tree.state(pid) in ("Z", "") for pid in stopped),
                "one was given up",
                DELAYED,
            )
            s.until(
                lambda stopped=stopped: len(set(s.gateway.workers()) - set(stopped)) == WORKERS,
                "the pool is whole",
                lasting(WHOLE, 2 * WHOLE, 2 * WHOLE),
            )
    s.back(within=DELAYED)
    last = s.over(excepted=["latency"])
    usual, slowest = (
        share(s.judge.latencies(set(s.boards), since, to), 1.0)
        for since, to in ((s.steady_from, s.steady_to), (s.began, s.calm))
    )
    assert slowest <= DELAYED + usual, f"a batch was delayed by {slowest:.1f} s, and {usual:.1f} s before"
    assert s.told["doubled"] == 0
    assert last["pool"]["replaced"] >= how_many
