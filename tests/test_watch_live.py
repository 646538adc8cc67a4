"""`gateway watch` beside a gateway that runs, is silent, is stopped, is killed: on a pseudo-terminal and in a pipe."""

import json
import os
import signal

import pytest

from tests.street import configuration, running, until
from tests.watched import status
from tests.watching import in_a_pipe, on_a_terminal, publish, simulated, watched


@pytest.mark.slow
def test_a_gateway_of_a_fleet_is_lost(hall):
    """Its document is put out by itself; killed, it is lost, and says since when."""
    file, gateway, _ = hall
    with in_a_pipe(["-c", str(file), "--all", "--json"]) as process:
        rows = (json.loads(line) for line in process.stdout)
        assert next(row for row in rows if row["state"] == "online" and row["boards"].get("online") == 2)["age_s"] < 30
        gateway.kill()
        gone = next(row for row in rows if row["state"] != "online")
        assert (gone["state"], gone["gateway"], gone["age_s"]) == ("lost", "gw", 0) and gone["since"]
    _, out, _ = watched(["-c", str(file), "--all", "--seconds", "0.5"])
    assert "gw: lost, run " in out and "1 gateway: 1 lost" in out.splitlines()[-1]


@pytest.fixture
def hall(mosquitto, tmp_path):
    """A gateway with two boards that talk: (its configuration file, the gateway, the boards' process)."""
    (tmp_path / "ports").mkdir()
    with simulated(tmp_path / "ports") as (ports, boards):
        text = configuration(mosquitto.port, ports, each='silent = "2s"')
        with running(tmp_path, text) as gateway:
            yield gateway.file, gateway, boards


@pytest.mark.slow
def test_a_running_gateway_is_shown(hall, mosquitto):
    """Its sensors with values, none missing; silent boards, an outage of the broker and the end are said."""
    file, gateway, boards = hall
    with on_a_terminal(["-c", str(file)]) as one:
        one.until("plain-1")
        lines = one.until("2 online, 8 sensors")
        assert any("missing 0, twice 0" in line for line in lines)
        one.until("warming_up")
        boards.send_signal(signal.SIGSTOP)
        one.until("2 silent, 8 sensors", 20)
        assert any("silent" in line and "°C" in line for line in one.lines())
        boards.send_signal(signal.SIGCONT)
        one.until("2 online, 8 sensors", 20)
        mosquitto.stop()
        lines = one.until("no broker for")
        assert any("unheard" in line for line in lines)
        mosquitto.start()
        one.until("online, run", 30)
        lines = one.until("2 online, 8 sensors", 30)
        assert any("missing 0" in line for line in lines), lines
        gateway.process.send_signal(signal.SIGTERM)
        lines = one.until("offline: it was stopped")
        assert any("offline" in line and "°C" in line for line in lines)
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(10) == 0


@pytest.mark.slow
def test_a_lost_gateway_is_shown(hall):
    """A gateway that was killed is lost, and its sensors with it."""
    file, gateway, _ = hall
    with on_a_terminal(["-c", str(file)], 120, 30) as one:
        one.until("2 online, 8 sensors")
        gateway.kill()
        lines = one.until("offline: its connection broke")
        assert any("lost" in line and "°C" in line for line in lines)


@pytest.mark.slow
def test_lines_where_there_is_no_terminal(hall):
    """What changed, then how it goes; readings as JSON have all that the broker gave, each once and in order."""
    file, _, _ = hall
    until(lambda: "board.online" in file.with_name("gateway.log").read_text(), "it runs", 20)
    code, out, err = watched(["-c", str(file), "--seconds", "3"])
    assert (code, err) == (0, "")
    assert "gateway gw: online, run " in out and "board plain-1: online" in out
    assert "readings of 8 sensors received, 0 missing, 0 twice" in out.splitlines()[-1]
    code, out, _ = watched(["-c", str(file), "--seconds", "2", "--json"])
    found = [json.loads(line) for line in out.splitlines()]
    seqs = [
        one["message"]["seq"]
        for one in found
        if one["kind"] == "reading" and one["message"]["board"] == "plain-1" and one["message"]["sensor"] == "S1"
    ]
    assert seqs and seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert all(0 <= one["late_s"] < 5 and one["missing"] == 0 for one in found if one["kind"] == "reading")


@pytest.mark.slow
def test_others_who_write_its_topics_are_seen_through(hall, mosquitto):
    """A false offline, a false run, a megabyte, no JSON, deep JSON: the real run stays or is back, and it goes on."""
    file, _, _ = hall
    with on_a_terminal(["-c", str(file)], 120, 40) as one:
        lines = one.until("2 online, 8 sensors")
        run = next(line for line in lines if "online, run" in line).partition("online, run ")[2][:12]
        base = "gateway/gw"
        for where in (
            "status",
            "plain-1/status",
            "plain-1/S1/last",
            "plain-1/S1/features",
            "plain-1/S1/alarm",
            "x/y/z",
        ):
            for payload in (
                b"[" * 100_000,
                os.urandom(1 << 20),
                b"\x1b[2Jx",
                b'{"state": "online", "run": "\\u001b[2J"}',
                b"3",
            ):
                publish(mosquitto.port, f"{base}/{where}", payload, "-r")
        false = status(gateway="gw", state="offline", reason="stopped", run="false")[1]
        publish(mosquitto.port, f"{base}/status", false, "-r")
        one.until("not written by it")
        one.until(f"online, run {run}")
        one.until("messages that no gateway writes")
        assert any("plain-1" in line for line in one.lines())


@pytest.mark.slow
def test_whoever_stops_reading_ends_it(hall):
    """`gateway watch --json | head -1` ends when head does, without a word."""
    file, _, _ = hall
    with in_a_pipe(["-c", str(file), "--json"]) as one:
        assert json.loads(one.stdout.readline())["gateway"] == "gw"
        one.stdout.close()
        assert one.wait(20) == 1
        assert one.stderr.read() == ""
        one.stdout = None
