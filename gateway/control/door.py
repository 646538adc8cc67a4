"""The control socket of a running gateway: takes callers, a few at a time, and has each one's request answered."""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from .place import NAME, short
from .protocol import Hearing, NotAsked, Request, asked, refused, written

MOST = 8  # callers at a time; further ones are turned away
PATIENCE = 5.0  # s that a caller may take for the request, and for the answer
OURS, GROUPS = 0o600, 0o660

Answer = Callable[[Request], Awaitable[dict[str, Any]]]


class Door:
    """Listens in `folder`. answer: does what a request asks for, and gives the answer; raises nothing. mode: whose
    requests are taken.
    """

    def __init__(self, folder: Path, answer: Answer, mode: int = OURS) -> None:
        self._folder, self._answer, self._mode = folder, answer, mode
        self._callers: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Listens until it is cancelled. Raises OSError when it cannot begin."""
        with short(self._folder) as path:
            listening = self._bound(path)
            try:
                server = await asyncio.start_unix_server(self._called, sock=listening)
                try:
                    await asyncio.get_running_loop().create_future()  # until it is cancelled
                finally:
                    server.close()
            finally:
                for caller in self._callers:
                    caller.cancel()
                listening.close()
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    def _bound(self, path: str) -> socket.socket:
        """The socket, which nobody else has; what an end without a word has left is removed."""
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(os.lstat(path).st_mode):
                raise FileExistsError(0, f"{self._folder / NAME} is no socket")
            if answers(path):
                raise FileExistsError(0, f"another gateway listens at {self._folder / NAME}")
            os.unlink(path)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            made.bind(path)
            os.chmod(path, self._mode)  # nobody can connect before it listens
            made.listen(MOST)
        except BaseException:
            made.close()
            raise
        return made

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._callers.add(task)
            task.add_done_callback(self._callers.discard)
        try:
            line = written(await self._answered(reader))
            async with asyncio.timeout(PATIENCE):
                writer.write(line)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError):  # who does not listen, or has gone
            return
        finally:
            writer.transport.abort()

    async def _answered(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        if len(self._callers) > MOST:
            return refused("it is asked too much at once; try again")
        hearing = Hearing()
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    if not (data := await reader.read(1024)):
                        raise NotAsked("the request has no end of line")
                    if (line := hearing.feed(data)) is not None:
                        break
            return await self._answer(asked(line))
        except NotAsked as error:
            return refused(str(error))
        except TimeoutError:
            return refused(f"no request came within {PATIENCE:g} s")


def answers(path: str) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as caller:
        try:
            caller.connect(path)
        except BlockingIOError:  # and has much to do
            return True
        except OSError:
            return False
        return True
