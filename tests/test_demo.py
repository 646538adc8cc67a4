"""`gateway demo` runs everything for real: nothing is lost, nothing is left, and what goes wrong is told."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import islice, repeat
from pathlib import Path

import pytest

import gateway
from gateway.config import problems
from gateway.demo import children, demonstrate, run, show
from gateway.demo.children import Child
from gateway.demo.judge import Judge
from gateway.demo.setting import BAUDS, RECORD, baud_for, configuration, free_port
from simulators.kinds import KINDS, names, spelled

ROOT = Path(gateway.__file__).parents[1]
PATIENCE = 30.0  # s
KEYS = [
    "boards", "sensors", "seconds", "sent", "accepted", "published", "received", "lost", "duplicates", "rate_per_s",
    "latency_ms",
]  # fmt: skip


def until(holds, what):
    """What `holds()` gives, once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


def relatives(directory):
    """Command lines of the processes that were started with their temporary files in `directory`, by process id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={directory}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has ended meanwhile, or is another user's
            continue
    return found


@contextmanager
def demo(directory, *arguments, stdout=subprocess.PIPE):
    """A running demo. At the end nothing of it may be left: no process and no file."""
    command = [sys.executable, "-m", "gateway", "demo", *arguments]
    environment = os.environ | {"TMPDIR": str(directory), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    with subprocess.Popen(
        command, cwd="/", env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
    until(lambda: not relatives(directory), "a process is left")


def running(process):
    """Waits until readings come: a line of progress says so."""
    while True:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        if "readings received" in line and ": 0 readings" not in line:
            return


def test_every_reading_arrives_once(tmp_path):
    """What the boards wrote is what the gateway took in, the broker acknowledged and the subscriber got."""
    with demo(tmp_path, "--json", "--seconds", "3") as process:
        out, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == 0
    document = json.loads(out)
    assert list(document) == KEYS
    assert (document["boards"], document["sensors"]) == (4, 16)
    assert document["sent"] == document["accepted"] == document["published"] == document["received"]
    assert (document["lost"], document["duplicates"]) == (0, 0)
    assert document["seconds"] == pytest.approx(3, abs=0.5)
    assert 300 < document["received"] <= 500  # 16 sensors, 10 Hz, 3 s, less the boards' boot
    assert document["rate_per_s"] == pytest.approx(document["received"] / document["seconds"], abs=0.1)
    assert 0 < document["latency_ms"]["p50"] <= document["latency_ms"]["p99"] < 2000
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_counts(tmp_path, number):
    """Ctrl-C and SIGTERM end an endless demo, boards first, so that nothing is lost; and the counts are told."""
    with demo(tmp_path, "--seconds", "0", "--boards", "2") as process:
        running(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "from 8 sensors on 2 boards" in out
    assert "lost 0, duplicates 0" in out
    assert "gateway init" in out
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_gateway_that_dies_is_told(tmp_path):
    """When the gateway is killed in the middle the demo says so, still gives its counts, and fails."""
    with demo(tmp_path, "--seconds", "0", "--boards", "1") as process:
        running(process)
        os.kill(next(pid for pid, line in relatives(tmp_path).items() if " run -c " in line), signal.SIGKILL)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "gateway: the gateway has ended by itself: " in err
    assert "did not reach" not in err  # nobody knows where
    assert err.endswith("(exit code -9)\n")
    assert "sent " in out
    assert not list(tmp_path.glob("gateway-demo-*"))


def test_nothing_outlives_it(tmp_path):
    """When the demo itself is killed its boards, its gateway and its broker end too."""
    with demo(tmp_path, "--seconds", "0", "--boards", "1") as process:
        running(process)
        assert len(relatives(tmp_path)) >= 4  # with the broker; workers besides
        process.kill()


@pytest.mark.slow
def test_a_terminal_gets_a_picture(tmp_path, monkeypatch):
    """On a terminal a table is drawn on the second screen; the last picture and what is said at the end stay."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")
    master, slave = os.openpty()
    seen = b""
    with demo(tmp_path, "--seconds", "2", stdout=slave) as process:
        os.close(slave)
        try:
            while data := os.read(master, 1 << 16):
                seen += data
        except OSError:  # the other end is closed
            os.close(master)
        process.wait(30)
    assert process.returncode == 0
    drawn, _, kept = seen.decode().partition("\x1b[?1049l")
    assert drawn.startswith("\x1b[?1049h")
    assert "mosquitto_sub -p" in drawn
    for text in (drawn, kept):
        assert all(name in text for name in ("plain-1", "csv-2", "kv-3", "json-4", "ledger"))
    assert "lost 0, duplicates 0" in " ".join(kept.split())
    assert "gateway run" in kept


@pytest.mark.slow
def test_whoever_stops_reading_ends_it(tmp_path):
    """`gateway demo | head` ends when head does."""
    with demo(tmp_path, "--seconds", "0", "--boards", "1") as process:
        running(process)
        process.stdout.close()
        assert process.wait(30) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_reading_that_does_not_arrive_fails_the_demo(monkeypatch, capsys):
    """The subscriber counts for itself: one message that it does not get is one reading lost, and where is told."""
    hear = Judge.hear

    def deaf(judge, topic, payload, at):
        if not (topic.endswith("plain-1/S2/features") and b'"seq":3,' in payload):
            hear(judge, topic, payload, at)

    monkeypatch.setattr(Judge, "hear", deaf)
    monkeypatch.setattr(run, "QUIET", 0.3)
    assert demonstrate(boards=1, seconds=1.0, as_json=True) == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["lost"] == document["sent"] - document["received"] == 1
    assert f"gateway: 1 of {document['sent']} readings are lost" in err
    assert "gateway: 1 were acknowledged by the broker and did not reach the subscriber" in err
    assert "most are of plain-1/S2 (1)" in err


@pytest.mark.slow
def test_a_gateway_that_does_not_start_is_told(monkeypatch, capsys):
    """What it said last is shown, and nothing is left on standard output."""
    monkeypatch.setattr(run, "configuration", lambda *given: "[mqtt]\nurll = 1\n")
    assert demonstrate(boards=1, seconds=1.0, as_json=True) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gateway: the demo failed: the gateway did not start: ")
    assert "urll" in err
    assert "exit code 78" in err


def test_a_missing_broker_is_told(monkeypatch, capsys):
    """Without the library of the broker one sentence says what to install."""
    monkeypatch.setattr(show.importlib.util, "find_spec", lambda name: None)
    assert demonstrate(seconds=1.0) == 1
    sentence = (
        "gateway: the demo failed: its broker is not installed; pip install 'serial-edge-gateway[demo]' brings it\n"
    )
    assert capsys.readouterr() == ("", sentence)


@pytest.mark.slow
def test_no_reading_at_all_is_no_success(capsys, monkeypatch):
    """A demo in which nothing was said has shown nothing."""
    monkeypatch.setattr(run, "configuration", lambda *given: configuration(*given).replace("115200", "9600"))
    assert demonstrate(boards=1, seconds=0.5, as_json=True) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["latency_ms"] == {"p50": None, "p99": None}
    assert "give it more --seconds or a higher --rate" in err


# parts


def test_the_configuration_is_right(tmp_path):
    """The gateway has nothing against it, and the boards have the range of the founding scale."""
    text = configuration(23456, tmp_path / 'a "b" ü', [("plain-1", 115200), ("csv-2", 230400)])
    assert problems(text, tmp_path) == []
    assert text.count("range = [20, 80]") == 2
    assert 'listen = "127.0.0.1:23456"' in text


def test_a_free_port_is_free():
    """Nobody listens on it, and the system does not give it to somebody else's connection."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port()
    assert port < lowest
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize(
    ("rate", "baud"), [(0.1, 115_200), (10, 115_200), (36, 115_200), (37, 230_400), (1e6, BAUDS[-1])]
)
def test_the_line_carries_the_rate(rate, baud):
    """The least usual baud rate on which a board can say what it is asked to, with a fifth to spare."""
    assert baud_for(rate) == baud


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_record_is_as_long_as_was_reckoned(kind):
    """The baud rate was chosen for longer records than a board of four sensors ever says."""
    row = tuple((name, "-1234.5678") for name in names(kind, 4))
    lines = list(islice(spelled(kind, repeat(row)), 4 if kind.single else 1))
    assert sum(len(line.data) for line in lines) < RECORD


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a module of this source that a child can run; gives its name."""

    def made(source):
        (tmp_path / "childs_play.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return "childs_play"

    return made


async def test_a_child_says_what_it_says(module):
    """Its lines come one by one, its end is told after them, and its last words are fit for a terminal."""
    heard, ended = [], asyncio.Event()
    name = module("import sys; print('one\\ntwo'); sys.exit('\\x1b[2J' + sys.argv[1])")
    child = await Child.start(name, ["bye"], said=heard.append, ended=ended.set)
    await asyncio.wait_for(ended.wait(), PATIENCE)
    assert heard == [b"one\n", b"two\n"]
    assert (child.code, child.last_words) == (1, "\\x1b[2Jbye\n    (exit code 1)")
    await child.end()


async def test_a_child_that_does_not_end_is_killed(module, monkeypatch):
    """SIGTERM first; whoever ignores it is killed, with its own children."""
    monkeypatch.setattr(children, "PATIENCE", 0.2)
    said = asyncio.Event()
    name = module(
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.fork()\n"
        "print('ready', flush=True)\ntime.sleep(600)"
    )
    child = await Child.start(name, [], said=lambda line: said.set())
    await asyncio.wait_for(said.wait(), PATIENCE)
    await asyncio.wait_for(child.end(), PATIENCE)  # its output ends only when its own child is gone, too
    assert child.code == -signal.SIGKILL
