"""`python -m simulators`: it says what its boards wrote, and ends when it is told, or its parent ends."""

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import serial

from gateway.config import problems
from simulators import KINDS
from simulators.kinds import boot_text
from simulators.loop import until
from tests.faults.tree import alive
from tests.port_reader import read_until, reader
from tests.street import ROOT
from tests.test_probe import probed


@contextmanager
def program(*options: str) -> Iterator["subprocess.Popen[str]"]:
    """`python -m simulators` as a child."""
    child = subprocess.Popen(
        [sys.executable, "-m", "simulators", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


@pytest.mark.slow
def test_a_modbus_line_answers_a_probe():
    """`--kind modbus` is a line for `gateway probe --ask`: its units are found at its rate, with a table."""
    with program("--kind", "modbus", "--baud", "9600", "--sensors", "2", "--json") as child:
        board = line(child)["boards"][0]
        assert (board["kind"], board["baud"], board["sensors"]) == ("modbus", 9600, 2)
        code, found, _, said = probed(board["port"], "--ask", "--baud", "9600", "--units", "2")
        child.terminate()
        assert line(child)["questions"] > 1
        assert child.wait(10) == 0
    assert (code, said, found["format"]) == (0, "", "modbus")
    assert 'preset = "xy-md02"' in found["table"] and problems(found["table"]) == []
    assert all(0 < one["value"] < 100 for one in found["samples"])


@pytest.mark.parametrize("more", [("--boards", "2"), ("--kind", "csv"), ("--sensors", "248"), ("--fault", "drop@1")])
def test_what_a_modbus_line_does_not_take(more):
    """Other kinds, boards, faults and units beyond 247 are wrong use."""
    with program("--kind", "modbus", *more) as child:
        assert child.wait(10) == 2


def drain(ports: dict[str, serial.Serial], child: "subprocess.Popen[str]") -> dict[str, bytes]:
    """Everything that comes on `ports` until the child has said what it wrote."""
    assert child.stdout is not None
    got = dict.fromkeys(ports, b"")
    by_fd = {port.fd: (name, port) for name, port in ports.items()}
    while True:
        ready = select.select([*by_fd, child.stdout], [], [], 20)[0]
        assert ready, "the program is silent"
        for fd in ready:
            if fd in by_fd:
                name, port = by_fd[fd]
                got[name] += port.read(65_536)
        if ready == [child.stdout]:
            return got


def line(child: "subprocess.Popen[str]") -> Any:
    """The next JSON line of the child."""
    assert child.stdout is not None
    return json.loads(child.stdout.readline())


def test_program(tmp_path: Path) -> None:
    """Boards of four kinds begin when all ports are open, end by themselves, and what they say they wrote was read."""
    options = ["--boards", "4", "--rate", "50", "--seconds", "1", "--json", "--links", str(tmp_path)]
    with program(*options, "--log", str(tmp_path / "log")) as child:
        boards = line(child)["boards"]
        assert [board["kind"] for board in boards] == ["plain", "csv", "kv", "json"]
        assert all(board["port"] == str(tmp_path / board["name"]) and board["baud"] == 115_200 for board in boards)
        ports = {board["name"]: serial.Serial(board["port"], board["baud"], timeout=0) for board in boards}
        got = drain(ports, child)
        end = line(child)
        for port in ports.values():
            port.close()
        assert child.wait(5) == 0
    assert end["readings"] == sum(board["readings"] for board in end["boards"].values()) > 4 * 4 * 20
    assert end["dropped"] == 0
    for board in boards:
        told = end["boards"][board["name"]]
        banner = boot_text(KINDS[board["kind"]], board["sensors"])
        assert got[board["name"]].startswith(banner)
        assert len(got[board["name"]]) == told["bytes"]
        assert got[board["name"]][len(banner) :].count(b"\n") == told["lines"]
        assert told["sensors"] == dict.fromkeys(board["sensors"], told["lines"])
    log = [json.loads(text) for text in (tmp_path / "log").read_text().splitlines()]
    assert len(log) == end["readings"]
    sent = [
        f'"{entry["sensor"]}":{entry["value"]}' for entry in log if entry["board"] == "json-4" and entry["count"] == 3
    ]
    assert ",".join(sent) in got["json-4"].decode()
    assert [entry["mono"] for entry in log if entry["board"] == "kv-3"] == sorted(
        entry["mono"] for entry in log if entry["board"] == "kv-3"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log"], "the links are gone"


def test_program_ends_when_told() -> None:
    """SIGTERM ends it with exit code 0 and its counts, for people in plain text."""
    with program("--kind", "csv", "--sensors", "2") as child:
        assert child.stdout is not None
        name, kind, path = child.stdout.readline().split()
        assert (name, kind) == ("csv-1", "csv")
        with reader(path) as port:
            read_until(port, lambda got: got.count(b"\n") > 3)
            child.send_signal(signal.SIGTERM)
            counts = child.stdout.readline()
        assert re.fullmatch(r"csv-1 +lines (\d+), readings (\d+), dropped 0 +S1:\1 S2:\1\n", counts)
        assert child.wait(5) == 0


def test_program_with_faults() -> None:
    """A fault comes at its second to its board, and to no other; after `--lines` the program ends."""
    options = ["--json", "--boards", "2", "--kind", "kv", "--rate", "100", "--lines", "60"]
    with program(*options, "--fault", "kv-2/drop@0.4", "kv-2/duplicate@0.5") as child:
        ports = {board["name"]: serial.Serial(board["port"], 115_200, timeout=0) for board in line(child)["boards"]}
        drain(ports, child)
        boards = line(child)["boards"]
        for port in ports.values():
            port.close()
        assert child.wait(5) == 0
    assert [boards["kv-1"][key] for key in ("lines", "damaged", "repeated")] == [60, 0, 0]
    assert [boards["kv-2"][key] for key in ("lines", "damaged", "repeated")] == [59, 1, 1]


def test_program_sends_a_file(tmp_path: Path) -> None:
    """The numbers of a file arrive as they stand in it, as fast as they are taken."""
    texts = [str(Random(2).uniform(-100, 100)) for _ in range(8000)]
    (tmp_path / "values").write_text("\n".join(texts) + "\n")
    options = ["--kind", "plain", "--pace", "none", "--json", "--values", str(tmp_path / "values")]
    with program(*options) as child, reader(line(child)["boards"][0]["port"]) as port:
        got = drain({"plain": port}, child)["plain"].decode()
        assert line(child)["readings"] == 8000
    assert got.split()[-8000:] == texts


def test_nobody_comes() -> None:
    """With a time to run and no reader, it gives up, says which port nobody opened, and fails."""
    with program("--seconds", "1", "--wait", "0.3") as child:
        out, error = child.communicate(timeout=10)
    assert child.returncode == 1
    assert re.fullmatch(r"Nobody opened plain-1 at /dev/pts/\d+ and chose a rate within 0.3 s.\n", error)
    assert "readings 0" in out


def test_ends_with_its_parent() -> None:
    """When the process that started it dies, however, it ends too."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'simulators'], stdout=subprocess.PIPE)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    try:
        pid = int(parent.stdout.readline().split()[0])
    finally:
        parent.kill()
        parent.communicate()
    until(lambda: not alive(pid), 5, "it lives on")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--fault", "melt@3"], "there is no fault 'melt'"),
        (["--fault", "kv-9/stall@3"], "there is no board 'kv-9'; use one of plain-1"),
        (["--rate", "0"], "0 is not a number above 0"),
        (["--boards", "0"], "0 is not 1 or more"),
    ],
)
def test_wrong_use(options: list[str], part: str) -> None:
    """Wrong use ends with 2 and a sentence."""
    with program(*options) as child:
        _, error = child.communicate(timeout=10)
    assert child.returncode == 2
    assert part in error


def test_missing_file() -> None:
    """A file that is not there is named in one sentence."""
    with program("--values", "/nowhere/values") as child:
        _, error = child.communicate(timeout=10)
    assert child.returncode == 1
    assert error == "The boards cannot run: /nowhere/values: No such file or directory.\n"


def test_many_boards_cost_little() -> None:
    """64 boards at 10 Hz take less than a third of a core."""
    with program("--boards", "64", "--seconds", "2", "--json") as child:
        ports = {board["name"]: serial.Serial(board["port"], 115_200, timeout=0) for board in line(child)["boards"]}
        drain(ports, child)
        end = line(child)
        ticks = Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        for port in ports.values():
            port.close()
    assert end["readings"] > 64 * 4 * 10
    assert end["dropped"] == 0
    assert sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") < 0.33 * end["seconds"] + 0.5, (
        "its start takes the half second"
    )
