"""Boards that are asked, on real pseudo-terminals: their answers, their faults, and that nobody else is written to."""

import ast
import asyncio
import os
import time
from pathlib import Path

import pytest

from gateway.asks import Ask
from gateway.model import Board, FormatOptions, Port
from simulators.answering import SILENT, Answering, Trouble
from tests.asked_rig import FAST, asked, counter, reading
from tests.readers import pause, until

INGEST = Path(__file__).parents[1] / "gateway/ingest"


async def test_nothing_is_written_to_a_board_that_is_not_asked():
    """Whatever a board without `ask` says, and however silent it is, not a byte reaches it: one may be too many."""
    main, other = os.openpty()
    os.set_blocking(main, False)
    path = os.ttyname(other)
    os.close(other)
    try:
        board = Board("quiet", Port(path, 9600), "auto", silent=0.1, on_silence=("reopen", "dtr"))
        async with reading(board) as rig:
            await until(lambda: rig.boards.readers and rig.seen("quiet").state == "online")
            os.write(main, b">>> \r\nR\r\n21.5\r\n?\r\nlogin: ")
            await rig.more("quiet", 1)
            await until(lambda: rig.account("quiet").reopened >= 1)
        with pytest.raises((BlockingIOError, OSError)):
            os.read(main, 100)
    finally:
        os.close(main)


def test_one_place_writes():
    """In all of ingest one call writes to a port. Two make it: a function of the reader, for who is asked, and the
    questions of a probe, which the running service never loads.
    """
    writes = {}
    for file in sorted(INGEST.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                if node.func.attr in ("write", "writelines", "sendall", "send", "sendto", "write_bytes", "write_text"):
                    writes[called] = file.name
    assert writes == {
        "os.write": "ports.py", "transport.write": "ports.py", "link.write": "reader.py",
        "self._link.write": "questioning.py",
    }  # fmt: skip
    assert {file.name for file in INGEST.rglob("*.py") if "questioning import" in file.read_text()} == {"probing.py"}
    reader = ast.parse((INGEST / "reader.py").read_text())
    (ask,) = [node for node in ast.walk(reader) if isinstance(node, ast.FunctionDef) and node.name == "_ask"]
    assert "self._talk is not None" in ast.unparse(ask)
    assert ast.unparse(reader).count("link.write") == ast.unparse(ask).count("link.write") == 1


async def test_a_board_is_asked_and_started():
    """It is told how to start, then asked at its pace; echoes and response codes are noise."""
    said = {b"C,0\r": b"*OK\r", b"R\r": b"25.104\r*OK\r"}
    with Answering(said.__getitem__, echo=True, pieces=2) as board:
        async with reading(asked(board.path, Ask((b"C,0\r",), (b"R\r",), 0.05, 2.0))) as rig:
            await rig.more("tank", 10)
            assert set(rig.values("tank")) == {25.104}
            assert board.questions[0] == b"C,0\r"
            assert set(board.questions[1:]) == {b"R\r"}
            assert not rig.account("tank").refused
            assert (rig.seen("tank").state, rig.seen("tank").reason) == ("online", None)


async def test_the_pace_is_kept():
    """Questions come on the grid of `every`, with no drift: 20 of them in 2 s."""
    with Answering(counter(), delay=0.03) as board:
        async with reading(asked(board.path, Ask((), (b"R\r",), 0.1, 2.0))) as rig:
            await rig.more("tank", 20)
            times = [at for at, _ in board.asked][:20]
            assert times[-1] - times[0] == pytest.approx(1.9, abs=0.08)


@pytest.mark.slow
async def test_a_late_answer_is_not_the_next_ones():
    """An answer after its time is noise, and a timeout; the next question gets its own answer."""
    with Answering(lambda question: b"1.0\r") as board:
        async with reading(asked(board.path)) as rig:
            await rig.more("tank")
            board.trouble(Trouble(delay=0.6, data=b"99.0\r"), Trouble(delay=1.0, data=b"98.0\r"), SILENT)
            await until(lambda: rig.account("tank").refused["timeout"] >= 3, within=20)
            await rig.more("tank")
            assert set(rig.values("tank")) == {1.0}
            assert rig.account("tank").noise >= 2


async def test_several_questions_name_their_answers():
    """With as many columns as questions, each answer's value has the name of its question."""
    answers = {b"T1?\r": b"21.5\r", b"T2?\r": b"22.5\r"}
    with Answering(answers.__getitem__) as board:
        ask = Ask(questions=tuple(answers), every=0.05, timeout=0.3)
        async with reading(asked(board.path, ask, options=FormatOptions(columns=("inlet", "outlet")))) as rig:
            await rig.more("tank", 6)
            assert {(sensor, value) for _, _, sensor, value in rig.came} == {("inlet", 21.5), ("outlet", 22.5)}


@pytest.mark.parametrize("columns", [("inlet", "outlet"), ("TE=outlet", "TI=inlet")])
async def test_several_questions_name_what_a_pattern_finds(columns):
    """The value that a pattern finds has the name of its question, or, by its group, that of whatever it answers."""
    answers = {b"TI?\r": b"4 TI 21.5\r", b"TE?\r": b"5 TE 22.5\r"}
    by_group = r"(?P<count>\d+) (?:TI (?P<TI>\S+)|TE (?P<TE>\S+))"
    pattern = by_group if "=" in columns[0] else r"(?P<count>\d+) T[IE] (?P<value>\S+)"
    with Answering(answers.__getitem__) as board:
        ask = Ask(questions=tuple(answers), every=0.05, timeout=0.3)
        options = FormatOptions(pattern=pattern, columns=columns)
        async with reading(Board("tank", Port(board.path, 9600), "regex", options, ask=ask)) as rig:
            await rig.more("tank", 6)
            assert {(sensor, value) for _, _, sensor, value in rig.came} == {("inlet", 21.5), ("outlet", 22.5)}


async def test_an_answer_over_several_lines():
    """A block answers as a whole, once its last line has come, whatever is said before it."""
    options = FormatOptions(pattern=r"(?P<sensor>\w+) = (?P<value>\S+)", start="Ambient", end="Object")
    with Answering(lambda question: b"reading\r\nAmbient = 23.45\r\nObject = 36.61\r\nok\r\n", pieces=5) as board:
        async with reading(Board("ir", Port(board.path, 9600), "block", options, ask=FAST)) as rig:
            await rig.more("ir", 6)
            assert {(sensor, value) for _, _, sensor, value in rig.came} == {("Ambient", 23.45), ("Object", 36.61)}
            assert not rig.account("ir").refused


def slept(end: float) -> int:
    """How often a thread of its own is awake again after 10 ms, until `end`: what this machine lets anybody do."""
    turns = 0
    while time.monotonic() < end:
        time.sleep(0.01)
        turns += 1
    return turns


@pytest.mark.slow
async def test_a_board_that_reads_nothing():
    """A board that never reads holds up nobody: the loop goes on, and what waits to be written does not grow."""
    main, other = os.openpty()
    path = os.ttyname(other)
    os.close(other)
    try:
        flood = Ask(questions=(b"Q" * 250 + b"\r",), every=0.0, timeout=0.01)
        with Answering(counter()) as well:
            async with reading(asked(path, flood, "deaf"), asked(well.path)) as rig:
                await until(lambda: rig.account("deaf").refused["timeout"] > 120, within=20)
                end, turns = time.monotonic() + 0.5, 0
                beside = asyncio.get_running_loop().run_in_executor(None, slept, end)
                while time.monotonic() < end:
                    await asyncio.sleep(0.01)
                    turns += 1
                assert turns >= await beside / 3
                await rig.more("tank")
    finally:
        os.close(main)


@pytest.mark.slow
async def test_what_was_unplugged_is_started_again(tmp_path):
    """A board that comes back on its port is told to start before it is asked."""
    link = tmp_path / "usb-board"
    ask = Ask((b"C,0\r",), (b"R\r",), 0.05, 0.3)
    with Answering(lambda question: b"1.0\r", link=link):
        pass
    async with reading(asked(str(link), ask)) as rig:
        for _ in range(2):
            with Answering(lambda question: b"*OK\r" if question == b"C,0\r" else b"1.0\r", link=link) as board:
                await rig.more("tank")
                assert board.questions[:2] == [b"C,0\r", b"R\r"]
                assert board.questions.count(b"C,0\r") == 1
            await until(lambda: rig.seen("tank").state == "offline")


async def test_a_board_that_only_has_to_be_started():
    """A start without a question is written once, and then the board is read as one that speaks by itself."""
    with Answering(lambda question: b"21.5\r\n22.5\r\n") as board:
        async with reading(asked(board.path, Ask(start=(b"POLL 1000\r\n",)))) as rig:
            await rig.more("tank", 1)
            board.say(b"23.5\r\n")
            await rig.more("tank", 1)
            assert rig.values("tank")[-1] == 23.5
            assert [question.strip() for question in board.questions] == [b"POLL 1000"]


async def test_who_is_not_read_is_not_asked():
    """While a board is held nothing is asked on its line, and no question counts as missed."""
    with Answering(counter()) as board:
        async with reading(asked(board.path)) as rig:
            await rig.more("tank")
            rig.seen("tank").pause()
            await pause(0.1)
            held = len(board.asked)
            await pause(0.3)
            assert len(board.asked) == held
            rig.seen("tank").resume()
            await rig.more("tank")
            assert not rig.account("tank").refused
