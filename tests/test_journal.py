"""The journal's protocol: what is sent, when it is spoken, and that nobody may listen."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from gateway.log import journal
from gateway.log.lines import safe
from tests.street import ROOT


@pytest.fixture
def listener(tmp_path, monkeypatch):
    """Stands for journald."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "socket"))
        one.settimeout(10)
        monkeypatch.setattr(journal, "SOCKET", str(tmp_path / "socket"))
        yield one


def test_an_event_with_its_fields(listener):
    """The message is the line that others get; the level is a priority; plain fields can be asked for."""
    event = {"time": "t", "level": "warning", "event": "board.offline", "board": "bench", "ports": ["a", "b"]}
    channel = journal.Channel()
    channel.write(f"{journal.record(event)}\n".encode())
    channel.close()
    fields = dict(line.split("=", 1) for line in listener.recv(4096).decode().splitlines())
    assert json.loads(fields.pop("MESSAGE")) == event
    assert fields == {
        "PRIORITY": "4", "SYSLOG_IDENTIFIER": "gateway", "GATEWAY_TIME": "t", "GATEWAY_LEVEL": "warning",
        "GATEWAY_EVENT": "board.offline", "GATEWAY_BOARD": "bench",
    }  # fmt: skip


def test_no_field_brings_another():
    """What a board says cannot add a field of its own: line feeds are spelled before."""
    event = safe(
        None, "", {"level": "info", "event": "custom.output", "text": "a\nPRIORITY=0", "more": "b\r\nMESSAGE=x"}
    )
    assert [line.partition("=")[0] for line in journal.record(event).splitlines()] == [
        "PRIORITY", "SYSLOG_IDENTIFIER", "GATEWAY_LEVEL", "GATEWAY_EVENT", "GATEWAY_TEXT", "GATEWAY_MORE", "MESSAGE",
    ]  # fmt: skip


def test_it_is_spoken_where_the_stream_is_the_journals(tmp_path, monkeypatch):
    """JOURNAL_STREAM has to name the very stream: it is inherited by programs whose output goes elsewhere."""
    with (tmp_path / "a").open("w") as stream, (tmp_path / "b").open("w") as other:
        file = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{file.st_dev}:{file.st_ino}")
        assert journal.reads(stream)
        assert not journal.reads(other)
    assert not journal.reads(stream), "it is closed"


CODE = """
import os, sys
from gateway.log import journal, lines
journal.SOCKET = sys.argv[1]
file = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{file.st_dev}:{file.st_ino}"
lines.setup()
lines.log("service.stopping", reason="told to stop")
"""


def test_events_go_there_and_not_to_the_stream(listener, tmp_path):
    """A process whose standard error is the journal's writes nothing to it, and ends where nobody listens, too."""
    words = [sys.executable, "-c", CODE]
    done = subprocess.run([*words, str(tmp_path / "socket")], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert b"GATEWAY_EVENT=service.stopping\n" in listener.recv(4096)
    done = subprocess.run([*words, str(tmp_path / "nobody")], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_event_is_taken_before_the_next(listener):
    """It waits until the journal has read what it sent, so that its process is still there; but not for ever."""
    channel, order = journal.Channel(), []

    def take():
        time.sleep(0.03)
        order.append("taken")
        listener.recv(4096)

    reader = threading.Thread(target=take)
    reader.start()
    channel.write(b"MESSAGE=a\n")
    order.append("written")
    reader.join()
    assert order == ["taken", "written"]
    channel.write(b"MESSAGE=nobody reads it\n")
    channel.close()
