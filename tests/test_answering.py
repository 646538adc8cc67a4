"""The simulated boards that are asked: they say what they should, on a real terminal, with the troubles asked for."""

import contextlib
import os
import tty

import pytest

from simulators.answering import SILENT, Answering, Trouble, lines
from simulators.loop import until
from simulators.modbus import Unit, answer, crc, modbus_line, requests


class Master:
    """Who asks: the other end of a board's terminal."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self.heard = b""

    def ask(self, question: bytes) -> None:
        os.write(self.fd, question)

    def hears(self, data: bytes) -> None:
        until(lambda: self._more().endswith(data), 5, f"{data!r} was not heard, but {self.heard!r}")

    def _more(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            self.heard += os.read(self.fd, 4096)
        return self.heard

    def __enter__(self) -> "Master":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


def test_it_answers_what_it_is_asked():
    """Each question is answered once, in order, with its echo before it where that is asked for, and in pieces."""
    with Answering(lambda question: b"<" + question.strip() + b">", echo=True, pieces=2) as board:
        with Master(board.path) as master:
            master.ask(b"A\r")
            master.hears(b"A\r<A>")
            master.ask(b"B\r\nC\r")
            board.wait_asked(3)
            assert board.questions == [b"A\r", b"B\r\n", b"C\r"]


def test_troubles_come_one_by_one():
    """A silence, a late answer and another one are each for one question."""
    with Answering(lambda question: b"1\r") as board, Master(board.path) as master:
        board.trouble(SILENT, Trouble(delay=0.2, data=b"2\r"))
        for _ in range(3):
            master.ask(b"R\r")
        master.hears(b"1\r2\r")
        board.say(b"by itself")
        master.hears(b"by itself")


def test_lines():
    """A question ends at CR, LF or both; half a one waits."""
    assert lines(b"R") == (b"", b"R")
    assert lines(b"R\r\nS") == (b"R\r\n", b"S")
    assert lines(b"\nS\r") == (b"S\r", b"")


def test_the_checksum():
    """CRC-16/MODBUS by its check value, and by the frame of a real board."""
    assert crc(b"123456789") == bytes.fromhex("37 4b")
    assert crc(bytes.fromhex("01 04 04 01 31 02 22")) == bytes.fromhex("2a ce")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("01 04 00 01 00 02 20 0b", "01 04 04 01 31 02 22 2a ce"),
        ("01 04 00 05 00 01", "01 84 02 c2 c1"),
        ("01 03 00 01 00 01", "01 83 02"),
        ("01 06 00 01 00 01", "01 86 01"),
        ("02 04 00 01 00 01", ""),
        ("01 04 00 01 00 02 20 0c", ""),
    ],
)
def test_units_answer_as_the_specification_says(request_, said):
    """Registers, exceptions, and nothing to what is damaged or meant for another unit."""
    asked = bytes.fromhex(request_)
    asked = asked if len(asked) == 8 else asked + crc(asked)
    expected = bytes.fromhex(said)
    expected = expected + crc(expected) if len(expected) == 3 else expected
    assert answer({1: Unit(input={1: 305, 2: 546})}, asked) == expected


def test_requests_on_a_line():
    """A request is cut by its length; what is damaged goes as a whole."""
    good = bytes.fromhex("01 04 00 01 00 02 20 0b")
    assert requests(good[:7]) == (b"", good[:7])
    assert requests(good + good) == (good, good)
    assert requests(b"\x00" + good) == (b"\x00" + good, b"")
    with modbus_line({1: Unit(input={1: 305, 2: 546})}, pieces=1) as line, Master(line.path) as master:
        master.ask(good)
        master.hears(bytes.fromhex("01 04 04 01 31 02 22 2a ce"))
