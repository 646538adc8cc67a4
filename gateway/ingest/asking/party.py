"""One board that is asked: its questions, what becomes of its answers, and what there is to say of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf

from ...ledger import Account
from ...model import Board, Chunk, Format, FormatOptions, Frame, Noise, Refusal, Take, Why
from ..formats import decoder as made
from ..framing import Lines
from ..hearing import Hearing
from ..intake import Intake
from ..sensors import Sensors
from .endings import QUIET, At, Ending, Framed, Lined, Sized
from .turns import Question, Turn

TELLING = 3  # questions in a row without an answer, after which it is said


class Party:
    """A board, its turn, and a decoder for each of its questions. take, account, changed: as Intake takes them."""

    def __init__(
        self, board: Board, take: Take, account: Account, changed: Callable[[], None], sensors: Sensors | None = None
    ) -> None:
        self.board, self.account = board, account
        self.decoders, self.turn = asked(board)
        self.intake = Intake(board, self.decoders[0], take, account, changed, sensors)
        self.hearing = Hearing(board, self.intake, account)
        self.silent = False
        self.since = 0.0  # when that changed last; s since 1970
        self.reason: str | None = None  # what is wrong with its answers
        self._changed = changed

    def answered(self, place: int, data: bytes, at: Chunk) -> bool:
        """Takes what may be the answer to question `place`. Whether it is one, good or bad, and no noise."""
        decoder = self.decoders[place]
        items = frames(data, decoder, self.board.max_line, self.turn.questions[place].data)
        if not self.intake.answered(data, items, decoder, at):
            return False
        self.hearing.framed(at.mono)
        self.heard(at)
        self._say(getattr(decoder, "trouble", None))
        return True

    def missed(self, data: bytes, at: Chunk) -> None:
        """A question was not answered in time; `data` came instead."""
        self.intake.missed(data, at)
        if self.turn.missed >= TELLING:
            self._say(self._unanswered())
        self.look(at)

    def look(self, at: Chunk) -> None:
        """Sees whether it has been silent for too long."""
        if not self.silent and at.mono >= self.hearing.latest + self.hearing.patience:
            self.silent, self.since = True, at.wall
            self.account.silences += 1
            self._say(self._unanswered())
            self._changed()

    def heard(self, at: Chunk) -> None:
        """It has spoken."""
        if self.silent:
            self.silent, self.since = False, at.wall
            self._changed()

    def _say(self, reason: str | None) -> None:
        if reason != self.reason:
            self.reason = reason
            self._changed()

    def _unanswered(self) -> str:
        modbus, baud = self.board.modbus, self.board.port.baud
        if modbus is not None and not self.turn.questions:
            return f"no register of unit {modbus.unit} is a temperature, or asked for in `also`: nothing is read of it"
        if modbus is not None:
            return (
                f"unit {modbus.unit} does not answer: is it on, is {modbus.unit} its address, and are the baud rate "
                f"(now {baud}) and the wires A and B right?"
            )
        what = "answers nothing that it is asked" if self.turn.questions else "says nothing"
        key = "question, its end of line and ask.timeout" if self.turn.questions else "start and its end of line"
        return f"the board {what}: is it on, and are the baud rate (now {baud}), ask.{key} right?"


def asked(board: Board) -> tuple[Sequence[Format], Turn]:
    """The decoders and the turn of a board that is asked."""
    if board.modbus is not None:
        from .blocks import Block, blocks  # with pymodbus, which takes a moment, and is needed by Modbus alone
        from .rtu import Answer, Request, written

        each = blocks(board.modbus, board.options)
        requests = [(written(block.request), block.request) for block in each]
        questions = [
            Question(data, Answer(request), board.modbus.timeout, echo=data, limit=request.size)
            for data, request in requests
        ]
        nothing = Block(Request(board.modbus.unit, "holding", 0, 1), ())
        return each or [nothing], Turn(questions, board.modbus.every, apart=True)
    assert board.ask is not None
    ask = board.ask
    decoders = [made(board.format, options) for options in _options(board.options, len(ask.questions))]
    questions = [
        Question(data, _ending(board, decoder), ask.timeout, _echo(data, decoder), board.max_line)
        for data, decoder in zip(ask.questions, decoders, strict=False)
    ]
    return decoders, Turn(questions, ask.every, ask.start)


def frames(data: bytes, decoder: Format, limit: int, question: bytes) -> list[Frame | Refusal | Noise]:
    """A whole answer, taken apart as its format does; what does not end by itself ends here. An echo is noise."""
    framing = getattr(decoder, "framing", Lines)(limit, False)
    items: list[Frame | Refusal | Noise] = framing.feed(data)
    text = not _is_binary(decoder)
    if text and not framing.between:
        items += framing.feed(b"\n")
    rest = framing.lost()
    if rest is not None:
        items.append(rest if items else Refusal(Why.BAD_FRAME, rest.data))
    if text:
        said = question.strip()
        return [Noise(each) if isinstance(each, bytes) and each.strip() == said else each for each in items]
    return items


def _options(options: FormatOptions, questions: int) -> list[FormatOptions]:
    """Those of each question: where there are as many columns, fields or units as questions, each has its own."""
    by_place = not any("=" in name for name in options.columns)
    if questions < 2 or questions not in (len(options.columns) if by_place else 0, len(options.fields)):
        return [options] * max(1, questions)
    lists = {key: getattr(options, key) for key in ("columns", "fields", "unit") if by_place or key != "columns"}
    own = {key: values for key, values in lists.items() if len(values) == questions}
    return [replace(options, **{key: values[at : at + 1] for key, values in own.items()}) for at in range(questions)]


def _ending(board: Board, decoder: Format) -> Ending:
    ask, framing = board.ask, getattr(decoder, "framing", None)
    if ask is not None and ask.end:
        return At(ask.end)
    if ask is not None and ask.size:
        return Sized(ask.size)
    if framing in (None, Lines):
        return Lined()
    return Framed(lambda: framing(board.max_line, False), QUIET if _is_binary(decoder) else inf)


def _echo(question: bytes, decoder: Format) -> bytes:
    """What may come back before the answer. Of text without an end of line a board may make the head of its answer."""
    return question if _is_binary(decoder) or question[-1:] in (b"\r", b"\n") else b""


def _is_binary(decoder: Format) -> bool:
    return getattr(decoder, "binary", False)
