"""Conversations that were taken down are heard again: each answer with the question that was sent before it."""

import dataclasses

import pytest

from gateway.asks import Ask, Modbus, Register
from gateway.ingest.capture.lines import Heard, Mark
from gateway.model import Board, FormatOptions, Port, Why
from simulators.modbus import Unit, answer

from .conversation import Said, check_alike, heard, held

TEMPERATURE = Register("temperature", 1, "input", factor=0.1)
PORT = Port("/dev/x", 9600)
ASK = Ask(questions=(b"T1?\r", b"T2?\r"), every=1.0, timeout=0.5)
TANK = Board("tank", PORT, "plain", FormatOptions(columns=("inlet", "outlet")), ask=ASK)
ANSWERS = {b"T1?\r": b"21.5\r", b"T2?\r": b"22.5\r", b"C,0\r": b"*OK\r"}


def unit(number: int, *, every: float = 0.5, timeout: float = 0.3, **more: object) -> Board:
    return Board(f"unit {number}", PORT, "modbus", modbus=Modbus(number, (TEMPERATURE,), every, timeout), **more)


def answered(question: bytes) -> Said:
    return [(0.02, ANSWERS[question])]


def test_units_on_one_line():
    """Units that answer, are dead, late, refuse, are damaged or echo: the replay has each value and each count."""
    units = {number: Unit(input={1: 200 + number}) for number in range(1, 7)}
    units[2].dead = units[3].damaged = True
    units[4].exception, units[5].named = 2, 9

    def says(question: bytes) -> Said:
        late = 0.4 if question[0] == 6 else 0.02
        data = answer(units, question)
        return [(0.001, question), *((late + at / 1000, data[at : at + 3]) for at in range(0, len(data), 3))]

    boards = [unit(number) for number in units]
    live, tape = held(boards, 60.0, says)
    again, playback = heard(boards, tape)
    check_alike(live, again)
    assert (playback.sent, playback.unknown) == (sum(one.sent for one in tape), 0)
    assert {name for name, *_ in live.values} == {"unit 1"}
    mostly = {name: account.refused.most_common(1) for name, account in live.accounts.items()}
    assert {name: why[0][0] for name, why in mostly.items() if why} == {
        "unit 2": Why.TIMEOUT, "unit 3": Why.BAD_CHECKSUM, "unit 4": Why.EXCEPTION, "unit 5": Why.WRONG_ANSWER,
        "unit 6": Why.TIMEOUT,
    }  # fmt: skip


def test_text_questions_keep_their_answers():
    """A late answer is nobody's, a start is sent again, a port is opened anew: the values have the same names."""
    board, number = dataclasses.replace(TANK, ask=dataclasses.replace(ASK, start=(b"C,0\r",))), 0

    def says(question: bytes) -> Said:
        nonlocal number
        number += 1
        return [(1.2 if number % 7 == 0 else 0.02, ANSWERS[question])]

    live, tape = held([board], 60.0, says, [(10.05, "lost"), (20.05, "renewed"), (30.05, "overrun")])
    again, _ = heard([board], tape)
    assert {value[1:3] for value in live.values} == {("inlet", 21.5), ("outlet", 22.5)}
    check_alike(live, again)
    assert live.accounts["tank"].refused[Why.TIMEOUT] > 3 and live.accounts["tank"].noise > 3
    assert sum(one.data == b"C,0\r" for one in tape) > 5


def test_a_silence_counts_at_its_time():
    """A unit that falls silent is silent once, and back once, however few lines the capture has then."""
    units = {1: Unit(input={1: 201})}
    boards = [unit(1, silent=2.0)]

    def says(question: bytes) -> Said:
        units[1].dead = not units[1].dead and len(asked) % 20 > 10
        asked.append(question)
        data = answer(units, question)
        return [(0.01, data)] if data else []

    asked: list[bytes] = []
    live, tape = held(boards, 100.0, says)
    again, _ = heard(boards, tape)
    check_alike(live, again)


def test_another_configuration_than_that_of_the_recording():
    """Questions that this one does not have are counted, and what follows them is noise; the others keep theirs."""
    _, tape = held([TANK], 5.0, answered)
    other = dataclasses.replace(TANK, ask=dataclasses.replace(ASK, questions=(b"T2?\r",)), options=FormatOptions())
    again, playback = heard([other], tape)
    assert {value[1:3] for value in again.values} == {("temperature", 22.5)}
    assert playback.unknown == playback.sent / 2 == again.accounts["tank"].noise
    turned = dataclasses.replace(
        TANK, ask=dataclasses.replace(ASK, questions=ASK.questions[::-1], timeout=30.0, start=(b"C,0\r",))
    )
    again, playback = heard([turned], tape)
    assert {value[1:3] for value in again.values} == {("outlet", 21.5), ("inlet", 22.5)} and not playback.unknown


def test_a_longer_timeout_than_that_of_the_recording():
    """What was asked next ends the waiting for an answer, whatever the timeout is now: nothing is mistaken for it."""
    lines = [
        Heard(0.0, mark=Mark.OPENED), Heard(1.0, b"T1?\r", sent=True), Heard(2.0, b"T2?\r", sent=True),
        Heard(2.1, b"22.5\r"),
    ]  # fmt: skip
    patient = dataclasses.replace(TANK, ask=dataclasses.replace(ASK, timeout=30.0))
    again, _ = heard([patient], lines)
    assert [value[1:3] for value in again.values] == [("outlet", 22.5)]
    assert again.accounts["tank"].refused == {Why.TIMEOUT: 1}


def test_a_board_that_only_has_to_be_started():
    """What was sent is no question: all that the board says is read as it comes."""
    board = Board("b", PORT, "plain", ask=Ask(start=(b"POLL\r",)))
    live, tape = held([board], 5.0, lambda question: [(at / 10, b"21.5\r\n") for at in range(1, 40)])
    again, playback = heard([board], tape)
    check_alike(live, again)
    assert (playback.sent, playback.unknown) == (1, 0)
    assert len(live.values) == 38  # the first may be half a line


@pytest.mark.parametrize("end", range(40))
def test_a_capture_that_ends_anywhere(end):
    """Cut behind any line, it gives what had come by then: no question that was open becomes anything."""
    boards = [unit(1), unit(2)]
    units = {1: Unit(input={1: 201})}
    live, tape = held(boards, 10.0, lambda question: [(0.02, answer(units, question))] if question[0] == 1 else [])
    again, _ = heard(boards, tape[:end])
    until = tape[end - 1].at if end else 0.0
    assert len(again.values) == sum(at <= until + 1e-6 for at in live.times)
