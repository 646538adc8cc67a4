"""Signals from the first moment of a start on: a stop ends it well, a reload is heeded once it runs."""

import os
import signal
import time
from pathlib import Path

import pytest

from .street import configuration, running, until

NOBODY = 1  # a port at which no broker listens


def at_the_first_moment(pid: int) -> None:
    """Waits until the process has a handler for SIGHUP, and sees that it has not imported its libraries yet."""
    until(lambda: handled(pid) & 1 << (signal.SIGHUP - 1), "handlers are there")
    assert "pydantic" not in Path(f"/proc/{pid}/maps").read_text()


def handled(pid: int) -> int:
    """The signals that a process has handlers for, a bit each."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("SigCgt")).split()[1], 16)


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 0.1, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_middle_of_a_start(tmp_path, number, after):
    """SIGTERM or SIGINT at any moment from the first handler on: exit code 0, soon, without a traceback."""
    with running(tmp_path, configuration(NOBODY, {"a": "/dev/ttyX0"})) as gateway:
        at_the_first_moment(gateway.process.pid)
        time.sleep(after)
        gateway.process.send_signal(number)
        assert gateway.process.wait(5.0) == 0
        assert gateway.stop() == 0


def test_a_reload_in_the_middle_of_a_start(tmp_path):
    """SIGHUP before anything is imported: the gateway starts, and reads its configuration again once it runs."""
    with running(tmp_path, configuration(NOBODY, {"a": "/dev/ttyX0"})) as gateway:
        at_the_first_moment(gateway.process.pid)
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: [e for e in gateway.events() if e["event"] == "config.reloaded"], "it is read again")
        assert gateway.stop() == 0


@pytest.mark.slow
def test_a_stop_while_the_first_worker_does_not_come(tmp_path):
    """The fork server hangs at the start: SIGTERM ends the gateway all the same, and the fork server with it."""
    with running(tmp_path, configuration(NOBODY, {"a": "/dev/ttyX0"})) as gateway:
        (server,) = until(lambda: [pid for pid in gateway._children() if "forkserver" in command(pid)], "it is there")
        os.kill(server, signal.SIGSTOP)
        until(lambda: (tmp_path / "state" / "lock").exists(), "it runs, and waits for a worker")
        assert gateway.stop(patience=5.0) == 0
        assert {e["event"] for e in gateway.events()} - {"config.unwise"} == {"service.stopping"}
    until(lambda: not Path(f"/proc/{server}").exists(), "nothing is left")


def command(pid: int) -> str:
    """How a process was started; "" when it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
