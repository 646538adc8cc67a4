"""The start of the service: what keeps it from that ends in a sentence, and it can be stopped meanwhile."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time

import pytest

from gateway import config, service
from gateway.config import password
from tests.street import ROOT, until


@pytest.fixture
def secret(tmp_path):
    """The password of a gateway with a broker of its own; its configuration lies beside it."""
    file = tmp_path / "secret"
    file.write_text("p")
    file.chmod(0o600)
    (tmp_path / "gateway.toml").write_text(
        f'[gateway]\nstate_dir = "{tmp_path / "state"}"\n'
        '[mqtt]\nurl = "embedded"\nlisten = "127.0.0.1:1883"\nusername = "u"\npassword_file = "secret"\n'
        '[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\n'
    )
    return file


DELETED = """
import sys
from pathlib import Path
from gateway import cli, signals

heed = signals.heed
signals.heed = lambda *given: (Path(sys.argv[1]).unlink(), heed(*given))
sys.exit(cli.run(["run", "-c", sys.argv[2]]))
"""


def test_a_password_that_cannot_be_read_for_our_own_broker_ends_the_start(secret):
    """It is deleted when the configuration has been read: one sentence in the log, no traceback, and exit code 1."""
    words = [sys.executable, "-c", DELETED, str(secret), str(secret.parent / "gateway.toml")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    (said,) = [line for line in done.stderr.splitlines() if "service." in line or "Traceback" in line]
    assert "service.failed" in said
    assert "mqtt.password_file: " in said
    assert "cannot be used: No such file or directory" in said
    assert done.returncode == 1


async def test_a_stop_while_the_password_for_our_own_broker_hangs(secret, monkeypatch):
    """It is heeded at once, and no broker and no worker was started."""
    made = config.load(secret.parent / "gateway.toml")
    secret.unlink()
    os.mkfifo(secret, 0o600)
    monkeypatch.setattr(password, "PATIENCE", 60.0)
    stop, gateway = asyncio.Event(), service.Service(made)
    running = asyncio.ensure_future(gateway.run(stop))
    try:
        async with asyncio.timeout(20):
            await asyncio.to_thread(until, readers, "the password is read")
            stop.set()
            await running
        assert gateway._embedded is None
    finally:
        running.cancel()
        deadline = time.monotonic() + 20
        for thread in readers():
            while thread.is_alive() and time.monotonic() < deadline:
                with contextlib.suppress(OSError):  # it has not come so far as to open it
                    os.close(os.open(secret, os.O_WRONLY | os.O_NONBLOCK))
                thread.join(0.05)


def readers():
    """The threads that read the password."""
    return [thread for thread in threading.enumerate() if thread.name == "password"]
