"""The commands as a user calls them: what they print, and their exit codes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .commands import gateway, started
from .street import ROOT

GOOD = '[mqtt]\nurl = "mqtt://127.0.0.1:1883"\n[[boards]]\nname = "b"\nport = "/dev/ttyS0"\n'


def test_help_and_version():
    """`--help` names every command, `--version` the version."""
    done = started("--help")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("demo", "run", "init", "check", "ports", "record", "replay"))
    assert gateway("--version").stdout.startswith("gateway ")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_output_of_another_encoding_is_written(tmp_path, encoding):
    """What a terminal cannot show is an escape there; JSON is JSON in any of them."""
    file = tmp_path / "gateway.toml"
    file.write_text(GOOD.replace('"b"', '"温度"'))
    (tmp_path / "state").mkdir()
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "STATE_DIRECTORY": str(tmp_path / "state")}
    for how in ([], ["--json"]):
        command = [sys.executable, "-m", "gateway", "check", "-c", str(file), *how]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, env=environment)
        assert (done.returncode, done.stderr) == (0, b"")
        said = done.stdout.decode(encoding)
        if how:
            assert "温度" in json.dumps(json.loads(said), ensure_ascii=False)
        else:
            assert ("温度" if encoding == "utf-8" else r"\u6e29\u5ea6") in said


def test_what_is_closed_at_the_start_is_nowhere(tmp_path):
    """Without standard streams (`>&-`) a command runs as with /dev/null: no port or socket takes their place."""
    said, start = tmp_path / "said", tmp_path / "start.py"
    start.write_text(f"""
import os, sys
import gateway.cli
from gateway.__main__ import main

def command():
    print("out")
    print("error", file=sys.stderr, flush=True)
    with open({str(said)!r}, "w") as file:
        file.write(" ".join(os.readlink(f"/proc/self/fd/{{number}}") for number in (0, 1, 2)))
    return sys.stdin.read() != ""

gateway.cli.run = command
raise SystemExit(main())
""")
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, str(start)], cwd=ROOT, timeout=60
    )
    assert (done.returncode, said.read_text()) == (0, "/dev/null /dev/null /dev/null")


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["demo", "--boards", "0"], ["demo", "--rate", "no"], ["check", "--no"]]
)
def test_wrong_use(arguments):
    """Wrong use ends with 2, and says how it is used."""
    done = gateway(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_check_says_that_state_dir_can_be_none(tmp_path, how):
    """A file lies there: the run would end with that sentence, so the file of the configuration is not good."""
    (tmp_path / "gateway.toml").write_text(f'[gateway]\nstate_dir = "file"\n{GOOD}')
    (tmp_path / "file").touch()
    done = gateway("check", *how, "-c", str(tmp_path / "gateway.toml"))
    says = f"state_dir: {tmp_path}/file is no directory: name another with gateway.state_dir"
    assert (done.returncode, says in done.stdout + done.stderr) == (78, True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "gateway.toml"]


@pytest.mark.slow
def test_check_tells_of_columns_that_are_left_out(tmp_path):
    """A column called "A" would be a current, and so no reading would come of it: that is said beforehand."""
    file = tmp_path / "gateway.toml"
    board = (
        '[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\nformat = "csv"\ncolumns = ["A", "T1", "hum", "", "count"]\n'
    )
    for unit, told in (("", 1), ('unit = "°F"', 1), ('unit = ["°C", "K", "%", "", ""]', 0), ('also = ["a"]', 0)):
        file.write_text(board + unit)
        found = json.loads(gateway("check", "--json", "-c", str(file)).stdout)["warnings"]
        columns = [one for one in found if one.startswith("boards[0].columns:")]
        assert len(columns) == told
        assert all('"A" is taken for current and left out' in one for one in columns)


def test_check_says_the_plan(tmp_path):
    """A good configuration: 0, and what would run; with --json one document."""
    file = tmp_path / "gateway.toml"
    file.write_text(GOOD)
    done = gateway("check", "-c", str(file))
    assert done.returncode == 0
    assert "/dev/ttyS0" in done.stdout
    document = json.loads(gateway("check", "--json", "-c", str(file)).stdout)
    assert document["ok"] is True
    assert document["plan"]["memory"]["most_bytes"] > 0
    assert document["plan"]["workers"] >= 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[mqtt]\nurl = "mqtt://localhost"\n[[boards]]\nname = "b"\nport = "/dev/ttyS0"\nbuad = 9600\n',
            "did you mean 'baud'",
        ),
        ("[mqtt\n", "not TOML"),
        ("", "boards"),
    ],
)
def test_a_wrong_configuration(tmp_path, text, sentence):
    """`check` and `run` end with 78 and say what is wrong; `check --json` says the same in its document."""
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    for command in (gateway, started):
        done = command("check" if command is gateway else "run", "-c", str(file))
        assert done.returncode == 78
        assert sentence.replace("'", '"') in done.stderr.replace("'", '"')
        assert "Traceback" not in done.stderr
    done = gateway("check", "--json", "-c", str(file))
    assert done.returncode == 78
    assert json.loads(done.stdout)["problems"]


def test_a_wrong_configuration_is_told_to_the_service_manager(tmp_path):
    """Its status is the problem, so that `systemctl status` says it; READY it never is."""
    (tmp_path / "bad.toml").write_text("[mqtt]\nurl = 'mqtt://h'\nnonsense = 1\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        done = started("run", "-c", str(tmp_path / "bad.toml"), env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        said = manager.recv(4096).decode()
    assert done.returncode == 78
    assert said.startswith("STATUS=") and "mqtt.nonsense: no such key" in said


def test_no_configuration(tmp_path):
    """Where there is none, `run` ends with 78 and names `gateway init`."""
    done = started("run", env={"CONFIGURATION_DIRECTORY": str(tmp_path)})
    assert done.returncode == 78
    assert "gateway init" in done.stderr
    assert str(tmp_path) in done.stderr


def test_init_writes_once(tmp_path):
    """`init` writes what `check` accepts, where `run` looks, and never over a file."""
    environment = {"CONFIGURATION_DIRECTORY": str(tmp_path)}
    done = gateway("init", env=environment)
    assert done.returncode == 0, done.stderr
    assert gateway("check", env=environment).returncode == 0
    file = tmp_path / "gateway.toml"
    file.write_text(GOOD)
    done = gateway("init", env=environment)
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert file.read_text() == GOOD


@pytest.mark.slow
def test_init_prints(tmp_path):
    """`init -o -` prints it, and `-o FILE` writes another; a folder that cannot be made is one sentence."""
    printed = gateway("init", "-o", "-").stdout
    assert "[[boards]]" in printed
    target = tmp_path / "new" / "g.toml"
    assert gateway("init", "-o", str(target)).returncode == 0
    assert target.read_text() == printed
    done = gateway("init", "-o", "/proc/no/g.toml")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_init_names_the_presets(tmp_path):
    """Whoever writes a first configuration finds the boards that are known, and those of their own."""
    (tmp_path / "presets.d").mkdir()
    (tmp_path / "presets.d" / "mine.toml").write_text("[board]\n")
    assert gateway("init", "-o", str(tmp_path / "gateway.toml")).returncode == 0
    text = (tmp_path / "gateway.toml").read_text()
    assert '# preset = ""' in text
    assert all(name in text for name in ("marlin", "tmp117", "mine"))


@pytest.mark.slow
def test_presets_lists_them(tmp_path):
    """All of them in a line each, one with sample and table; --json has the same; -c says whose own ones are meant."""
    (tmp_path / "presets.d").mkdir()
    (tmp_path / "presets.d" / "mine.toml").write_text('title = "Mine"\n[board]\nbaud = 9600\n')
    file = ("-c", str(tmp_path / "gateway.toml"))
    done = gateway("presets", *file)
    assert (done.returncode, done.stderr) == (0, "")
    assert "mine                   Mine (your own)\n" in done.stdout
    assert "marlin                 Marlin" in done.stdout
    shown = gateway("presets", "emontx4", "mine", *file).stdout
    assert "  becomes   T1 21.5 °C, count 12\n" in shown
    assert '[[boards]]\nname = "bench"\nport = "/dev/serial/by-id/…"\npreset = "emontx4"\n# baud = 115200\n' in shown
    assert f"  file      {tmp_path}/presets.d/mine.toml\n" in shown
    document = json.loads(gateway("presets", "--json", "mine", *file).stdout)
    assert document["problems"] == []
    assert [one["board"] for one in document["presets"]] == [{"baud": 9600}]


def test_presets_are_tried_on_their_samples(tmp_path):
    """What is not so, or not there, is a sentence each and exit code 1; the others are shown all the same."""
    (tmp_path / "presets.d").mkdir()
    (tmp_path / "presets.d" / "mine.toml").write_text(
        '[board]\nformat = "plain"\n[[samples]]\ntext = "21.5\\n-\\n"\nreadings = [{ value = 22 }]\n'
    )
    (tmp_path / "presets.d" / "bad.toml").write_text("[boards]\n")
    done = gateway("presets", "-c", str(tmp_path / "gateway.toml"), "mine", "bad", "marlim", "marlin")
    assert done.returncode == 1
    assert 'mine.toml": samples[0]: gives temperature 21.5 °C, refused: not_a_number; put that right' in done.stderr
    assert "bad.toml\": boards: no such key; did you mean 'board'?" in done.stderr
    assert 'there is no preset "marlim"; did you mean "marlin"' in done.stderr
    assert "marlin: Marlin" in done.stdout
    becomes = "  becomes   temperature 21.5 °C\n  becomes   refused: not_a_number\n"
    assert f"{becomes}  should be temperature 22 °C\n" in done.stdout
    assert "Traceback" not in done.stderr


def test_ports_as_json():
    """`ports --json` is one list, whatever this machine has."""
    done = gateway("ports", "--json")
    assert done.returncode == 0
    assert all({"path", "device", "holder"} <= port.keys() for port in json.loads(done.stdout))


def test_output_that_nobody_reads(tmp_path):
    """A reader that has gone is no traceback."""
    command = f"{sys.executable} -m gateway init -o - | true"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr


def test_no_working_directory_on_the_path(tmp_path):
    """A file in the directory that a user stands in is not code of the gateway's."""
    (tmp_path / "pydantic.py").write_text("raise SystemExit('taken from the working directory')")
    script = Path(sys.executable).parent / "gateway"
    if not script.exists():
        pytest.skip("the gateway is not installed in this environment, only its tree is here")
    done = subprocess.run([script, "check", "-c", "none"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 78


@pytest.mark.slow
def test_check_tries_custom_features(tmp_path):
    """Each is run once: what it answers, or one sentence of what is wrong; --json stays one document."""
    (tmp_path / "own.py").write_text(
        "print('hello')\ndef good(t, v, new):\n    print('loud')\n    return {'a': v[-new:], 'b': t[-new:]}\n"
        "def bad(t, v, new):\n    return v\n"
    )
    file = tmp_path / "gateway.toml"
    file.write_text(f'{GOOD}[features]\ncustom = ["own:good", "own:bad", "none:f"]\n[compute]\nmemory = "50MB"\n')
    done = started("check", "-c", str(file))
    assert done.returncode == 0
    assert "own:good: answers a b\n" in done.stdout
    assert "own:bad answered 60 numbers for 3 new readings" in done.stdout
    assert f"none:f cannot be imported: there is no module none in {tmp_path}" in done.stdout
    assert "hello" not in done.stdout + done.stderr and "loud" not in done.stdout + done.stderr
    document = json.loads(started("check", "--json", "-c", str(file)).stdout)
    assert document["ok"] is True and len([text for text in document["warnings"] if "features.custom" in text]) == 2
    assert [one["keys"] for one in document["plan"]["custom"]] == [["a", "b"], [], []]
    assert document["plan"]["memory"]["custom_bytes"] == 150_000_000


def test_the_working_directory_is_not_on_the_path(tmp_path):
    """What lies where the program is started is not imported: not instead of a library, not as a feature."""
    here = tmp_path / "here"
    here.mkdir()
    for name in ("numpy", "structlog", "pydantic", "own", "gateway_compute", "socketserver"):
        (here / f"{name}.py").write_text(f"open({str(tmp_path / 'taken')!r}, 'a').write({name!r})\nf = len\n")
    file = tmp_path / "gateway.toml"
    file.write_text(f'{GOOD}[features]\ncustom = ["own:f"]\n')
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "-c", str(file)],
        cwd=here, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    assert "there is no module own" in done.stdout
    assert not (tmp_path / "taken").exists(), (tmp_path / "taken").read_text()
