"""What the running gateway is asked for by its socket, and what it answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any, Protocol

from .control.door import GROUPS, OURS, Door
from .control.place import runtime
from .control.protocol import Request, refused
from .instants import instant
from .shown import shown

NAMES = 20  # boards that a sentence names
PATIENCE = 10.0  # s for the disk
HELD = 120.0  # s that the spool's files may be copied


class Lent(Protocol):
    """What came of lending a port, or of taking it back."""

    @property
    def port(self) -> str:
        """Its path."""
        ...

    @property
    def boards(self) -> list[str]:
        """All that are on it."""
        ...

    @property
    def until(self) -> float | None:
        """S since 1970."""
        ...

    @property
    def done(self) -> bool:
        """Whether it is closed, or read again, by now."""
        ...

    @property
    def holder(self) -> str | None:
        """Who has it open although its time is over."""
        ...


class Lending(Protocol):
    """Who lends ports."""

    async def lend(self, board: str, seconds: float) -> Lent:
        """Lends the port of a board for so long."""
        ...

    async def take_back(self, board: str) -> Lent:
        """Takes it back."""
        ...


class Holding(Protocol):
    """Who has the spool's files copied."""

    async def hold(self, seconds: float) -> bool:
        """They stay as they are for so long; False: they do not."""
        ...

    async def let_go(self) -> bool:
        """That is over. Gives whether they have stayed so until now."""
        ...


class Orders:
    """Answers requests. config: the file that the gateway has; state: its directory; boards: those that are read."""

    def __init__(self, config: Path, state: Path, boards: Collection[str], lending: Lending, holding: Holding) -> None:
        self._file, self._state = os.path.abspath(config), os.path.realpath(state)  # presets lie beside a link
        self._config = os.path.realpath(config)
        self._boards, self._lending, self._holding = boards, lending, holding

    async def answer(self, request: Request) -> dict[str, Any]:
        """Does it, and says what came of it."""
        if request.config not in ("", self._config):
            return refused(
                f"the gateway that runs here has another configuration, {self._config}, and not "
                f"{shown(request.config, 200)}: leave -c out to ask this one"
            )
        match request.do:
            case "hold":
                if not await _soon(self._holding.hold(HELD)):
                    return refused(
                        "the spool cannot be copied now, as its disk does not answer; see the gateway's status"
                    )
                return {"ok": True, "config": self._file, "state": self._state, "seconds": HELD}
            case "let_go":
                return {"ok": True, "held": await _soon(self._holding.let_go())}
        board = request.given["board"]
        if board not in self._boards:
            return refused(self._unknown(board))
        if request.do == "release":
            return _told(await self._lending.lend(board, request.given["seconds"]))
        return _told(await self._lending.take_back(board))

    def _unknown(self, board: str) -> str:
        names = [shown(name) for name in self._boards]
        more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
        there = f"there are {', '.join(names[:NAMES])}{more}" if names else "it reads no board at all"
        return f'no board "{shown(board)}" is read by this gateway; {there}'


async def _soon(doing: Awaitable[bool]) -> bool:
    """Whether it is done in a while: a disk that hangs shall hold up no other caller."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await doing
    except TimeoutError:
        return False


def _told(lent: Lent) -> dict[str, Any]:
    return {
        "ok": True,
        "port": lent.port,
        "boards": lent.boards,
        "until": None if lent.until is None else instant(lent.until),
        "done": lent.done,
        "holder": lent.holder,
    }


async def heed(orders: Orders, state: Path, event: Callable[..., Any]) -> None:
    """Listens, in the service manager's directory for this run, where our group may ask too, or else in `state`. Where
    that cannot be, all else goes on.
    """
    folder, mode = (given, GROUPS) if (given := runtime()) else (state, OURS)
    try:
        await Door(folder, orders.answer, mode).run()
    except OSError as error:
        event(
            "control.failed",
            why=f"{folder}: {error.strerror or error}; `gateway release` and `backup` cannot reach this gateway",
        )
