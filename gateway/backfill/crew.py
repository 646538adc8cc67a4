"""The hands of a backfill: each gets a chain, and the next one when that is done; what they say is summed up.

A hand is a process here (Hand), or a thread's worth of a cluster's worker (afar.py); what it says is the same.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, cast

from .summary import BEHIND, Progress, Summary

LOOK = 0.25  # s between two lines of progress, at most
TRIES = 3  # hands that may end at a chain, where that may be no fault of the chain's
Said = dict[str, Any] | None  # what a worker says, see worker.py; None: the hand has ended


class Works(Protocol):
    """A hand. task: what it is at. again: whether another may have that, once it has ended."""

    task: dict[str, Any] | None
    again: bool

    def give(self, task: dict[str, Any]) -> None:
        """The next chain."""

    def close(self) -> None:
        """Nothing comes any more."""

    def how(self) -> str:
        """How it ended, a clause."""

    def end(self) -> None:
        """It is to end, whatever it is at."""


Heard = queue.Queue[tuple[Works, Said]]
Hire = Callable[[dict[str, Any], Heard], Works | None]
"""A new hand, that has its order; what it says goes into the queue. None: nobody can be had at the moment."""


class Unstarted(Exception):
    """No process can be started: one sentence."""


def unstarted(error: OSError) -> str:
    """That sentence."""
    return (
        f"no process can be started: {(error.strerror or str(error)).lower()}; end other programs or give fewer "
        "--workers, and the same command goes on behind what is done"
    )


class Crew:
    """order: see worker.py. tasks: chains, the longest first. many: hands at once, which may change.

    hire: makes one; None: processes here, of which one may read ahead for another where a core is left over.
    """

    def __init__(
        self,
        order: dict[str, Any],
        tasks: Sequence[dict[str, Any]],
        many: Callable[[], int],
        summary: Summary,
        shows: Progress,
        hire: Hire | None = None,
    ) -> None:
        self._order, self._tasks, self._many = order, deque(tasks), many
        self._summary, self._shows = summary, shows
        self._hire, self._ahead = hire or Hand, hire is None
        self._said: Heard = queue.Queue()
        self._hands: set[Works] = set()

    def run(self) -> None:
        """Returns when all chains are done, or cannot be. Raises what `many` does, and Unstarted."""
        try:
            while self._tasks or self._hands:
                self._begin()
                try:
                    self._hear(*self._said.get(timeout=LOOK))
                except queue.Empty:
                    self._shows.show()
        finally:
            for hand in self._hands:
                hand.end()

    def _begin(self) -> None:
        """As many hands as there may be."""
        while len(self._hands) < self._many() and self._tasks:
            try:
                hand = self._hire(self._order, self._said)
            except OSError as error:
                raise Unstarted(unstarted(error)) from None
            if hand is None:
                return
            self._hands.add(hand)
            self._summary.begun = True
            self._give(hand)

    def _give(self, hand: Works) -> None:
        """The next chain; one that reads ahead for it, where nobody else is left who could use the core."""
        task = self._tasks.popleft()
        busy = sum(1 + other.task.get("ahead", False) for other in self._hands if other.task is not None)
        hand.give(task | {"ahead": self._ahead and busy + 2 + len(self._tasks) <= self._many()})

    def _over(self, hand: Works) -> None:
        """It has ended, which may be said twice."""
        if hand not in self._hands:
            return
        self._hands.discard(hand)
        self._shows.over(hand)
        how, task = hand.how(), hand.task
        if task is None:
            return
        tries = task.get("tries", 0) + 1
        if hand.again and tries < TRIES:
            self._tasks.appendleft(task | {"tries": tries})
        else:
            self._summary.fail(f"a worker {how} at the captures of {task['name']}; {BEHIND}")

    def _hear(self, hand: Works, said: Said) -> None:
        if said is None:
            self._over(hand)
        elif "at" in said:
            self._shows.at(hand, said["at"], said["readings"])
        elif "done" in said:
            self._summary.add(said["done"])
            self._shows.done(hand, said["done"]["size"], said["done"]["left"])
            cast(dict[str, Any], hand.task)["captures"].pop(0)  # whoever has the chain next need not know of it
        elif "before" in said:
            task = cast(dict[str, Any], hand.task)
            before = [one for one in task["captures"] if one in said["before"]]
            task["captures"] = [one for one in task["captures"] if one not in before]
            for one in before:
                self._summary.skipped.append(one["path"])
                self._shows.done(hand, one["size"], 0)
        elif "failed" in said:
            self._summary.fail(said["failed"])
        elif "end" in said:
            self._summary.miss(said["missed"])
            self._shows.over(hand)
            hand.task = None
            if self._tasks:
                self._give(hand)
            else:
                hand.close()


def environment() -> dict[str, str]:
    """Of a process of ours: it finds this gateway, wherever it is started, and has one core."""
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    return os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Hand:
    """One process. Raises OSError where none can be started."""

    again = False  # what ended it here would end the next one too

    def __init__(self, order: dict[str, Any], said: Heard) -> None:
        self.task: dict[str, Any] | None = None
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gateway.backfill.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,  # the folder's lock goes along
            env=environment(),
        )
        threading.Thread(target=self._listen, args=(said,), daemon=True).start()
        self._write(order)

    def give(self, task: dict[str, Any]) -> None:
        """See Works."""
        self.task = task
        self._write(task)

    def close(self) -> None:
        """See Works."""
        cast(IO[bytes], self.process.stdin).close()

    def how(self) -> str:
        """See Works."""
        code = self.process.wait()
        return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def end(self) -> None:
        """See Works."""
        self.process.kill()
        self.process.wait()

    def _write(self, document: dict[str, Any]) -> None:
        pipe = cast(IO[bytes], self.process.stdin)
        try:
            pipe.write(json.dumps(document).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:  # it has ended: whoever listens hears of it
            pass

    def _listen(self, said: Heard) -> None:
        with cast(IO[bytes], self.process.stdout) as lines:
            for line in lines:
                said.put((self, json.loads(line)))
        said.put((self, None))
