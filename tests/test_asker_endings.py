"""Where an answer ends: at its line, its bytes, its size, or in a silence."""

import pytest

from gateway.ingest.asking.endings import At, Lined, Sized
from gateway.ingest.asking.party import asked
from gateway.ingest.asking.rtu import Answer, Request, written
from gateway.layouts import Escapes, Field
from gateway.model import Ask, Board, FormatOptions
from gateway.model import Port as Link
from tests.asked_ports import TIMEOUT, Port, turn


def test_endings():
    """An answer ends at its bytes or its size, wherever ends of line stand in it."""
    for ending, said, answer in (
        (At(b"ok\n"), b"T:1\nB:2\nok\nmore", b"T:1\nB:2\nok\n"),
        (Sized(3), b"\r\n\x03\x04", b"\r\n\x03"),
        (Lined(), b"\r\n25.1\r\n", b"\r\n25.1\r\n"),
    ):
        port = Port(turn(b"R\r", ending=ending))
        port.run(100.3)
        port.say(said)
        assert port.answers() == [answer]


@pytest.mark.parametrize("format", ["plain", "kv", "json", "auto"])
@pytest.mark.parametrize("fields", [(), (Field("T", unit="°C"),)])
def test_a_prompt_behind_an_answer(format, fields):
    """A prompt that comes with the line keeps no answer back, whatever the table says of values."""
    options = FormatOptions(fields=fields)
    board = Board("b", Link("/dev/x", 9600), format, options, ask=Ask((), (b"T\r",), 1.0, TIMEOUT))
    port = Port(asked(board)[1])
    port.run(100.3)
    port.say(b"T=23.4\r\n>")
    assert port.answers() == [b"T=23.4\r\n"]


def test_a_prompt_behind_a_frame():
    """An end of line behind a binary frame, or a prompt, keeps no answer back; a frame that is not whole is none."""
    fields = (Field("T", at=1, type="i16"),)
    options = FormatOptions(framing=Escapes(start=0x7B, stop=0x0D), fields=fields)
    board = Board("b", Link("/dev/x", 9600), "struct", options, ask=Ask((), (b"T\r",), 1.0, TIMEOUT))
    for behind in (b"", b"\n", b"\r\n> "):
        port = Port(asked(board)[1])
        port.run(100.3)
        port.say(b"\x7b\x01")
        assert port.answers() == []
        port.say(b"\x02\x0d" + behind)
        assert port.answers() == [b"\x7b\x01\x02\x0d"]


def test_half_a_line_is_no_answer():
    """Text that pauses and goes on is one answer, and text that never ends is none: half a number is a number too."""
    port = Port(turn(b"R\r", timeout=2.0))
    port.run(100.3)
    port.say(b"25.")
    port.run(101.9)
    port.say(b"104\r")
    assert port.answers() == [b"25.104\r"]
    port.run(102.0)
    port.say(b"25.")
    port.run(110.0)
    assert port.answers() == [b"25.104\r"]


def test_a_silence_ends_a_binary_answer():
    """What is no frame is not waited for until its time is over: it is given to the decoder, which refuses it."""
    request = Request(1, "input", 1, 1)
    port = Port(turn(written(request), ending=Answer(request)))
    port.run(100.3)
    port.say(b"\x01\x04\x02\x01")
    port.run(100.39)
    assert port.answers() == []
    port.run(100.5)
    assert port.answers() == [b"\x01\x04\x02\x01"]
