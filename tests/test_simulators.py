"""The simulated boards: an honest line, counts that are true, faults that happen, a program that says what it did."""

import json
import math
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from simulators import FAULTS, KINDS, Board
from simulators.faults import parse
from simulators.kinds import Line, boot_text, names, spelled
from simulators.loop import until
from simulators.sender import Sender
from simulators.temperatures import temperatures
from simulators.uart import line_time, resample
from simulators.wire import Wire

ROOT = Path(__file__).parents[1]
KV = re.compile(rb"^T1:\d\d\.\d\d,T2:\d\d\.\d\d,T3:\d\d\.\d\d,T4:\d\d\.\d\d,MSG:(\d+)\r$", re.MULTILINE)
BINARY = ("fixed", "cobs", "slip")
LINES = [b"21.50 22.06\r\n"] * 20


@contextmanager
def reader(board: Board | str, baud: int = 115_200) -> Iterator[serial.Serial]:
    """Somebody who has the port open."""
    with serial.Serial(board if isinstance(board, str) else board.path, baud, timeout=0) as port:
        yield port


def read_until(port: serial.Serial, enough: Callable[[bytearray], object], timeout: float = 10.0) -> bytes:
    """What comes until it is `enough`."""
    got = bytearray()

    def more() -> object:
        got.extend(port.read(65_536))
        return enough(got)

    until(more, timeout, f"not enough came, only {bytes(got[-200:])!r},")
    return bytes(got)


def read_all(port: serial.Serial, board: Board) -> bytes:
    """What comes until the board is done and all that it wrote is here."""
    got = bytearray()

    def more() -> bool:
        got.extend(port.read(65_536))
        return board.done and len(got) >= board.written.bytes

    until(more, 20.0, f"{board.name} wrote {board.written.bytes} bytes, fewer came")
    return bytes(got)


# -- the line ------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.integers(300, 921_600))
def test_same_rate_same_bytes(data: bytes, baud: int) -> None:
    """At the sender's rate, and at one that is 2 % off it, a receiver reads what was sent."""
    assert resample(data, baud, baud) == data
    assert resample(data, 100_000, 102_000) == resample(data, 100_000, 98_000) == data


@pytest.mark.parametrize(
    ("sent", "read", "byte", "expected"),
    [
        (9600, 19_200, b"\xff", b"\xfe"),  # a start bit of two bits: the second is the lowest data bit
        (9600, 19_200, b"\x00", b"\x00"),  # 18 bits of 0: no stop bit; then idle
        (9600, 19_200, b"\x0f", b"\xfe\x80"),  # doubled: 0 0_1111111 1 | 0 0000000_1 1
        (19_200, 9600, b"\x00", b"\xf8"),  # nine bits of 0 are a start and, at 3, 5, 7, three data bits
        (19_200, 9600, b"\xff", b""),  # a start bit of half a bit is a glitch
    ],
)
def test_resampled_by_hand(sent: int, read: int, byte: bytes, expected: bytes) -> None:
    """Bytes that were sampled by hand at double and at half the rate come out as on paper."""
    assert resample(byte, sent, read) == expected


@given(st.binary(max_size=300), st.sampled_from([300, 9600, 74_880, 250_000]), st.sampled_from([1200, 115_200]))
def test_wrong_rate_ends(data: bytes, sent: int, read: int) -> None:
    """Whatever was sent, a receiver at another rate reads bytes for no longer than the line was busy."""
    assert len(resample(data, sent, read)) * line_time(1, read) <= line_time(len(data), sent) + line_time(1, read)


def test_right_and_wrong_baud() -> None:
    """One board gives lines to who reads at its rate and garbage to who does not, on one port, one after the other."""
    with Board("kv", baud=57_600, rate=100) as board:
        with reader(board, 57_600) as port:
            good = read_until(port, lambda got: got.count(b"MSG") > 20)
            assert len(KV.findall(good)) >= 20
            port.baudrate = 9600
            port.reset_input_buffer()
            garbage = read_until(port, lambda got: len(got) > 200)
            assert not KV.search(garbage)
            assert sum(byte < 32 or byte > 126 for byte in garbage) > len(garbage) / 20
            port.baudrate = 57_600
            assert KV.search(read_until(port, lambda got: KV.search(got)))
        assert board.written.damaged > 0


@pytest.mark.parametrize("baud", [1200, 38_400, 250_000])
def test_any_baud(baud: int) -> None:
    """A rate without a constant of its own, and the one that a fresh tty has, are rates like the others."""
    with Board(lines=LINES, baud=baud, rate=1000, boot=0.05) as board, reader(board, baud) as port:
        assert read_all(port, board) == b"".join(LINES)


def test_no_rate_no_reader() -> None:
    """Who has a port open and chose no rate has no reader's part in it: the board waits, until a rate is set."""
    with Board(lines=LINES, boot=0.0, rate=1000) as board:
        fd = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
        try:
            assert select.select([fd], [], [], 0.15)[0] == []
            assert not board.has_reader
            with reader(board) as port:
                assert read_all(port, board) == b"".join(LINES)
        finally:
            os.close(fd)


def test_line_rate_bounds_bytes() -> None:
    """At 9600 baud never more than 960 bytes/s come, and nearly that many, however much the board has to say."""
    with Board("kv", baud=9600, rate=10_000, boot=0.05) as board, reader(board, 9600) as port:
        read_until(port, lambda got: got.count(b"\n") > 5)
        start, count = time.monotonic(), 0
        while (passed := time.monotonic() - start) < 1.0:
            select.select([port.fd], [], [], 0.05)
            count += len(port.read(65_536))
            assert count <= 960 * (time.monotonic() - start + 0.3)
        assert count >= 700 * passed
        assert board.written.dropped == 0


def test_rate_in_records() -> None:
    """A board at 50 Hz takes a second for 50 records, each with all its sensors."""
    with Board("json-one", rate=50, most=200, sensors=4, boot=0.0) as board, reader(board) as port:
        start = time.monotonic()
        read_all(port, board)
        assert 0.9 < time.monotonic() - start < 3.0
    assert board.written.sensors == {f"S{number}": 50 for number in range(1, 5)}


# -- what is said --------------------------------------------------------------------------------------------------


SPELLED = {
    "plain": b"21.50 -0.06\r\n",
    "plain-label": b"temperatures: 21.50 -0.06 \r\n",
    "csv": b"21.50,-0.06\r\n",
    "csv-header": b"1,21.50,-0.06\r\n",
    "csv-de": b"21,50;-0,06\r\n",
    "kv": b"T1:21.50,T2:-0.06,MSG:1\r\n",
    "json": b'{"T1":21.50,"T2":-0.06,"count":1}\r\n',
    "json-one": b'{"sensor":"S1","value":21.50,"unit":"C","count":1}\n',
    "nmea": b"$IIXDR,C,21.50,C,T1*03\r\n",
    "regex": b"Record 1, probe T1: 21.50 degC\r\n",
    "block": b"[21.50, -0.06, \r\n]\r\n\r\n",
    "fixed": bytes.fromhex("aa 55 01 00 66 08 fa ff 53 72"),
    "cobs": bytes.fromhex("02 01 01 01 09 ac 41 8f c2 75 bd 15 1f 00"),
    "slip": bytes.fromhex("00 01 00 00 53 fc ff ff ff c4 9c 9f 72 f7 c0"),
}


@pytest.mark.parametrize(("kind", "line"), SPELLED.items())
def test_kinds(kind: str, line: bytes) -> None:
    """Each kind spells a record as its boards do, with the numbers' own text, after a banner on lines of its own."""
    row = KINDS[kind]
    sensors = names(row, 2)
    first = next(spelled(row, iter([tuple(zip(sensors, ["21.50", "-0.06"], strict=True))])))
    assert first.data == line
    assert boot_text(row, sensors).startswith(b"\r\n")
    assert boot_text(row, sensors).endswith(b"\n" + row.end.encode("latin-1") if kind in BINARY else b"\n")


def test_every_kind_was_spelled() -> None:
    """No kind is without its line above."""
    assert set(SPELLED) == set(KINDS)


def test_names() -> None:
    """Sensors are called as a reader will call them: a lone value without a name is `temperature`."""
    assert names(KINDS["plain"], 1) == ["temperature"]
    assert names(KINDS["csv"], 2) == ["S1", "S2"]
    assert names(KINDS["kv"], 1) == ["T1"]


def test_temperatures() -> None:
    """Values lie on the sensor's grid, move little from one to the next, and leave [20, 80] at times."""
    values = [value for seed in range(8) for value in islice(temperatures(Random(seed), 0.1, 0.0625), 6000)]
    assert all(value * 16 == int(value * 16) for value in values)
    outside = sum(not 20 <= value <= 80 for value in values) / len(values)
    assert 0.01 < outside < 0.3
    assert -10 < min(values) < 20
    assert 80 < max(values) < 110
    one = list(islice(temperatures(Random(1), 0.1, 0.0625), 6000))
    steps = sorted(abs(b - a) for a, b in pairwise(one))
    assert steps[len(steps) // 2] < 0.5
    assert steps[-1] < 6.0


def said(**options: Any) -> bytes:
    """All that a board says that has 50 lines."""
    with Board("kv", most=50, boot=0.05, pace="none", **options) as board, reader(board) as port:
        return read_all(port, board)


def test_seed() -> None:
    """One seed and name give the same bytes; another seed, or another board, gives others."""
    assert said(seed=7, name="a") == said(seed=7, name="a")
    assert len({said(seed=7, name="a"), said(seed=8, name="a"), said(seed=7, name="b")}) == 3


def test_given_values() -> None:
    """The numbers of a list go out in order, the sensors in turn, as the text that they are; then the board is done."""
    texts = [repr(Random(1).uniform(-1e6, 1e6)) for _ in range(5000)] + ["1e-7", "-0", "007.50"]
    with Board("csv", values=texts, sensors=3, pace="none", boot=0.05) as board, reader(board) as port:
        got = read_all(port, board).removeprefix(boot_text(KINDS["csv"], board.sensors)).decode()
    assert got.replace("\r\n", ",").rstrip(",").split(",") == texts
    assert board.written.readings == len(texts)


# -- the counts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [name for name in KINDS if name not in BINARY])
def test_counts_are_what_was_read(kind: str) -> None:
    """What a board counts as written is what its reader has: bytes, lines, readings, each sensor's."""
    with Board(kind, rate=500, most=100, boot=0.05) as board, reader(board) as port:
        got = read_all(port, board)
        written = board.written
    banner = boot_text(KINDS[kind], board.sensors)
    assert got.startswith(banner)
    assert len(got) == written.bytes
    assert got[len(banner) :].count(b"\n") == 100 * SPELLED[kind].count(b"\n")
    assert written.lines == 100
    assert sum(written.sensors.values()) == written.readings == (100 if KINDS[kind].single else 400)
    assert (written.dropped, written.damaged, written.repeated) == (0, 0, 0)


def test_full_port_drops() -> None:
    """A UART does not wait: while nobody drains the port lines are lost, and each number that is missing is counted."""
    with Board("kv", baud=921_600, rate=20_000, boot=0.05) as board, reader(board, 921_600) as port:
        until(lambda: board.written.dropped > 500, 10, "nothing was dropped")
        got = read_until(port, lambda got: len(got) > 40_000)
        board.stop()
        got += read_all_left(port, board, len(got))
    numbers = [int(number) for number in KV.findall(got)]
    assert len(numbers) == board.written.lines > 200
    assert sorted(set(numbers)) == numbers
    assert numbers[-1] - len(numbers) == board.written.dropped >= 500


def read_all_left(port: serial.Serial, board: Board, have: int) -> bytes:
    """The rest of what a board wrote, when `have` bytes of it were read."""
    return read_until(port, lambda got: board.done and have + len(got) >= board.written.bytes)


class Narrow:
    """Stands for a wire that takes only so many bytes, as a pty that is nearly full."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.got = b""

    def write(self, data: memoryview) -> int:
        taken = bytes(data[: self.room])
        self.got += taken
        self.room -= len(taken)
        return len(taken)


@pytest.mark.parametrize("room", range(48))
def test_cut_anywhere(room: int) -> None:
    """Wherever a full port cuts, a line counts if it can be read: not the cut one, nor the one that goes on it."""
    wire = Narrow(room)
    lines = [Line(b"T1:21.50,MSG:%d\r\n" % number, (("T1", "21.50"),), number) for number in range(1, 9)]
    sender = Sender("a", iter(lines), 1_000_000, 1.0, math.inf, None)
    sender.paced(cast(Wire, wire), 0, 0.0)
    for now in (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5):
        if now == 4.5:
            wire.room = 1000
        sender.paced(cast(Wire, wire), 0, now)
    whole = re.findall(rb"^T1:21\.50,MSG:\d\r?$", wire.got, re.MULTILINE)
    assert sender.written.lines == len(whole)
    assert sender.written.lines + sender.written.dropped == len(lines)
    assert sender.written.bytes == len(wire.got)
    assert sender.done


def test_fast_without_loss() -> None:
    """Without a line rate a board waits for its reader and loses nothing: 100,000 lines, each number once, in order."""
    with Board("kv", pace="none", most=100_000, sensors=1, boot=0.05) as board, reader(board) as port:
        start = time.monotonic()
        got = read_all(port, board)
        rate = board.written.lines / (time.monotonic() - start)
    assert [int(number) for number in re.findall(rb"MSG:(\d+)\r\n", got)] == list(range(1, 100_001))
    assert board.written.bytes == len(got)
    assert rate > 20_000, "in one process with its reader, on whatever machine this is"


def test_fast_waits_for_a_reader() -> None:
    """A board without a line rate begins when its port is opened, whatever rate that reader has."""
    with Board(lines=LINES, pace="none", boot=0.05) as board:
        until(lambda: not board.done, 1, "it was done before it began")
        assert board.written.bytes == 0
        fd = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
        try:
            board.wait_done()
            assert os.read(fd, 4096) == b"".join(LINES)
        finally:
            os.close(fd)


def test_talks_to_nobody() -> None:
    """A board whose reader has gone talks on: its numbers rise, nothing is kept for the next reader, nothing counts."""
    with Board("kv", rate=200, boot=0.05) as board:
        with reader(board) as port:
            read_until(port, lambda got: b"MSG:5\r" in got)
        until(lambda: board.written.dropped > 20, 5, "it stopped")
        before, lost = board.written.lines, board.written.dropped
        with reader(board) as port:
            got = read_until(port, lambda got: len(KV.findall(got)) > 3)
    first = int(KV.findall(got)[0])
    assert b"AC present" in got
    assert first > before + lost - 5


# -- faults --------------------------------------------------------------------------------------------------------


def with_fault(name: str, arg: float | None = None, **options: Any) -> tuple[Board, bytes]:
    """A board that a fault befalls at its first line, and all that it said."""
    with Board("kv", most=50, rate=500, boot=0.05, **options) as board:
        board.fault(name, arg)
        with reader(board) as port:
            return board, read_all(port, board)


def test_drop_and_garble() -> None:
    """`drop` takes bytes out of a line, `garble` changes some; that line is counted apart from the good ones."""
    whole = with_fault("duplicate", 0)[1]
    for name, missing in (("drop", 5), ("garble", 0)):
        board, got = with_fault(name, 5)
        assert len(got) == len(whole) - missing
        assert got != whole
        assert (board.written.lines, board.written.damaged) == (49, 1)
        assert got.splitlines()[-49:] == whole.splitlines()[-49:]


def test_duplicate() -> None:
    """`duplicate` sends a line again; its copies are no readings."""
    board, got = with_fault("duplicate", 2)
    assert [int(number) for number in KV.findall(got)] == [1, 1, 1, *range(2, 51)]
    assert (board.written.lines, board.written.repeated) == (50, 2)


def test_stall() -> None:
    """`stall` is silence with the port open; the lines go on after it where they stopped, and none is made up for."""
    with Board("kv", rate=100, boot=0.0) as board, reader(board) as port:
        read_until(port, lambda got: b"MSG:3" in got)
        board.fault("stall", 0.5)
        last = [
            int(number) for number in KV.findall(b"T1:00.00,T2:00.00,T3:00.00,T4:00.00,MSG:3\r\n" + port.read(9999))
        ]
        assert select.select([port.fd], [], [], 0.3)[0] == []
        assert board.has_reader
        following = [int(number) for number in KV.findall(read_until(port, lambda got: got.count(b"\n") >= 3))]
    assert following[0] - last[-1] in (1, 2)
    assert following == list(range(following[0], following[0] + len(following)))


def test_flood() -> None:
    """`flood` sends valid lines faster than the line could, for a time; none is lost."""
    with Board("kv", baud=9600, boot=0.0) as board, reader(board, 9600) as port:
        board.wait_reader()
        board.fault("flood", 0.5)
        start = time.monotonic()
        got = read_until(port, lambda got: len(got) > 50_000)
        assert time.monotonic() - start < 5
        board.stop()
        got += read_all_left(port, board, len(got))
    numbers = [int(number) for number in KV.findall(got)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == board.written.lines


def test_reboot() -> None:
    """`reboot` gives the banner again, and the board counts from 1."""
    with Board("kv", rate=200, boot=0.0) as board, reader(board) as port:
        read_until(port, lambda got: b"MSG:20\r" in got)
        board.fault("reboot", 0.1)
        got = read_until(port, lambda got: b"MSG:3\r" in got)
    assert b"AC present - Real Power calc enabled\r\nT1:" in got
    assert [int(number) for number in KV.findall(got)][-3:] == [1, 2, 3]


def test_baud_fault() -> None:
    """`baud` makes a board go on at another rate: its reader has garbage until it follows."""
    with Board("kv", rate=200, boot=0.0) as board, reader(board) as port:
        read_until(port, lambda got: KV.search(got))
        board.fault("baud", 57_600)
        read_until(port, lambda got: board.written.damaged > 10)
        port.baudrate = 57_600
        assert KV.search(read_until(port, lambda got: KV.search(got)))


def test_unplug_fault(tmp_path: Path) -> None:
    """`unplug` hangs up in mid-line; the link vanishes, and comes back on another number."""
    with Board("kv", rate=200, boot=0.0, link=tmp_path / "by-id" / "kv") as board:
        before = board.device
        with reader(board) as port:
            got = read_until(port, lambda got: b"MSG:3\r" in got)
            board.fault("unplug", 0.2)
            with pytest.raises(serial.SerialException):
                while True:
                    select.select([port.fd], [], [], 1)
                    got += port.read(65_536)
            assert not (tmp_path / "by-id" / "kv").is_symlink()
        assert not got.endswith(b"\n")
        until(lambda: board.fd is not None, 5, "it did not come back")
        assert board.device != before
        assert os.readlink(board.path) == board.device
        with reader(board) as port:
            assert KV.search(read_until(port, lambda got: KV.search(got)))
    assert not list((tmp_path / "by-id").iterdir())


def test_replug_by_hand() -> None:
    """A board that is unplugged has no path; plugged in, it has another, though the old number is free."""
    with Board(lines=LINES) as board:
        path = board.path
        seen = []
        for _ in range(5):
            seen.append(board.device)
            board.unplug()
            assert not os.path.lexists(path), "who opens it again must not get another process's port"
            with pytest.raises(RuntimeError, match="unplugged"):
                _ = board.path
            board.plug()
            assert board.path == path
        assert all(a != b for a, b in pairwise(seen))


def test_faults_that_are_none() -> None:
    """A fault that cannot be is refused in one sentence, from the command line and from a test."""
    for text, part in (
        ("melt@3", "no fault"),
        ("stall@x", "say when"),
        ("stall@-1", "from 0 up"),
        ("baud@1:0", "rate"),
    ):
        with pytest.raises(ValueError, match=part):
            parse(text)
    with Board() as board, pytest.raises(ValueError, match="no fault"):
        board.fault("melt", 1)
    assert (fault := parse("kv-1/stall@2.5:1.5")).board == "kv-1"
    assert (fault.name, fault.at, fault.arg) == ("stall", 2.5, 1.5)


def test_every_fault_has_its_test() -> None:
    """No fault is without a test in this file."""
    source = Path(__file__).read_text()
    assert [name for name in FAULTS if f'"{name}"' not in source] == []


# -- by hand -------------------------------------------------------------------------------------------------------


def heard(wire: Board, size: int) -> bytes:
    """The first `size` bytes that readers wrote to a board."""
    got = bytearray()

    def more() -> bool:
        got.extend(wire.read())
        return len(got) >= size

    until(more, 5, "the reader wrote less")
    return bytes(got)


def test_bare_wire() -> None:
    """A board without a kind says what it is given, byte for byte, and hears what its reader says."""
    every = bytes(range(256)) * 20
    with Board() as wire, reader(wire, 9600) as port:
        wire.wait_reader()
        wire.write(every)
        assert read_until(port, lambda got: len(got) >= len(every)) == every
        port.write(b"A\r\n\x03\x04")
        assert heard(wire, 5) == b"A\r\n\x03\x04"
        assert wire.read() == b""
        assert wire.written.bytes == len(every)


def test_bare_wire_at_a_rate() -> None:
    """A bare wire with a rate garbles what is written for a reader at another one."""
    with Board(baud=9600) as wire, reader(wire, 19_200) as port:
        wire.write(b"\xff")
        assert read_until(port, len) == b"\xfe"


def test_nobody_reads() -> None:
    """Who writes by hand to a port that is full is told so, and not kept waiting."""
    with Board() as wire, reader(wire), pytest.raises(TimeoutError, match=r"nobody reads /.*/board"):
        wire.write(bytes(100_000), timeout=0.1)


def test_nothing_stays_open(tmp_path: Path) -> None:
    """A board that is closed leaves no descriptor, no thread and no link."""
    before = os.listdir("/proc/self/fd"), os.listdir("/proc/self/task")
    with Board("kv", link=tmp_path / "kv") as board, reader(board):
        board.unplug()
        board.plug()
    assert (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))) == tuple(map(len, before))
    assert list(tmp_path.iterdir()) == []


# -- the program ---------------------------------------------------------------------------------------------------


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


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


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
