"""The turns on one port, in a time that the tests make: who is asked when, what is an answer, and what never is."""

import itertools

import pytest

from gateway.ingest.asking.asker import LISTENING, PATIENCE, STARTING, Asker, Candidate, Missed, Stray
from gateway.ingest.asking.endings import At, Lined, Sized
from gateway.ingest.asking.party import asked
from gateway.ingest.asking.rtu import Answer, Request, written
from gateway.ingest.asking.turns import GRACE, LEAST, RARELY, Question, Turn
from gateway.layouts import Escapes, Field
from gateway.model import Ask, Board, FormatOptions
from gateway.model import Port as Link

TIMEOUT = 1.0


def turn(*data: bytes, ending=None, every=1.0, start=(), apart=False, timeout=TIMEOUT, echo=b"") -> Turn:
    questions = [Question(each, ending or Lined(), timeout, echo) for each in data]
    return Turn(questions, every, start, apart)


class Port:
    """A port whose time stands still until a test moves it, to where the asker itself wants to be woken."""

    def __init__(self, *turns: Turn, gap: float = 0.0) -> None:
        self.now = 100.0
        self.asker = Asker(gap)
        self.sent: list[tuple[float, bytes]] = []
        self.heard: list[object] = []
        for each in turns:
            self.asker.join(each, self.now)
        self.asker.opened(self.now)

    def run(self, until: float, answer=None, delay: float = 0.0) -> None:
        """Lets time go by. answer: what a board says to each question, `delay` s later."""
        due: list[tuple[float, bytes]] = []
        idle = 0
        while (wake := min([self.asker.wake, *(at for at, _ in due)])) <= until:
            idle = 0 if wake > self.now else idle + 1
            assert idle < 5, "it asks to be woken again and again, for nothing"
            self.now = max(self.now, wake)
            while due and due[0][0] <= self.now:
                self.say(due.pop(0)[1])
            self.drain()
            if data := self.asker.question(self.now):
                self.sent.append((self.now, data))
                if answer is not None and (said := answer(data)):
                    due.append((self.now + delay, said))
        self.now = until

    def say(self, data: bytes, *, accept: bool = True) -> None:
        self.asker.feed(data, self.now)
        self.drain(accept=accept)

    def drain(self, *, accept: bool = True) -> None:
        while (found := self.asker.next(self.now)) is not None:
            self.heard.append(found)
            if isinstance(found, Candidate) and accept:
                self.asker.accept(self.now)

    def answers(self) -> list[bytes]:
        return [each.data for each in self.heard if isinstance(each, Candidate)]

    def misses(self) -> int:
        return sum(isinstance(each, Missed) for each in self.heard)

    def strays(self) -> bytes:
        return b"".join(each.data for each in self.heard if isinstance(each, Stray))

    def times(self, data: bytes) -> list[float]:
        return [at for at, sent in self.sent if sent == data]


def test_a_question_and_its_answer():
    """After a moment of listening a board is asked, and the line that comes is the answer, cut as it may be."""
    port = Port(turn(b"R\r"))
    port.run(100.0 + LISTENING - 0.01)
    assert port.sent == []
    port.run(100.3)
    assert port.sent == [(100.0 + LISTENING, b"R\r")]
    for byte in b"25.104\r":
        port.say(bytes([byte]))
    assert port.answers() == [b"25.104\r"]


def test_no_answer_is_a_miss():
    """What does not come in time is a miss, once, with what came in place of an answer."""
    port = Port(turn(b"R\r"))
    port.run(100.3)
    port.say(b"25.1")
    port.asker.feed(b"", 100.25 + TIMEOUT)
    port.now = 100.25 + TIMEOUT
    port.drain()
    assert [(each.place, each.data) for each in port.heard if isinstance(each, Missed)] == [(0, b"25.1")]
    assert port.misses() == 1


@pytest.mark.parametrize("late", [0.01, 0.5, TIMEOUT, GRACE * TIMEOUT - 0.01])
def test_a_late_answer_is_no_answer(late):
    """An answer that comes after its time answers nothing, and the next question waits until none can come."""
    port = Port(turn(b"R\r", every=0.0))
    port.run(100.3)
    port.run(100.25 + TIMEOUT + late)
    port.say(b"11.1\r")
    assert port.answers() == []
    assert port.strays() == b"11.1\r"
    port.run(110.0, lambda data: b"22.2\r")
    assert set(port.answers()) == {b"22.2\r"}
    assert port.sent[1][0] >= port.sent[0][0] + TIMEOUT + GRACE * TIMEOUT


def test_an_echo_is_no_answer():
    """What an adapter sends back first is dropped, also in pieces; an answer without one is an answer too."""
    port = Port(turn(b"R\r", echo=b"R\r", every=0.0), gap=0.001)
    port.run(100.3)
    port.say(b"R")
    port.say(b"\r25.1\r")
    assert (port.answers(), port.strays()) == ([b"25.1\r"], b"R\r")
    port.run(100.4)
    port.say(b"26.2\r")
    assert port.answers() == [b"25.1\r", b"26.2\r"]


def test_an_answer_like_half_an_echo():
    """An answer that begins as the question does is waited for no longer than its own end takes."""
    port = Port(turn(b"\x01\x02\x03\x04", ending=Sized(2), echo=b"\x01\x02\x03\x04"))
    port.run(100.3)
    port.say(b"\x01\x09")
    assert port.answers() == [b"\x01\x09"]


def test_noise_does_not_end_the_waiting():
    """A line that its format takes for noise is no answer; the one behind it is."""
    port = Port(turn(b"R\r"))
    port.run(100.3)
    port.say(b"*OK\r", accept=False)
    port.say(b"25.1\r")
    assert port.answers() == [b"*OK\r", b"25.1\r"]
    port.run(100.25 + TIMEOUT)
    assert port.misses() == 0


def test_what_follows_an_answer_is_not_the_next_one():
    """Behind an answer comes more, which nobody asked for: it is never given to the next question."""
    port = Port(turn(b"R\r", every=0.0))
    port.run(100.3)
    port.say(b"25.1\r*OK\r")
    port.run(101.0)
    assert (port.answers(), port.strays()) == ([b"25.1\r"], b"*OK\r")


def test_half_a_line_from_before_a_question():
    """A streamed line that is under way is let end before a question; and if it never does, its rest is no answer."""
    port = Port(turn(b"R\r"))
    port.say(b"99.")
    port.run(100.3)
    assert port.sent == [(100.0 + LISTENING, b"R\r")], "a quiet line is not waited for any longer"
    stream = Port(turn(b"R\r"))
    while not stream.sent:
        stream.run(stream.now + 0.1)
        stream.say(b"1" if not stream.sent else b"")
        assert stream.now < 100.0 + LISTENING + PATIENCE + 0.2
    stream.say(b"11\r")
    stream.say(b"25.1\r")
    assert stream.answers() == [b"25.1\r"]


def test_a_grid_without_drift():
    """Questions keep to the grid of `every`, however long the answers take."""
    port = Port(turn(b"R\r", every=0.5))
    port.run(150.0, lambda data: b"1\r", delay=0.123)
    grid = port.times(b"R\r")[1:]
    assert grid == pytest.approx([100.5 + 0.5 * step for step in range(100)])


def test_no_burst_after_a_stall():
    """What a stall has missed is not asked later: the next question is on the grid, and one."""
    port = Port(turn(b"R\r", every=0.5))
    port.run(101.0, lambda data: b"1\r")
    port.now = 107.3
    before = len(port.sent)
    port.run(108.4, lambda data: b"1\r")
    assert [round(at, 2) for at, _ in port.sent[before:]] == [107.3, 107.5, 108.0]


def test_as_fast_as_answers_come():
    """every = 0 asks at once when an answer has come, and yet not without a bound."""
    port = Port(turn(b"R\r", every=0.0))
    port.run(101.0, lambda data: b"1\r")
    times = port.times(b"R\r")
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert min(gaps) >= LEAST - 1e-9
    assert max(gaps) < 2 * LEAST


def test_several_questions_in_turn():
    """Each round asks all questions once, in their order."""
    port = Port(turn(b"A\r", b"B\r", b"C\r", every=1.0))
    port.run(103.9, lambda data: data[:1] + b"1\r")
    assert [data for _, data in port.sent] == [b"A\r", b"B\r", b"C\r"] * 4
    assert [each.place for each in port.heard if isinstance(each, Candidate)] == [0, 1, 2] * 4


def test_one_bad_question_does_not_hide_the_others():
    """A board that leaves one of its questions unanswered is asked the others all the same."""
    port = Port(turn(b"A\r", b"B\r", b"C\r", every=1.0))
    port.run(160.0, lambda data: b"" if data == b"B\r" else data)
    assert len(port.times(b"C\r")) > 10
    assert len(port.times(b"A\r")) > 10
    assert set(port.answers()) == {b"A\r", b"C\r"}


def test_a_dead_board_costs_the_others_little():
    """On a line of several, one that is dead costs a timeout a round and is asked ever more rarely, up to 30 s."""
    live, dead = turn(b"L\r", every=1.0, apart=True), turn(b"D\r", every=1.0, apart=True)
    port = Port(live, dead)
    port.run(400.0, lambda data: b"1\r" if data == b"L\r" else b"")
    asked = port.times(b"D\r")
    gaps = [b - a for a, b in itertools.pairwise(asked)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(RARELY + TIMEOUT)
    assert len(port.answers()) >= 300 - len(asked) - 2
    port.run(470.0, lambda data: b"1\r")
    assert dead.missed == 0
    assert len(port.times(b"D\r")) > len(asked) + 30, "it is asked as usual again"


def test_slow_boards_do_not_starve_the_others():
    """With more to ask than there is time, each board has its turn."""
    turns = [turn(bytes([name]) + b"\r", every=0.1, apart=True) for name in b"ABCDE"]
    port = Port(*turns)
    port.run(130.0, lambda data: b"1\r", delay=0.2)
    counts = [len(port.times(bytes([name]) + b"\r")) for name in b"ABCDE"]
    assert max(counts) - min(counts) <= 1
    assert min(counts) > 20


def test_start_again():
    """What starts a board is sent after an open, and again after a miss; what it says to that answers nothing."""
    port = Port(turn(b"R\r", start=(b"C,0\r", b"X\r")))
    port.run(100.3)
    port.say(b"*OK\r")
    port.run(103.0, lambda data: b"1\r" if data == b"R\r" else b"")
    assert [data for _, data in port.sent[:3]] == [b"C,0\r", b"X\r", b"R\r"]
    assert port.sent[2][0] >= port.sent[1][0] + STARTING
    before = len(port.sent)
    port.run(110.0)
    assert [data for _, data in port.sent[before:]][:4] == [b"R\r", b"C,0\r", b"X\r", b"R\r"]
    port.asker.opened(port.now)
    before = len(port.sent)
    port.run(115.0, lambda data: b"1\r")
    assert port.sent[before][1] == b"C,0\r"


def test_a_start_alone():
    """A board that speaks by itself once it was started is written to once an open, and never again."""
    port = Port(Turn((), start=(b"POLL 1000\r\n",)))
    port.run(1000.0)
    assert [data for _, data in port.sent] == [b"POLL 1000\r\n"]


def test_not_read_not_asked():
    """While a port is not read nothing is asked, and no question is counted as missed for it."""
    port = Port(turn(b"R\r", every=0.2))
    port.run(100.3)
    assert port.asker.closed() == b""
    port.run(200.0)
    assert (len(port.sent), port.misses()) == (1, 0)
    port.asker.resumed(port.now)
    port.run(201.0, lambda data: b"1\r")
    assert len(port.answers()) > 3


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


def test_who_leaves_is_not_asked():
    """A board that has left is not asked, and what it still says answers nobody."""
    first, second = turn(b"A\r", every=0.5), turn(b"B\r", every=0.5)
    port = Port(first, second)
    port.run(100.26)
    port.asker.leave(first)
    port.run(100.3)
    port.say(b"late\r")
    port.run(105.0, lambda data: b"1\r")
    assert {data for _, data in port.sent[1:]} == {b"B\r"}
    assert b"late\r" not in port.answers()
