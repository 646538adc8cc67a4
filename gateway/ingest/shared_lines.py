"""The ports whose boards are asked, which may share them: one reader and one conversation each, joined and left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..ledger import Account
from ..model import Board, Take
from ..parts import Part, Parts
from .asking.party import Party
from .asking.talk import Talk
from .lending import Lending
from .loans import Loans
from .reader import Reader
from .seen import Seen
from .sensors import Sensors


@dataclass(eq=False, slots=True)
class _Line:
    """A port, and the boards on it by their names."""

    lending: Lending
    talk: Talk
    part: Part
    boards: dict[str, tuple[Party, Seen]] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """Of the port."""
        return self.lending.reader

    def is_at(self, path: str) -> bool:
        """Whether `path` leads to its port, by the same name or by another."""
        return path == self.reader.board.port.path or os.path.realpath(path) == os.path.realpath(self.reader.port)

    def hold(self) -> None:
        """Reads the port unless one of its boards is not to be read."""
        held = any(seen.paused for _, seen in self.boards.values())
        (self.reader.pause if held else self.reader.resume)()


def asked_beside(board: Board, boards: Iterable[Board]) -> list[Board]:
    """Those of `boards` that are asked on the port of `board`, itself among them; it alone when it speaks by itself."""
    if not board.asked:
        return [board]
    device = os.path.realpath(board.port.path)
    return [one for one in boards if one.asked and os.path.realpath(one.port.path) == device]


class SharedLines:
    """All of them. take, changed: as Party takes them. loans: the ports that are lent."""

    def __init__(self, take: Take, changed: Callable[[], None], loans: Loans) -> None:
        self._take, self._changed, self._loans = take, changed, loans
        self._lines: list[_Line] = []

    def join(self, board: Board, account: Account, sensors: Sensors, parts: Parts) -> Seen:
        """Begins to ask a board; the first one on a port has it opened. `config` sees to equal settings of a port."""
        path = board.port.path
        line = next((line for line in self._lines if line.is_at(path)), None)
        if line is None:
            talk = Talk(board.port)
            lending = Lending(Reader(board, talk, self._changed), self._loans)
            line = _Line(lending, talk, parts.start(lending.run()))
            self._lines.append(line)
        party = Party(board, self._take, account, self._changed, sensors)
        seen = Seen(board, line.lending, party.intake, party.decoders[0], party, line.hold)
        line.boards[board.name] = party, seen
        line.talk.join(party, time.monotonic())
        line.reader.wake()
        return seen

    async def leave(self, board: str, parts: Parts) -> None:
        """Asks a board no more; with the last one on a port, that is closed."""
        line = next(line for line in self._lines if board in line.boards)
        party, _ = line.boards.pop(board)
        line.talk.leave(party)
        if not line.boards:
            self._lines.remove(line)
            await parts.end([line.part])
        else:
            line.hold()
