"""Rows F02, F89 and F90: what operators write, and names that cannot work."""

import os
import subprocess
import sys
import tomllib

from gateway.config.tables import TABLES
from tests.faults.rows import row
from tests.faults.test_security import check
from tests.street import ROOT

BOARD = '[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\n'


@row(
    "F89",
    field="Typing errors.",
    happens="Every key misspelt by one letter; a value of a wrong type for every key; all at once.",
    promised="Exit code 78 from `check` and `run`, every problem by its path and with a suggestion, never a traceback; "
    "`check` opens no port and no socket.",
    fast=True,
    full=10,
)
def test_f89_typing_errors(tmp_path):
    headings = {name: f"[[{name}]]" if name in ("boards", "sensors") else f"[{name}]" for name in TABLES}
    misspelt = {
        name: [key[:-1] + "q" if len(key) > 2 else key + "q" for key in table.model_fields]
        for name, table in TABLES.items()
    }
    text = "".join(f"{headings[name]}\n" + "".join(f"{key} = 1\n" for key in keys) for name, keys in misspelt.items())
    code, said = check(tmp_path, text)
    assert code == 78
    for name, keys in misspelt.items():
        for key, right in zip(keys, TABLES[name].model_fields, strict=True):
            place = f"{name}[0].{key}" if name in ("boards", "sensors") else f"{name}.{key}"
            (sentence,) = [line for line in said.splitlines() if f"{place}:" in line]
            assert f"'{right}'" in sentence or "there are" in sentence or "did you mean" in sentence, sentence
    text = "".join(
        f"{headings[name]}\n" + "".join(f"{key} = 1979-05-27\n" for key in table.model_fields)
        for name, table in TABLES.items()
    )
    tomllib.loads(text)
    for command in ("check", "run"):
        file = tmp_path / "gateway.toml"
        file.write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "gateway", command, "-c", str(file)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 78 and "Traceback" not in done.stderr
        for name, table in TABLES.items():
            for key in table.model_fields:
                assert f"{key}: " in done.stderr, (name, key)


@row("F89", full=10)
def test_f89_check_opens_nothing(tmp_path):
    """Not the ports that it names, and no socket at all: what it may open is told by the kernel."""
    ours, theirs = os.openpty()
    device, trace = os.ttyname(theirs), tmp_path / "trace"
    file = tmp_path / "gateway.toml"
    file.write_text(f'[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[[boards]]\nname = "b"\nport = "{device}"\n')
    traced = ["strace", "-f", "-o", trace, "-e", "trace=socket,openat"]
    done = subprocess.run(
        [*traced, sys.executable, "-m", "gateway", "check", "-c", file],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    calls = trace.read_text()
    assert str(file) in calls, "the trace saw it at work"
    assert device not in calls and "socket(AF_INET" not in calls


@row(
    "F90",
    field="Names that cannot work.",
    happens="A prefix that is empty, has wildcards or slashes at its ends; an id with a slash; two boards of one name, "
    "on one port, and on one port by two links.",
    promised="Refused by `check`, exit code 78, with the reason and both places.",
    full=10,
)
def test_f90_names_that_cannot_work(tmp_path):
    (tmp_path / "one").symlink_to("/dev/null")
    (tmp_path / "other").symlink_to("/dev/null")
    second = '[[boards]]\nname = "attic"\n'
    cases = {
        '[mqtt]\nprefix = ""\n' + BOARD: "mqtt.prefix:",
        '[mqtt]\nprefix = "a/+"\n' + BOARD: "mqtt.prefix:",
        '[mqtt]\nprefix = "#"\n' + BOARD: "mqtt.prefix:",
        '[mqtt]\nprefix = "a/"\n' + BOARD: "mqtt.prefix:",
        '[mqtt]\nprefix = "/a"\n' + BOARD: "mqtt.prefix:",
        '[mqtt]\nprefix = "$SYS"\n' + BOARD: "mqtt.prefix:",
        '[gateway]\nid = "a/b"\n' + BOARD: 'gateway.id: one plain topic level',
        BOARD + BOARD.replace("X0", "X1"): 'boards[1].name: "bench" is the name of boards[0] already',
        BOARD + second + 'port = "/dev/ttyX0"\n': 'boards[1].port: "/dev/ttyX0" is the port of boards[0] already',
        BOARD.replace("/dev/ttyX0", f"{tmp_path}/one") + second + f'port = "{tmp_path}/other"\n': "leads to the same",
    }  # fmt: skip
    for text, reason in cases.items():
        code, said = check(tmp_path, text)
        assert code == 78 and reason in said, said


@row(
    "F02",
    full=5,
)
def test_f02_a_bare_device_number(tmp_path):
    ours, theirs = os.openpty()
    for bare in (os.ttyname(theirs), "/dev/ttyUSB97", "/dev/ttyACM97"):
        code, said = check(tmp_path, BOARD.replace("/dev/ttyX0", bare))
        assert code == 0
        assert f'boards[0].port: "{bare}" may be another board after a restart' in said
    os.close(ours)
    os.close(theirs)
