"""The line of a simulated board: what a reader at another rate gets, how much fits on it, and what a full one drops."""

import math
import os
import re
import select
import time
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import Board
from simulators.kinds import Line
from simulators.loop import until
from simulators.sender import Sender
from simulators.uart import line_time, resample
from simulators.wire import Wire
from tests.port_reader import KV, LINES, read_all, read_all_left, read_until, reader


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_rate_in_records() -> None:
    """A board at 50 Hz takes a second for 50 records, each with all its sensors."""
    with Board("json-one", rate=50, most=200, sensors=4, boot=0.0) as board, reader(board) as port:
        start = time.monotonic()
        read_all(port, board)
        assert 0.9 < time.monotonic() - start < 3.0
    assert board.written.sensors == {f"S{number}": 50 for number in range(1, 5)}


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


@pytest.mark.slow
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
