"""The gateway is killed while what it has started is stopped (SIGSTOP): none of that stays."""

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from tests.faults.tree import alive
from tests.street import ROOT
from tests.waiting import until

PROGRAM = """
import os, sys, threading, time
from multiprocessing import forkserver
from gateway.compute.process import begin, spawn

def started():
    begin()
    return spawn()

first = []
if sys.argv[1] == "main":
    begin()
thread = threading.Thread(target=lambda: first.append(started()))
thread.start()
thread.join()
assert first[0].pipe.recv(100), "it says that it is ready"
server = forkserver._forkserver._forkserver_pid
second = spawn()
assert second.pipe.recv(100), "the fork server lives on when the thread has ended"
assert forkserver._forkserver._forkserver_pid == server
print(server, first[0].pid, second.pid, flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def program(begun_in):
    """One that has a fork server, begun in its main thread or in a short-lived one, and two workers; and their pids."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, begun_in], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pids = []
    try:
        pids += map(int, process.stdout.readline().split())
        assert len(pids) == 3
        yield process, pids
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        for pid in filter(alive, pids):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("stopped", [[0], [0, 1], [0, 1, 2], [1]])
async def test_the_stopped_end_with_it(stopped):
    """The fork server, workers of it, or both: within 2 s nobody is left."""
    with program("main") as (process, pids):
        for number in stopped:
            os.kill(pids[number], signal.SIGSTOP)
        process.kill()
        await until(lambda: not any(map(alive, pids)), within=2.0)


async def test_a_fork_server_outlives_the_thread_that_started_it():
    """So one is started that takes another's place; it makes workers after that, and sees the end of the gateway."""
    with program("thread") as (process, pids):
        assert all(map(alive, pids))
        process.kill()
        await until(lambda: not any(map(alive, pids)), within=2.0)
