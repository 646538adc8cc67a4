"""A program as a child process: what it says, its end, and that it does not outlive us. Linux."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from ..shown import shown

ROOT = str(Path(__file__).parents[2])  # where the child finds what we are
LONGEST = 1 << 20  # bytes of a line
KEPT, TOLD = 4000, 6  # bytes of its standard error that are kept; lines of them that are told
PATIENCE = 10.0  # s for a child to end when it is told to
GUARD = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)  # PR_SET_PDEATHSIG: SIGTERM when the parent is gone; outlasts the exec
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class Child:
    """A program in a process group of its own, so that Ctrl-C reaches us alone.

    said: gets each line of its standard output. ended: is called when it has ended and all that it said was heard.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, said: Callable[[bytes], None], ended: Callable[[], None]
    ) -> None:
        self.code: int | None = None  # the exit code, once it has ended
        self._process = process
        self._errors = b""
        self._life = asyncio.create_task(self._live(said, ended))

    @classmethod
    async def start(
        cls,
        module: str,
        arguments: Sequence[str],
        *,
        said: Callable[[bytes], None] = lambda line: None,
        ended: Callable[[], None] = lambda: None,
        pass_fds: tuple[int, ...] = (),
    ) -> Self:
        """Starts `python -m MODULE ARGUMENTS`, with what we are to be found. Raises OSError."""
        command = [sys.executable, "-P", "-m", module, *arguments]
        return await cls.program(command, said=said, ended=ended, pass_fds=pass_fds)

    @classmethod
    async def program(
        cls,
        command: Sequence[str],
        *,
        said: Callable[[bytes], None] = lambda line: None,
        ended: Callable[[], None] = lambda: None,
        pass_fds: tuple[int, ...] = (),
    ) -> Self:
        """Starts a command, whose first word is a path. Raises OSError."""
        path = os.pathsep.join(filter(None, (ROOT, os.environ.get("PYTHONPATH"))))
        kept = {name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-c", GUARD, str(os.getpid()), *command,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=LONGEST, env=kept | {"PYTHONPATH": path}, process_group=0, pass_fds=pass_fds,
        )  # fmt: skip
        return cls(process, said, ended)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The last lines of its standard error, and its exit code if it has ended; for a terminal."""
        lines = [shown(line, 300) for line in self._errors.decode(errors="replace").splitlines()]
        code = [] if self.code is None else [f"(exit code {self.code})"]
        return "\n    ".join([*lines[-TOLD:], *code])

    def terminate(self) -> None:
        """SIGTERM, unless it has ended."""
        if self._process.returncode is None:
            self._process.terminate()

    async def end(self) -> None:
        """SIGTERM, and when that does not end it, SIGKILL to it and its own children."""
        self.terminate()
        await asyncio.wait({self._life}, timeout=PATIENCE)
        if self.code is None:
            os.killpg(self.pid, signal.SIGKILL)
        await self._life

    async def _live(self, said: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        await asyncio.gather(each_line(self._process.stdout, said), self._keep(self._process.stderr))
        self.code = await self._process.wait()
        ended()

    async def _keep(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(KEPT):
            self._errors = (self._errors + data)[-KEPT:]


async def each_line(stream: asyncio.StreamReader, take: Callable[[bytes], None]) -> None:
    """Gives each line of `stream` to `take`, until its end."""
    while line := await stream.readline():
        take(line)
