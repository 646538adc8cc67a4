"""The simulated boards: what each kind prints, counts that are true, and boards that are led by hand."""

import os
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from simulators import KINDS, Board
from simulators.kinds import boot_text, names, spelled
from simulators.loop import until
from simulators.temperatures import temperatures
from tests.port_reader import read_all, read_until, reader

BINARY = ("fixed", "cobs", "slip")
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
