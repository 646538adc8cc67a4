"""Pools of real processes for tests, who gives them tasks, and what runs below a process."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.compute.pool import Pool
from gateway.compute.wire import Nonsense
from tests import odd_workers
from tests.faults.tree import alive
from tests.waiting import until

ROOT = Path(__file__).parent.parent


class Client:
    """Gives tasks to a pool as its workers become free, in order; each is a future of its answer."""

    def __init__(self, size: int) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.pool = Pool(size, self._free, lambda name, **fields: self.events.append((name, fields)))
        self.waiting: list[tuple[bytes, asyncio.Future[bytes]]] = []
        self.answers = 0

    def ask(self, task: bytes) -> "asyncio.Future[bytes]":
        """The answer to `task`, or RuntimeError when the pool gives it up."""
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.waiting.append((task, done))
        self._free()
        return done

    def _free(self) -> None:
        while self.waiting and self.pool.free:
            task, done = self.waiting.pop(0)
            self.pool.give(task, lambda answer, done=done: self._answered(done, answer),
                           lambda why, done=done: done.set_exception(RuntimeError(why)))  # fmt: skip

    def _answered(self, done: "asyncio.Future[bytes]", answer: bytes) -> None:
        if answer == b"nonsense":
            raise Nonsense
        self.answers += 1
        done.set_result(answer)  # fails on a second answer

    async def all_running(self) -> None:
        """Waits until every worker is there."""
        await until(lambda: self.pool.look()["workers"] == self.pool.size)


@contextlib.asynccontextmanager
async def running(size: int = 2) -> AsyncIterator[Client]:
    """A client whose pool has all its workers."""
    client = Client(size)
    await client.pool.start()
    try:
        await client.all_running()
        yield client
    finally:
        await client.pool.stop()


def family(root: int) -> dict[int, str]:
    """The processes below `root`: pid -> command line."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            commands[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
    found: dict[int, str] = {}
    todo = [root]
    while todo:
        above = todo.pop()
        below = [pid for pid, parent in parents.items() if parent == above]
        found |= {pid: commands[pid] for pid in below}
        todo += below
    return found


def helper(word: str) -> int:
    """The fork server or the resource tracker of this process."""
    return next(
        pid for pid, command in family(os.getpid()).items() if f"multiprocessing.{word}" in command and alive(pid)
    )


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers that do what their task says."""
    monkeypatch.setattr("gateway.compute.process.serve", odd_workers.serve)
    yield


PROGRAM = """
import asyncio, json, os, sys
sys.path.insert(0, {root!r})
import gateway.compute.process
from tests import odd_workers
from gateway.compute.pool import Pool
gateway.compute.process.serve = odd_workers.{serve}
async def main():
    pool = Pool({size}, lambda: None)
{body}
asyncio.run(main())
"""
WHOLE = """
await pool.start()
while pool.look()["workers"] < {size}:
    await asyncio.sleep(0.01)
{then}
print(json.dumps(pool.pids), flush=True)
await asyncio.sleep(60)
"""


def program(body: str, size: int = 1, serve: str = "serve") -> list[str]:
    """The command of a program that does `body` with a pool, of whose workers each does `serve`. No main guard."""
    body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return [sys.executable, "-c", PROGRAM.format(root=str(ROOT), serve=serve, size=size, body=body)]


@contextlib.contextmanager
def parent(then: str = "pass", size: int = 3, **options: object) -> Iterator[tuple["subprocess.Popen[str]", list[int]]]:
    """A program of its own whose pool has all its workers, and which does `then`; gives it and its workers' pids."""
    command = program(WHOLE.format(size=size, then=textwrap.dedent(then).strip()), size)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
