"""Other programs on our ports, with a real `cat` on a real pseudo-terminal."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

from gateway.ingest.identity import Device, device
from gateway.ingest.sharing import sharers, watch
from tests.readers import until


@pytest.fixture
def port():
    """The path of a port that this process has open, as the gateway would."""
    main, other = os.openpty()
    yield os.ttyname(other)
    os.close(main)
    os.close(other)


class Reader:
    """A board whose port is open, and what it is told."""

    def __init__(self, path: str) -> None:
        self.device: Device | None = device(os.stat(path))
        self.told: list[str | None] = []

    def share(self, sharer: str | None) -> None:
        if self.told[-1:] != [sharer]:
            self.told.append(sharer)


def test_a_cat_is_found_and_we_are_not(port):
    """Another process on the port is found by the device, whatever path it took; this process is no other."""
    wanted = {device(os.stat(port)), Device(os.makedev(4, 99), 0)}
    assert sharers(wanted) == {}
    with subprocess.Popen(["cat", port], stdout=subprocess.DEVNULL) as cat:
        deadline = time.monotonic() + 5
        while not (found := sharers(wanted)) or "cat" not in found[device(os.stat(port))]:
            assert time.monotonic() < deadline, "cat was not found"
        assert found == {device(os.stat(port)): (cat.pid, "cat")}
        cat.kill()


BOARD = """
import os, sys
main, other = os.openpty()
print(os.ttyname(other), flush=True)
if os.fork() == 0:  # a simulator's own child has both ends too
    sys.stdin.read()
    os._exit(0)
sys.stdin.read()
"""


def test_a_board_that_keeps_both_ends_is_no_other_reader():
    """A simulator with both ends of its pseudo-terminal is the board; a `cat` on it is found all the same, though it
    has the other end of another one."""
    with subprocess.Popen([sys.executable, "-c", BOARD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as board:
        path = board.stdout.readline().decode().strip()
        wanted = {device(os.stat(path))}
        assert path in {os.readlink(f"/proc/{board.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{board.pid}/fd")}
        assert sharers(wanted) == {}
        main, other = os.openpty()
        with subprocess.Popen(["cat", path], stdout=subprocess.DEVNULL, pass_fds=(main, other)) as cat:
            deadline = time.monotonic() + 5
            while not (found := sharers(wanted)) or "cat" not in found[device(os.stat(path))]:
                assert time.monotonic() < deadline, "cat was not found"
            assert found == {device(os.stat(path)): (cat.pid, "cat")}
            cat.kill()
        os.close(main)
        os.close(other)
        board.stdin.close()


def test_a_proc_that_is_not_ours_to_read(tmp_path):
    """What cannot be read is passed over: other users' processes, those that end meanwhile, no /proc at all."""
    wanted = {Device(1, 0)}
    assert sharers(wanted, tmp_path / "nothing") == {}
    (tmp_path / "77").mkdir()
    (tmp_path / "77/fd").write_text("no folder")
    (tmp_path / "78/fd").mkdir(parents=True)
    (tmp_path / "78/fd/0").symlink_to("/dev/gone-meanwhile")
    assert sharers(wanted, tmp_path) == {}


async def test_readers_are_told(port):
    """Each look tells the readers whose port is open who shares it; one that has none open is not told."""
    one, closed = Reader(port), Reader(port)
    closed.device = None
    watching = asyncio.create_task(watch({"one": one, "closed": closed}, period=0.01))
    await until(lambda: one.told == [None])
    cat = await asyncio.create_subprocess_exec("cat", port, stdout=subprocess.DEVNULL)
    await until(lambda: one.told[-1] == f"cat (pid {cat.pid})", within=5.0)
    cat.kill()
    await cat.wait()
    await until(lambda: one.told[-1] is None, within=5.0)
    assert closed.told == []
    watching.cancel()
    await asyncio.wait({watching})
