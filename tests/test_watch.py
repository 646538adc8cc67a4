"""`gateway watch` against a real broker and a real gateway, on a pseudo-terminal and in a pipe."""

import json
import random
import signal
import subprocess
import sys
import termios

import pytest

from gateway.cli import run
from tests.brokers import Mosquitto, free_port
from tests.certificates import Authority
from tests.street import ROOT, until
from tests.watched import board, reading, status, topic
from tests.watching import on_a_terminal, publish, watched


@pytest.fixture
def retained(mosquitto):
    """A broker that has the documents of a gateway g, and rubbish."""
    for where, payload in (status(), board(), (reading(7)[0].replace("features", "last"), reading(7)[1])):
        publish(mosquitto.port, where, payload, "-r")
    publish(mosquitto.port, topic("cellar", "status"), b"[" * 100_000, "-r")
    publish(mosquitto.port, topic("hall", "S1", "last"), random.Random(1).randbytes(1 << 20), "-r")
    return mosquitto.port


def test_json_is_a_document_a_line(retained):
    """Only lines of JSON on standard output: documents, the newest readings, and the counts at the end."""
    code, out, err = watched(["--url", f"mqtt://127.0.0.1:{retained}", "--seconds", "0.5", "--json"])
    assert (code, err) == (0, "")
    found = [json.loads(line) for line in out.splitlines()]
    kinds = {one["kind"]: one for one in found}
    assert (len(found), set(kinds), found[-1]["kind"]) == (4, {"board", "last", "status", "end"}, "end")
    assert {one["gateway"] for one in found} == {"g"}
    assert kinds["last"]["message"]["value"] == 27.0
    assert found[3] == {
        "kind": "end", "gateway": "g", "received": 0, "missing": 0, "duplicates": 0, "strangers": 0, "rubbish": 2,
        "sensors": 1,
    }  # fmt: skip


def test_a_terminal_gets_a_picture_and_keys_are_heard(retained):
    """What is known is drawn within 80 x 24; b shows boards, another size is used, q ends it and leaves no trace."""
    with on_a_terminal(["--url", f"mqtt://127.0.0.1:{retained}"]) as one:
        lines = one.until("27.00 °C")
        assert one.screen.second and not one.screen.cursor
        assert lines[0].startswith(" gateway watch  g  online, run 5f0c2a9d41be, version 1.2.3")
        assert len(lines) == 24
        one.press("b")
        one.until("/dev/ttyUSB0")
        one.press("b")
        one.resize(200, 50)
        one.until("last values")
        assert len(one.until("reopened")) == 50
        one.press("q")
        assert one.process.wait(10) == 0
        until(lambda: not one.screen.second and one.screen.cursor, "the first screen is back")
        assert termios.tcgetattr(one.slave) == one.before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["--url", "mqtt://127.0.0.1:{free}"],
            1,
            "no broker at 127.0.0.1:{free} (Connection refused); is it running, and",
        ),
        (["--url", "http://x"], 2, '--url: "mqtt://host:1883"'),
        (["--url", "mqtt://x", "--ca-file", "nowhere"], 2, "--ca-file: "),
        (["--url", "mqtt://x", "--password-file", "nowhere"], 2, "--password-file: there is no file"),
        (["--url", "mqtt://x", "-c", "y"], 2, "-c and --url both say where the broker is: give one"),
        (["--url", "embedded"], 2, "--url is where the broker listens"),
        (["--username", "x"], 2, "--username goes with --url"),
        (["-c", "nowhere.toml"], 78, "gateway watch --url mqtt://BROKER"),
    ],
)
def test_what_does_not_work_is_said_in_a_sentence(capsys, arguments, code, said):
    """With the exit codes of all commands, on standard error, and in the words of the options."""
    port = free_port()
    assert run(["watch", *(one.format(free=port) for one in arguments)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said.format(free=port) in err
    assert "Traceback" not in err and "mqtt.url" not in err


def test_nothing_is_said_to_be_nothing(mosquitto, capsys):
    """Where no such gateway has ever written, the topic is named."""
    assert run(["watch", "--url", f"mqtt://127.0.0.1:{mosquitto.port}", "--gateway", "else", "--seconds", "0.1"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.partition(" at ")[0]) == ("", "gateway: nothing has come of gateway/else/#")


def test_more_than_one_gateway_has_to_be_chosen_from(retained, capsys):
    """Without --gateway the only one is watched; where there are more they are named, and so is none."""
    publish(retained, topic("status", gateway="other"), status(gateway="other")[1], "-r")
    assert run(["watch", "--url", f"mqtt://127.0.0.1:{retained}", "--json"]) == 2
    sentence = "gateway: there is more than one gateway here; add --gateway with one of these: g, other\n"
    assert capsys.readouterr() == ("", sentence)


def test_all_gateways_are_lines_of_json(retained, capsys):
    """With --all each gateway whose status is retained is a line, rubbish is none, and the last line counts them."""
    publish(
        retained, topic("status", gateway="other"), status(gateway="other", state="offline", reason="lost")[1], "-r"
    )
    publish(retained, topic("status", gateway="x"), b"[" * 100_000, "-r")
    url = f"mqtt://127.0.0.1:{retained}"
    code, out, err = watched(["--url", url, "--all", "--json", "--seconds", "0.5"])
    assert (code, err) == (0, "")
    *rows, end = [json.loads(line) for line in out.splitlines()]
    assert {one["gateway"]: one["state"] for one in rows} == {"g": "stale", "other": "lost"}
    assert {key: end[key] for key in ("kind", "gateways", "stale", "lost", "rubbish")} == {
        "kind": "end", "gateways": 2, "stale": 1, "lost": 1, "rubbish": 1,
    }  # fmt: skip
    assert run(["watch", "--url", url, "--all", "--gateway", "g"]) == 2
    assert "give one of the two" in capsys.readouterr().err


@pytest.mark.slow
def test_a_fleet_is_drawn_and_a_gateway_opened(retained):
    """A row a gateway; Enter opens the marked one beside it, q comes back, and q again ends it."""
    publish(
        retained, topic("status", gateway="other"), status(gateway="other", state="offline", reason="lost")[1], "-r"
    )
    with on_a_terminal(["--url", f"mqtt://127.0.0.1:{retained}", "--all"]) as one:
        lines = one.until("Enter opens it")
        assert lines[0].startswith(" gateway watch  1 stale, 1 lost")
        one.press("j\r")
        lines = one.until("27.00 °C")
        assert lines[-1].startswith(" q back")
        one.press("q")
        one.until("Enter opens it")
        one.press("q")
        assert one.process.wait(10) == 0
        until(lambda: not one.screen.second and one.screen.cursor, "the first screen is back")
        assert termios.tcgetattr(one.slave) == one.before


@pytest.mark.slow
def test_no_gateway_at_all_is_said(mosquitto, capsys):
    """Rubbish makes no gateway."""
    publish(mosquitto.port, topic("status"), b"[", "-r")
    assert run(["watch", "--url", f"mqtt://127.0.0.1:{mosquitto.port}"]) == 1
    assert "no gateway has its status on gateway/+/status at 127.0.0.1:" in capsys.readouterr().err


@pytest.mark.parametrize("mosquitto", [["allow_anonymous false"]], indirect=True)
def test_a_wrong_password_is_said(mosquitto, tmp_path, capsys):
    """As `gateway run` says it, and without the password."""
    (tmp_path / "secret").write_text("canary\n")
    (tmp_path / "secret").chmod(0o600)
    url, secret = f"mqtt://127.0.0.1:{mosquitto.port}", f"{tmp_path}/secret"
    assert run(["watch", "--url", url, "--username", "x", "--password-file", secret]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "the user name or password is wrong" in err and "--password-file" in err
    assert "canary" not in err


def test_tls_is_spoken_and_its_troubles_are_said(tmp_path, capsys):
    """With the right CA the documents come; with another one the sentence says so, and names the option."""
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other", "Other CA")
    certificate, key = ours.issue("broker")
    broker = Mosquitto(tmp_path, [f"certfile {certificate}", f"keyfile {key}"])
    broker.start()
    try:
        url = f"mqtts://127.0.0.1:{broker.port}"
        arguments = ["watch", "--url", url, "--gateway", "g", "--seconds", "0.1", "--ca-file"]
        assert run([*arguments, str(ours.certificate)]) == 1
        assert "nothing has come of gateway/g/#" in capsys.readouterr().err
        assert run([*arguments, str(other.certificate)]) == 1
        assert "is not signed by the CA in --ca-file" in capsys.readouterr().err
    finally:
        broker.kill()


@pytest.mark.parametrize("how", [[], ["--json"], ["--all"], ["--all", "--json"]], ids=" ".join)
def test_output_that_cannot_be_written_ends_it(retained, how):
    """Where the disk takes no more it ends at once, with one sentence, and does not go on with lines missing."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "watch", "--url", f"mqtt://127.0.0.1:{retained}", *how],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("gateway: its output cannot be written (No space left on device)")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("how", [[], ["--json"], ["--all"]], ids=" ".join)
def test_closed_output_is_none(retained, how):
    """`gateway watch >&-` is `gateway watch >/dev/null`."""
    command = [sys.executable, "-m", "gateway", "watch", "--url", f"mqtt://127.0.0.1:{retained}", "--seconds", "0.2"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command, *how], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_ctrl_z_gives_the_terminal_back(retained):
    """Stopped as by Ctrl-Z the terminal is the shell's, and afterwards the picture is drawn anew."""
    with on_a_terminal(["--url", f"mqtt://127.0.0.1:{retained}"]) as one:
        one.until("27.00 °C")
        one.process.send_signal(signal.SIGTSTP)
        until(lambda: not one.screen.second, "the first screen is shown")
        assert termios.tcgetattr(one.slave) == one.before
        one.process.send_signal(signal.SIGCONT)
        one.until("27.00 °C")
        one.press("q")
        assert one.process.wait(10) == 0
