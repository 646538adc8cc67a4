"""The faults of simulated boards: each happens, and is counted."""

import os
import select
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import serial

from simulators import FAULTS, Board
from simulators.faults import parse
from simulators.loop import until
from tests.port_reader import KV, LINES, read_all, read_all_left, read_until, reader


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
