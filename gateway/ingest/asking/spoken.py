"""Whether a board that is asked by text is on a port: its questions are asked, and its answers read as it would be.

A number alone answers many a question. So an answer has to be like the preset's sample, or to have no words at all, and
to come several times.
"""

import re
from collections.abc import Sequence

from ...model import Board, Decoded
from ..finding.recognise import LIKE, Attempt, Candidate, likeness
from .endings import Lined, Piece
from .party import asked, frames
from .strange import Line
from .turns import Question

TIMES = 3  # that it is asked
STARTING = 0.3  # s for what it says to what it was told
SPEAKS = 2.0  # s for a board that speaks by itself once it was told how
_LETTER = re.compile(rb"[A-Za-z]")


async def spoken(line: Line, candidate: Candidate) -> Attempt | None:
    """What was read of the board's answers; None when it is not this one."""
    out = Attempt(candidate, candidate.board.format)
    board = candidate.board
    heard = b""
    for told in asked(board)[1].start:
        heard += await line.ask(_end(told) + told, None, STARTING)
    for time in range(TIMES):
        for place, question in enumerate(_questions(board)):
            before = b"" if time else _end(question.data)
            came = await line.ask(before + question.data, _Read(board, place), question.timeout)
            heard += came
            for result in _read(board, place, came):
                out.account.decoded += 1
                out.account.readings += len(result.samples)
                out.samples += result.samples
            if not out.samples:
                return None
    out.likeness = likeness(heard, candidate.sample)
    low, high = candidate.range or (float("-inf"), float("inf"))
    plausible = all(low <= sample.value <= high for sample in out.samples)
    return out if plausible and (out.likeness >= LIKE or not _LETTER.search(heard)) else None


def _end(question: bytes) -> bytes:
    """An end of line before the first question, which ends what the board may have heard of others before it."""
    return question[-1:] if question[-1:] in (b"\r", b"\n") else b""


def _questions(board: Board) -> Sequence[Question]:
    return asked(board)[1].questions or [Question(b"", Lined(), SPEAKS)]


def _read(board: Board, place: int, data: bytes) -> list[Decoded]:
    """What holds values in the answers to question `place`."""
    decoder, question = asked(board)[0][place], _questions(board)[place]
    out = []
    while (piece := question.ending.find(data)) is not None:
        items = frames(data[piece.begin : piece.end], decoder, board.max_line, question.data)
        results = [decoder.decode(item) for item in items if isinstance(item, bytes)]
        out += [result for result in results if isinstance(result, Decoded) and result.samples]
        data = data[piece.end :]
    return out


class _Read:
    """The ending of an answer to question `place`: where values were read."""

    def __init__(self, board: Board, place: int) -> None:
        self._board, self._place = board, place

    def find(self, data: bytes) -> Piece | None:
        """All, once it holds values."""
        return Piece(0, len(data)) if _read(self._board, self._place, data) else None
