"""Boards that are asked, on real pseudo-terminals: their answers, their faults, and that nobody else is written to."""

import ast
import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.asks import Ask, Modbus, Register
from gateway.ingest.boards import Boards
from gateway.ingest.seen import Seen
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, FormatOptions, Port, Sample
from gateway.parts import Parts
from simulators.answering import SILENT, Answering, Trouble
from simulators.modbus import Unit, modbus_line
from tests.faults.tree import opened
from tests.readers import pause, until

INGEST = Path(__file__).parents[1] / "gateway/ingest"
TEMPERATURE = Register("temperature", 1, "input", factor=0.1)
FAST = Ask(questions=(b"R\r",), every=0.05, timeout=0.5)


class Rig:
    """Boards that are read, and what came of them."""

    def __init__(self) -> None:
        self.parts = Parts()
        self.came: list[tuple[float, str, str, float]] = []
        self.boards = Boards(self._take, lambda: None, lambda *_, **__: None)

    def _take(self, board: str, samples: list[Sample], at: Chunk) -> None:
        self.came += [(at.mono, board, sample.sensor, sample.value) for sample in samples]

    def values(self, board: str) -> list[float]:
        return [value for _, name, _, value in self.came if name == board]

    def seen(self, board: str) -> Seen:
        return self.boards.readers[board]

    def account(self, board: str) -> Account:
        return self.boards.accounts[board]

    async def more(self, board: str, number: int = 3, within: float = 5.0) -> None:
        """Returns when so many more readings of a board have come."""
        before = len(self.values(board))
        await until(lambda: len(self.values(board)) >= before + number, within)


@contextlib.asynccontextmanager
async def reading(*boards: Board) -> AsyncIterator[Rig]:
    """These boards, read; at the end every ledger balances and nothing has failed."""
    rig = Rig()
    rig.boards.open(list(boards), rig.parts)
    try:
        yield rig
        for name, account in rig.boards.accounts.items():
            assert imbalances(account, account.readings) == [], name
        assert all(not part.done() for part in rig.parts.running)
    finally:
        await rig.parts.end()


def asked(path: str, ask: Ask = FAST, name: str = "tank", **options: object) -> Board:
    return Board(name, Port(path, 9600), "plain", ask=ask, **options)


def unit(path: str, number: int, *, every: float = 0.05, timeout: float = 0.4, **options: object) -> Board:
    modbus = Modbus(number, (TEMPERATURE,), every, timeout)
    return Board(f"unit {number}", Port(path, 9600), "modbus", modbus=modbus, **options)


def counter() -> object:
    """A board's answers: 1.0, 2.0, 3.0, …"""
    numbers = iter(range(1, 10_000))
    return lambda question: b"%d.0\r" % next(numbers)


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


async def test_units_on_one_line():
    """Several units share a line, each a board of its own, with an adapter that echoes."""
    units = {number: Unit(input={1: 200 + number}) for number in (1, 2, 3)}
    with modbus_line(units, echo=True, pieces=3) as line:
        async with reading(*(unit(line.path, number, timeout=2.0) for number in units)) as rig:
            for number in units:
                await rig.more(f"unit {number}")
                assert set(rig.values(f"unit {number}")) == {20 + number / 10}
                assert not rig.account(f"unit {number}").refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value", "why", "reason"),
    [
        ("dead", True, "timeout", "unit 2 does not answer"),
        ("late", 0.55, "timeout", "unit 2 does not answer"),
        ("exception", 2, "exception", "unit 2 refuses input register 1 with exception 2"),
        ("damaged", True, "bad_checksum", None),
        ("named", 9, "wrong_answer", "unit 2 does not answer"),
    ],
)
async def test_a_units_fault_stays_its_own(field, value, why, reason):
    """A unit that is dead, late, refusing, damaged or another's is refused with its reason, and the others go on."""
    units = {number: Unit(input={1: 200 + number}) for number in (1, 2, 3)}
    with modbus_line(units) as line:
        async with reading(*(unit(line.path, number) for number in units)) as rig:
            await rig.more("unit 2")
            usual = getattr(units[2], field)
            setattr(units[2], field, value)
            await until(lambda: rig.account("unit 2").refused[why] >= 3, within=20)
            if reason:
                await until(lambda: reason in (rig.seen("unit 2").reason or ""), within=10)
            good = len(rig.values("unit 1"))
            await rig.more("unit 1", 20)
            await rig.more("unit 3", 5)
            assert good
            assert rig.seen("unit 1").reason is None
            setattr(units[2], field, usual)
            await rig.more("unit 2", within=35)
            assert rig.seen("unit 2").reason is None
            assert set(rig.values("unit 2")) == {20.2}
            for other in ("unit 1", "unit 3"):
                assert rig.account(other).refused["timeout"] <= rig.account(other).decoded / 10


@pytest.mark.slow
async def test_a_silent_unit_beside_others():
    """A unit is silent by itself, while its line is read and the others are online."""
    units = {1: Unit(input={1: 201}), 2: Unit(input={1: 202}, dead=True)}
    with modbus_line(units) as line:
        async with reading(*(unit(line.path, number, silent=0.5) for number in units)) as rig:
            await until(lambda: rig.seen("unit 2").state == "silent", within=5)
            assert rig.account("unit 2").silences == 1
            assert rig.seen("unit 1").state == "online"
            units[2].dead = False
            await until(lambda: rig.seen("unit 2").state == "online", within=10)
            assert rig.seen("unit 2").reason is None


@pytest.mark.slow
async def test_units_come_and_go():
    """A unit is added to a line and taken from it while the others are read; with the last one the port is closed."""
    units = {number: Unit(input={1: 200 + number}) for number in (1, 2)}
    with modbus_line(units) as line:
        async with reading(unit(line.path, 1)) as rig:
            await rig.more("unit 1")
            assert await rig.boards.add(unit(line.path, 2), rig.parts) == []
            await rig.more("unit 2")
            await rig.more("unit 1")
            assert rig.account("unit 1").reopened == 0
            await rig.boards.drop("unit 1", rig.parts)
            await rig.more("unit 2", 10)
            number = len(line.asked)
            await rig.more("unit 2")
            assert {question[0] for question in line.questions[number:]} == {2}
            await rig.boards.drop("unit 2", rig.parts)
            await until(lambda: open_ports(line.path) == 0)
            assert rig.boards.readers == {}


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


def open_ports(path: str) -> int:
    """How many descriptors of this process are the port `path`."""
    return opened(os.getpid(), path).count(path)
