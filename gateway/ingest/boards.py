"""The boards that are read: a reader and an account each; those of the configuration, and those that were found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ledger import Account
from ..model import Board, Take
from ..parts import Part, Parts
from .discover import discover
from .formats import FORMATS
from .notes import noted
from .reader import Reader
from .sharing import watch


class Boards:
    """take, changed: as Reader takes them. accounts stay when a board is read no more. event: for the log."""

    def __init__(self, take: Take, changed: Callable[[], None], event: Callable[..., Any]) -> None:
        self.accounts: dict[str, Account] = {}
        self.readers: dict[str, Reader] = {}
        self._take, self._changed, self._event = take, changed, event
        self._reading: dict[str, Part] = {}

    def tags(self, board: str) -> dict[str, str]:
        """What stands in each message of a board."""
        return dict(self.readers[board].board.tags) if board in self.readers else {}

    def account(self, board: str) -> Account:
        """A board's, made when it is asked for first."""
        return self.accounts.setdefault(board, Account())

    def open(self, boards: Sequence[Board], parts: Parts) -> None:
        """Starts to read, and to look for boards where a port is "auto"."""
        named = {board.port.path for board in boards}
        for board in boards:
            if board.port.path == "auto":
                parts.start(discover(board, named, lambda found: self.add(found, parts)))
            else:
                self.add(board, parts)
        parts.start(watch(self.readers))

    def add(self, board: Board, parts: Parts) -> None:
        """Starts to read a board."""
        decoder = FORMATS[board.format](board.options)
        reader = Reader(board, decoder, self._take, self.account(board.name), self._changed)
        self.readers[board.name] = reader
        self._reading[board.name] = parts.start(reader.run())
        parts.start(noted(board, self._event))

    async def drop(self, board: str, parts: Parts) -> None:
        """Closes a board's port."""
        await parts.end([self._reading.pop(board)])
        del self.readers[board]
