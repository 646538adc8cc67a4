"""Whom and what a pool knows: its workers, the tasks that they hold, and what happened so far."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from .link import Link
from .process import Process


@dataclass(slots=True, eq=False)
class Task:
    """Bytes for a worker, and who hears what becomes of them."""

    number: int
    data: bytes
    answered: Callable[[bytes], None]
    failed: Callable[[str], None]
    faults: int = 0  # crashes, nonsense, cores used for too long: after some it is given up
    silences: int = 0  # of workers that only waited: each doubles the patience, like a fault, and is none


class Worker:
    """One process, and what it does."""

    link: Link

    def __init__(self, process: Process) -> None:
        self.process = process
        self.hello: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task: Task | None = None
        self.dismissed = False


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    batches: int = 0
    retried: int = 0
    replaced: int = 0
    not_started: int = 0  # attempts to start a worker that came to nothing
