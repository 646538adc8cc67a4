"""A rate that is to be found by listening: what is read, what is noise, and when it is looked for anew."""

import random
from dataclasses import replace

import pytest

from gateway.checksums import CHECKSUMS, checksum
from gateway.config import tuned
from gateway.ingest.finding import seeking as module
from gateway.ingest.finding.rates import LONGEST, RATES
from gateway.ingest.finding.seeking import LONG, MOST, NOT_YET, Seeking
from gateway.layouts import Crc, Field, Length, Magic
from gateway.model import Board, Chunk, FormatOptions, Port
from simulators.frames import fixed
from simulators.modbus import crc
from simulators.uart import resample

LINE = b"T1:21.50,T2:22.06,MSG:1\r\n"
BINARY = FormatOptions(
    framing="fixed", size=14, magic=Magic(b"\xaa\x55"), crc=Crc("CRC-16/MODBUS", 2, -2, (0, -2)),
    fields=tuple(Field(f"T{n}", at=2 + 2 * n, type="i16", factor=0.01, unit="°C") for n in (1, 2, 3, 4)),
)  # fmt: skip
FRAME = fixed((("T1", "21.5"), ("T2", "22.0"), ("T3", "23.0"), ("T4", "-4.0")), 7)


class Played:
    """A board that says the same at its own rate again and again, and what was made of it."""

    def __init__(self, seeking, baud, line=LINE, step=0.1):
        self.seeking, self.baud, self.line, self.step = seeking, baud, line, step
        self.now, self.read, self.tried, self.noise = 0.0, b"", [seeking.baud], 0

    def say(self, times):
        """So many lines; each time the port follows at once."""
        for _ in range(times):
            self.now += self.step
            data = resample(self.line, self.baud, self.seeking.baud)
            self.read += b"".join(piece for piece, _ in self.seeking.take(data, Chunk(self.now, self.now)))
            if self.seeking.found:
                self.seeking.judge(data, self.now, good=self.baud == self.seeking.baud)
            self.noise += sum(map(len, self.seeking.strays))
            self.seeking.strays.clear()
            if self.seeking.baud != self.tried[-1]:
                self.tried.append(self.seeking.baud)
            self.seeking.tuned()


@pytest.mark.parametrize("baud", sorted(RATES))
def test_a_rate_is_found_and_no_line_at_it_is_lost(baud):
    """At each rate that there is: what was heard at the right one is read, all of it, and the rest is noise."""
    told = []
    seeking = Seeking(Board("b", Port("/dev/x", 0)), told=lambda: told.append(seeking.found))
    played = Played(seeking, baud)
    played.say(60)
    assert (seeking.found, seeking.baud, seeking.reason, told) == (True, baud, None, [True])
    lines = len(played.read) // len(LINE)
    assert played.read == LINE * lines
    assert lines >= 30


@pytest.mark.parametrize("baud", [9600, 19_200, 115_200])
def test_frames_of_a_binary_board_are_known_by_their_checksum(baud):
    """Garbage with bytes of every kind is none of them."""
    seeking = Seeking(Board("b", Port("/dev/x", 0), "struct", BINARY))
    played = Played(seeking, baud, FRAME)
    played.say(200)
    assert (seeking.found, seeking.baud) == (True, baud)


def summed(name, size):
    """A board with frames of `size` bytes, all but the checksum `name` anything; and how one of them is made."""
    width = CHECKSUMS[name]
    options = FormatOptions(
        framing="fixed", size=size, crc=Crc(name, width, -width, (0, -width)), fields=(Field("T", at=0, type="u16"),)
    )

    def frame(body):
        return body + checksum(name)(body).to_bytes(width, "little")

    return Board("b", Port("/dev/x", 0), "struct", options), lambda luck: frame(luck.randbytes(size - width))


@pytest.mark.parametrize("name", ["XOR-8", "SUM-8", "CRC-16/MODBUS"])
def test_chance_proves_no_rate(name):
    """A short checksum holds in garbage now and then, and in zeros always: neither is a board."""
    board, _ = summed(name, 5)
    seeking, luck = Seeking(board), random.Random(0)
    for number in range(600):
        seeking.take(bytes(100) if number % 100 == 0 else luck.randbytes(100), Chunk(0.0, number / 20))
        seeking.tuned()
    assert not seeking.found


@pytest.mark.parametrize("baud", sorted(RATES))
@pytest.mark.parametrize("name", ["XOR-8", "SUM-8"])
def test_a_short_sum_and_a_magic_byte_tell_the_rate(name, baud):
    """The few different bytes that one rate gives at another are no frames, though such sums hold in many of them."""
    board, _ = summed(name, 7)
    board = replace(board, options=replace(board.options, magic=Magic(b"\xaa")))
    seeking, luck = Seeking(board), random.Random(1)
    for number in range(1500):
        body = bytes([0xAA, number & 255, 0, 215 + luck.randrange(3), 0, 219 + luck.randrange(3)])
        wire = body + checksum(name)(body).to_bytes(1, "little")
        seeking.take(resample(wire, baud, seeking.baud), Chunk(0.0, number / 5))
        seeking.tuned()
        if seeking.found:
            break
    assert (seeking.found, seeking.baud) == (True, baud)


@pytest.mark.parametrize(("name", "size"), [("XOR-8", 5), ("CRC-16/MODBUS", 9), ("CRC-16/MODBUS", tuned.LONGEST)])
def test_a_board_among_garbage_is_found(name, size):
    """Garbage between its frames, which come after so many rounds that all limits are reached."""
    board, frame = summed(name, size)
    luck = random.Random(5)
    seeking = Seeking(board)
    for _ in range(100 * len(RATES)):
        seeking.refused()
    for number in range(3000):
        data = b"".join(frame(luck) for _ in range(4)) if seeking.baud == 9600 else luck.randbytes(4 * size)
        data += luck.randbytes(luck.randrange(size)) if size < 100 else b""
        seeking.take(data, Chunk(0.0, number / 20))
        seeking.tuned()
        if seeking.found:
            break
    assert (seeking.found, seeking.baud) == (True, 9600)


@pytest.mark.slow
@pytest.mark.parametrize("size", [9, tuned.LONGEST, 5000])
def test_binary_garbage_is_neither_kept_nor_read_again_and_again(size, monkeypatch):
    """However long and at whatever pace it comes: each rate is left, and each byte is read a few times at most."""
    read = []
    framed = Seeking._framed
    monkeypatch.setattr(Seeking, "_framed", lambda self, data: read.append(len(data)) or framed(self, data))
    board, _ = summed("CRC-16/MODBUS", size)
    seeking, luck = Seeking(board), random.Random(1)
    came, strayed, left = 0, 0, 0
    for number in range(700):
        piece, rate = luck.randbytes(400), seeking.baud
        seeking.take(piece, Chunk(0.0, number / 2000 if number < 200 else number / 20))
        came, left = came + len(piece), left + (seeking.baud != rate)
        strayed += sum(map(len, seeking.strays))
        seeking.strays.clear()
        seeking.tuned()
        assert came - strayed <= LONGEST + len(piece)
    assert left >= len(RATES)
    assert sum(read) <= 4 * came
    assert max(read) <= LONGEST + len(piece)


@pytest.mark.slow
def test_line_ends_alone_are_not_read_again_and_again(monkeypatch):
    """A port that says nothing but ends of lines costs no more for each of them, the more there were."""
    read = []
    made = module.attempt
    monkeypatch.setattr(module, "attempt", lambda one, chunks: read.append(len(chunks[0][1])) or made(one, chunks))
    seeking = Seeking(Board("b", Port("/dev/x", 0)))
    for number in range(2000):
        seeking.take(b"\n" * 10, Chunk(0.0, number / 100))
        seeking.strays.clear()
        seeking.tuned()
    assert 0 < sum(read) <= 4 * 20_000


def test_the_longest_frame_that_check_takes_can_be_found():
    """At one rate as many bytes are kept as hold enough of them whole, wherever the first begins."""
    assert tuned.LONGEST * (module.PROOF // 8 + 1) <= LONGEST


@pytest.mark.parametrize("size", [100, 500])
def test_long_frames_are_found(size):
    """Frames of a length that nobody has said, longer than what is listened to in the first round as well."""
    options = FormatOptions(
        framing="length", size=Length(2, "u16"), magic=Magic(b"\xaa\x55"), crc=Crc("CRC-16/MODBUS", 2, -2, (0, -2)),
        fields=(Field("T1", at=4, type="i16", factor=0.01, unit="°C"),),
    )  # fmt: skip
    body = b"\xaa\x55" + size.to_bytes(2, "little") + (2150).to_bytes(2, "little") + bytes(range(7, 7 + 90)) * 6
    body = body[: size - 2]
    seeking = Seeking(Board("b", Port("/dev/x", 0), "struct", options))
    played = Played(seeking, 19_200, body + crc(body), step=0.5)
    played.say(300)
    assert (seeking.found, seeking.baud) == (True, 19_200)


def test_a_remembered_rate_is_the_first():
    """After a restart nothing is tried but what was found before; two short lines are enough."""
    seeking = Seeking(Board("b", Port("/dev/x", 0)), 74_880)
    played = Played(seeking, 74_880, b"21.5\r\n")
    played.say(3)
    assert (seeking.found, played.tried, played.noise) == (True, [74_880], 0)
    assert played.read == b"21.5\r\n" * 3


def test_another_rate_is_looked_for_after_long():
    """A board that was given another rate: not at once, since garbage passes; then it is found at the new one."""
    told = []
    seeking = Seeking(Board("b", Port("/dev/x", 0)), told=lambda: told.append((seeking.found, seeking.baud)))
    played = Played(seeking, 115_200)
    played.say(20)
    assert told == [(True, 115_200)]
    played.baud, began = 9600, played.now
    while len(told) < 2:
        played.say(1)
    assert played.now - began >= LONG
    assert not seeking.found
    played.say(30)
    assert (seeking.found, seeking.baud) == (True, 9600)


def test_a_moment_of_garbage_changes_nothing():
    """Something good before LONG is over begins the wait anew."""
    seeking = Seeking(Board("b", Port("/dev/x", 0)))
    played = Played(seeking, 115_200)
    for _ in range(3):
        played.baud = 115_200
        played.say(5)
        played.baud = 9600
        played.say(int((LONG - 1) / played.step))
    assert (seeking.found, seeking.baud) == (True, 115_200)


def test_silence_says_nothing_and_rubbish_is_told_of():
    """A board that says nothing is waited for at the first rate; one that is rubbish at any rate is said to be so."""
    seeking = Seeking(Board("b", Port("/dev/x", 0)))
    assert (seeking.baud, seeking.reason) == (RATES[0], None)
    for number in range(200):
        seeking.take(bytes(range(128, 256)), Chunk(0.0, float(number)))
        seeking.tuned()
    assert (seeking.found, seeking.reason) == (False, NOT_YET)


@pytest.mark.slow
def test_what_is_kept_is_bounded():
    """Bytes of which nothing can be told are not kept for ever."""
    seeking = Seeking(Board("b", Port("/dev/x", 0)))
    kept, most = 0, 0
    for number in range(3 * MOST):
        seeking.take(b"\x01" if number % 15 == 0 else b"a", Chunk(0.0, number / 1000))
        kept = kept + 1 - sum(map(len, seeking.strays))
        most = max(most, kept)
        seeking.strays.clear()
        seeking.tuned()
    assert most <= MOST


def test_while_the_port_is_set_all_is_noise():
    """What comes between two rates is of neither; at a close what was kept is noise as well."""
    seeking = Seeking(Board("b", Port("/dev/x", 0)))
    garbage = bytes(range(128, 256))
    seeking.take(garbage, Chunk(0.0, 0.0))
    first = seeking.baud
    assert seeking.take(LINE, Chunk(0.0, 0.1)) == []
    assert (seeking.baud, seeking.strays) == (first, [garbage, LINE])
    seeking.tuned()
    seeking.take(LINE[:10], Chunk(0.0, 0.2))
    seeking.closed()
    assert seeking.strays == [garbage, LINE, LINE[:10]]


def test_a_rate_that_the_port_does_not_take_is_passed_over():
    """The next one is listened to."""
    seeking = Seeking(Board("b", Port("/dev/x", 0)))
    first = seeking.baud
    seeking.refused()
    assert seeking.baud != first
