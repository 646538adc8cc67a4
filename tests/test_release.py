"""`gateway release` at a gateway that runs: its port is closed, its status says `lent`, and it is taken back."""

import json
import os
import signal
import subprocess
import sys

import pytest

from simulators import Board
from tests.faults.tree import opened
from tests.street import ROOT, configuration, running, until


def release(gateway, *words):
    """(exit code, output, errors) of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "release", *words, "-c", str(gateway.file)],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={**os.environ, "STATE_DIRECTORY": str(gateway.file.parent / "state")},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_board_is_lent(tmp_path, mosquitto, judge):
    """The command says what is closed and until when; the status `lent`, with the reason; the other board is read on.
    The log has its start and its end, no reading is lost on the way, and numbers go on.
    """
    with Board(kind="kv", sensors=1, rate=50, name="a") as a, Board(kind="kv", sensors=1, rate=50, name="b") as b:
        with running(tmp_path, configuration(mosquitto.port, {"a": a.path, "b": b.path})) as gateway:
            until(lambda: len(judge.sensors) == 2, "both are read")
            code, said, _ = release(gateway, "a", "--for", "10m")
            assert code == 0
            assert said.startswith(f"{a.path} is closed, and a is lent until 20")
            assert "`gateway release a --back`" in said
            assert not opened(gateway.process.pid, os.path.realpath(a.path))
            document = until(
                lambda: (d := judge.documents["gateway/gw/a/status"])["state"] == "lent" and d, "the status says so"
            )
            assert document["reason"].startswith("the port is lent until 20") and not document["faults"]
            until(lambda: judge.documents["gateway/gw/status"]["boards"]["lent"] == 1, "and that of the gateway")
            seen = len(judge.of("b", "T1"))
            until(lambda: len(judge.of("b", "T1")) > seen + 20, "the other one is read")
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda: [e for e in gateway.events() if e["event"] == "config.reloaded"], "the file is read again")
            assert not opened(gateway.process.pid, os.path.realpath(a.path))
            seen = len(judge.of("a", "T1"))
            code, said, _ = release(gateway, "a", "--back", "--json")
            assert (code, json.loads(said)) == (
                0, {"port": a.path, "boards": ["a"], "until": None, "done": True, "holder": None}
            )  # fmt: skip
            until(lambda: len(judge.of("a", "T1")) > seen + 5, "it is read again")
            until(lambda: judge.documents["gateway/gw/a/status"]["state"] == "online", "the status says so")
            kinds = ("board.lent", "board.recovered")
            until(lambda: [e["event"] for e in gateway.events() if e["event"] in kinds] == [*kinds], "so does the log")
            assert gateway.stop() == 0
    for board in "ab":
        assert [row["seq"] for row in judge.of(board, "T1")] == list(range(1, len(judge.of(board, "T1")) + 1))


@pytest.mark.slow
def test_a_flasher_is_waited_for(tmp_path, mosquitto, judge):
    """Its time is over, and somebody has the port open: status, a fault and the command say so, and nobody opens it."""
    with Board(kind="kv", sensors=1, rate=50, name="a") as a:
        with running(tmp_path, configuration(mosquitto.port, {"a": a.path})) as gateway:
            until(lambda: judge.sensors, "it is read")
            assert release(gateway, "a", "--for", "1s")[0] == 0
            with subprocess.Popen(["sh", "-c", f"exec 3<>{a.path}; read end"], stdin=-1) as flasher:
                topic = "gateway/gw/a/status"
                until(lambda: "lent" in judge.documents[topic]["faults"], "the fault is told")
                assert f"sh (pid {flasher.pid}) still has it open" in judge.documents[topic]["faults"]["lent"]["text"]
                code, said, _ = release(gateway, "a", "--back")
                assert (code, said) == (
                    1, f"sh (pid {flasher.pid}) has {a.path} open: it is taken back when that is closed\n"
                )  # fmt: skip
                assert not opened(gateway.process.pid, os.path.realpath(a.path))
                flasher.stdin.close()
            until(lambda: judge.documents[topic]["state"] == "online", "it is taken back")
            assert not judge.documents[topic]["faults"]
            assert gateway.stop() == 0


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_while_a_port_is_lent(tmp_path, mosquitto, judge, end):
    """The next run lends it too, until the time that was said, or until it is taken back; who flashes is not hurt by a
    gateway that dies meanwhile.
    """
    with Board(kind="kv", sensors=1, rate=50, name="a") as a:
        text = configuration(mosquitto.port, {"a": a.path})
        with running(tmp_path, text) as gateway:
            until(lambda: judge.sensors, "it is read")
            assert release(gateway, "a", "--for", "10m")[0] == 0
            until((tmp_path / "state/lent").exists, "it is kept")
            if end == "stop":
                assert gateway.stop() == 0
                assert release(gateway, "a")[0] == 1
            else:
                gateway.kill()
        seen = len(judge.of("a", "T1"))
        judge.documents.clear()
        with running(tmp_path, text) as gateway:
            topic = "gateway/gw/a/status"
            until(lambda: judge.documents.get(topic, {}).get("state") == "lent", "the status says so")
            assert not opened(gateway.process.pid, os.path.realpath(a.path))
            assert release(gateway, "a", "--back")[0] == 0
            until(lambda: len(judge.of("a", "T1")) > seen + 5, "it is read again")
            until(lambda: json.loads((tmp_path / "state/lent").read_text()) == [], "and not lent next time")
            assert gateway.stop() == 0


@pytest.mark.slow
def test_what_is_wrong_ends_in_a_sentence(tmp_path):
    """No gateway, no such board, another gateway's socket, no duration: what it is, and what to do."""
    runtime = tmp_path / "run"
    runtime.mkdir()
    with running(
        tmp_path, configuration(1, {"a": "/dev/ttyX0"}), environment={"RUNTIME_DIRECTORY": str(runtime)}
    ) as one:
        until(lambda: [e for e in one.events() if e["event"] == "service.started"], "it runs")
        until((runtime / "control").exists, "it listens in its runtime directory")
        code, _, error = release(one, "a")
        assert (code, error[:47]) == (1, "gateway: no gateway is running that could be as")
        assert str(tmp_path / "state/control") in error
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RUNTIME_DIRECTORY", str(runtime))
            assert release(one, "bb") == (1, "", 'gateway: no board "bb" is read by this gateway; there are a\n')
            assert release(one, "a", "--for", "2")[0] == 0
            other = tmp_path / "other.toml"
            other.write_text("")
            one.file, mine = other, one.file
            code, _, error = release(one, "a")
            assert code == 1 and f"another configuration, {mine}, and not {other}" in error
            one.file = mine
        assert one.stop() == 0
    for lasting in ("x", "0", "25h", "-1s"):
        code, _, error = release(one, "a", f"--for={lasting}")
        assert code == 2 and error.startswith("gateway: --for: a duration") and error.count("\n") == 1
    code, _, error = release(one, "a", "--for", "5m", "--back")
    assert code == 2 and "not allowed with" in error
    one.file.unlink()
    assert release(one, "a") == (78, "", f'"{one.file}": there is no such file; `gateway init` writes one\n')
