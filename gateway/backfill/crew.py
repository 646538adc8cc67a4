"""The processes of a backfill: each gets a chain, and the next one when that is done; what they say is summed up."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

from .summary import Progress, Summary

LOOK = 0.25  # s between two lines of progress, at most


class Crew:
    """order: see worker.py. tasks: chains, the longest first. many: processes at once."""

    def __init__(
        self, order: dict[str, Any], tasks: Sequence[dict[str, Any]], many: int, summary: Summary, shows: Progress
    ) -> None:
        self._order, self._tasks, self._many = order, deque(tasks), many
        self._summary, self._shows = summary, shows
        self._said: queue.Queue[tuple[Hand, dict[str, Any] | None]] = queue.Queue()
        self._hands: set[Hand] = set()

    def run(self) -> None:
        """Returns when all chains are done, or cannot be."""
        try:
            while self._tasks and len(self._hands) < self._many:
                self._begin()
            while self._hands:
                try:
                    self._hear(*self._said.get(timeout=LOOK))
                except queue.Empty:
                    self._shows.show()
        finally:
            for hand in self._hands:
                hand.process.kill()
            for hand in self._hands:
                hand.process.wait()

    def _begin(self) -> None:
        hand = Hand(self._order, self._said)
        self._hands.add(hand)
        self._give(hand)

    def _give(self, hand: Hand) -> None:
        """The next chain; one that reads ahead for it, where nobody else is left who could use the core."""
        task = self._tasks.popleft()
        busy = sum(1 + other.task.get("ahead", False) for other in self._hands if other.task is not None)
        hand.give(task | {"ahead": busy + 2 + len(self._tasks) <= self._many})

    def _hear(self, hand: Hand, said: dict[str, Any] | None) -> None:
        if said is None:  # it has ended
            self._hands.discard(hand)
            code = hand.process.wait()
            if hand.task is not None:
                how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
                self._summary.fail(
                    f"a worker ended {how} at the captures of {hand.task['name']}; what was done is done, and the "
                    "same command goes on behind it"
                )
                self._shows.over(hand)
                if self._tasks:
                    self._begin()
        elif "at" in said:
            self._shows.at(hand, said["at"], said["readings"])
        elif "done" in said:
            self._summary.add(said["done"])
            self._shows.done(hand, said["done"]["size"], said["done"]["left"])
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


class Hand:
    """One process. task: what it is at."""

    def __init__(self, order: dict[str, Any], said: queue.Queue[tuple[Hand, dict[str, Any] | None]]) -> None:
        self.task: dict[str, Any] | None = None
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gateway.backfill.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,  # the folder's lock goes along
            env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        threading.Thread(target=self._listen, args=(said,), daemon=True).start()
        self._write(order)

    def give(self, task: dict[str, Any]) -> None:
        """The next chain."""
        self.task = task
        self._write(task)

    def close(self) -> None:
        """Nothing comes any more."""
        cast(IO[bytes], self.process.stdin).close()

    def _write(self, document: dict[str, Any]) -> None:
        pipe = cast(IO[bytes], self.process.stdin)
        try:
            pipe.write(json.dumps(document).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:  # it has ended: whoever listens hears of it
            pass

    def _listen(self, said: queue.Queue[tuple[Hand, dict[str, Any] | None]]) -> None:
        with cast(IO[bytes], self.process.stdout) as lines:
            for line in lines:
                said.put((self, json.loads(line)))
        said.put((self, None))
