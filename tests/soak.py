"""The soak: one random fault after another, a live count, and a verdict.

    python -m tests.soak [--hours H | --faults N] [--seed S] [--rate HZ]

Four boards on pseudo-terminals, `gateway run`, mosquitto with a persistent subscriber that drops nothing. Missing may
be only what a board wrote less than `at_risk` and half a second before the gateway was killed; what comes twice has to
be the same reading of the same run. The seed is printed: the same one gives the same faults in the same order.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.books import Order
from tests.faults import tree
from tests.faults.judge import Key
from tests.faults.scene import Scene

AT_RISK = 1.5  # s: spool.at_risk, and half a second
UNREAD = (
    0.5  # s that what a board has written may lie in its port's buffer on a busy machine; a pull, or an end, loses it
)
SETTLED = 60.0  # s after which what was written is judged, and forgotten
GROWTH = 40e6  # bytes that the gateway's processes may grow, with what the allocator keeps
BACK = 40.0  # s after each fault until all boards arrive again


class Soak:
    """One soak. `count` is what has been judged so far."""

    def __init__(self, folder: Path, seed: int, rate: float) -> None:
        self.dice = random.Random(seed)
        self.scene = Scene(folder, boards=("a", "b", "c", "d"), sensors=2, rate=rate / 8)
        self.done: Counter[str] = Counter()
        self.count: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._order = Order()
        self._opens: list[tuple[float, str]] = []  # since when a board's port was closed
        self._excused: list[tuple[float, float, str]] = []  # when what was written may be missing; by which board

    # faults

    def kill_gateway(self) -> None:
        """kill -9, and a new one."""
        at = time.monotonic()
        self.scene.gateway.process.kill()
        self.scene.gateway.process.wait(5)
        time.sleep(self.dice.uniform(0, 2))  # how long nobody starts it
        self._excuse(at - AT_RISK)
        self.scene.start()

    def stop_gateway(self) -> None:
        """SIGTERM: nothing may be missing at all but what came in while nobody read."""
        at = time.monotonic()
        assert self.scene.gateway.stop(12) == 0
        self._excuse(at - UNREAD)
        self.scene.start()

    def kill_worker(self) -> None:
        """kill -9 of a worker."""
        self._signal_worker(signal.SIGKILL)

    def hang_worker(self) -> None:
        """A worker that is stopped; the gateway replaces it."""
        self._signal_worker(signal.SIGSTOP)

    def restart_broker(self) -> None:
        """SIGTERM, and some seconds of outage."""
        self.scene.broker.stop()
        time.sleep(self.dice.uniform(0, 6))
        self.scene.broker.start()

    def freeze_broker(self) -> None:
        """SIGSTOP for some seconds."""
        self.scene.broker.signal(signal.SIGSTOP)
        time.sleep(self.dice.uniform(0.1, 5))
        self.scene.broker.signal(signal.SIGCONT)

    def outage_and_kill(self) -> None:
        """The gateway is killed while the broker is away."""
        self.scene.broker.stop()
        time.sleep(self.dice.uniform(0.5, 4))
        self.kill_gateway()
        self.scene.broker.start()

    def freeze_and_kill(self) -> None:
        """The gateway is killed while the broker is frozen."""
        self.scene.broker.signal(signal.SIGSTOP)
        time.sleep(self.dice.uniform(0.5, 4))
        self.kill_gateway()
        self.scene.broker.signal(signal.SIGCONT)

    def pull_board(self) -> None:
        """A board is unplugged and comes back."""
        name = self.dice.choice(list(self.scene.boards))
        at = time.monotonic()
        self.scene.boards[name].unplug()
        self._excuse(at - UNREAD, name)
        time.sleep(self.dice.uniform(0, 2))
        self.scene.boards[name].plug()

    def _excuse(self, since: float, board: str = "") -> None:
        """What was written since then has perhaps not been read; of all boards, or one."""
        now = time.monotonic()
        self._excused.append((since, now + 0.1, board))
        self._opens += [(now, name) for name in ([board] if board else self.scene.boards)]

    def _excuse_first_lines(self) -> None:
        """What a board says first after its port was opened may have begun before: it is noise to the gateway."""
        written = self.scene.judge.written.sent.copy().items()  # which another thread goes on writing
        for since, board in self._opens:
            first = min((at for key, (_, at) in written if key[0] == board and at > since + 0.1), default=None)
            if first is not None:
                self._excused.append((first, first + 0.002, board))
        self._opens = []

    def _signal_worker(self, number: signal.Signals) -> None:
        workers = self.scene.gateway.workers()
        if workers:
            os.kill(self.dice.choice(workers), number)

    # the course

    def run(self, faults: float, seconds: float, told: Callable[[str], None]) -> None:
        """So many faults, or for so long."""
        kinds = [
            self.kill_gateway, self.stop_gateway, self.kill_worker, self.hang_worker, self.restart_broker,
            self.freeze_broker, self.outage_and_kill, self.freeze_and_kill, self.pull_board,
        ]  # fmt: skip
        self.scene.steady()
        before, end = self.scene.reading()["resident"], time.monotonic() + seconds
        while self.done.total() < faults and time.monotonic() < end and not self.wrong:
            fault = self.dice.choice(kinds)
            fault()
            self.done[fault.__name__] += 1
            self.scene.arrive(time.monotonic(), BACK, f"readings of all boards after {fault.__name__}")
            self._excuse_first_lines()
            time.sleep(self.dice.uniform(0, 1.5))
            self.judge(time.monotonic() - SETTLED)
            told(self.line())
        for board in self.scene.boards.values():
            board.stop()
            board.wait_done()
        self.scene.until(lambda: not self._missing(math.inf) or self.wrong, "every reading that was written", 120)
        self.judge(math.inf)
        grown = self.scene.reading()["resident"] - before
        if grown > GROWTH:
            self.wrong.append(f"the gateway has grown by {grown / 1e6:.0f} MB")
        if tree.state(self.scene.pid) in ("", "Z") or self.scene.gateway.stop(12) != 0:
            self.wrong.append("the gateway did not end well")

    def line(self) -> str:
        """How it stands."""
        parts = ", ".join(f"{count} {name}" for name, count in self.count.items())
        waiting = len(self.scene.judge.written.sent)
        return f"{self.done.total()} faults; {parts}; {waiting} not judged yet"

    # the judgement

    def _missing(self, until: float) -> list[Key]:
        """Written before `until`, not heard, and without an excuse."""
        judge = self.scene.judge
        judge.listen()
        written = judge.written.sent.copy().items()  # the boards go on writing
        late = [(key, at) for key, (_, at) in written if at < until and key not in judge.readings]
        return [
            key
            for key, at in late
            if not any(begin <= at <= end and board in ("", key[0]) for begin, end, board in self._excused)
        ]

    def judge(self, until: float) -> None:
        """Judges what was written before `until`, and forgets it."""
        judge = self.scene.judge
        missing = self._missing(until)
        self.wrong += [f"missing: {key}, written at {judge.written.sent[key][1]:.1f}" for key in missing[:5]]
        for came in judge.order.values():
            self.wrong += [wrong for one in came for _, wrong in [self._order.take(one)] if wrong]
            came.clear()
        self.wrong += judge.wrong()[:5]
        for topic, heard in judge.documents.items():
            unbalanced = [one for one in heard if topic.endswith("gw/status") and one.document.get("balanced") is False]
            self.wrong += [f"the ledger does not balance: {one.document}" for one in unbalanced]
            del heard[:-1]
        self.count["lost"] += len(missing)
        judge.doubled()  # fails where two are not the same
        for key in [key for key, (_, at) in judge.written.sent.copy().items() if at < until]:
            heard = judge.readings.pop(key, [])
            self.count["arrived"] += bool(heard)
            self.count["doubled"] += max(0, len(heard) - 1)
            self.count["excused"] += not heard and key not in missing
            judge.written.sent.pop(key)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=math.inf)
    parser.add_argument("--faults", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--rate", type=float, default=200.0, help="readings a second, of all boards")
    given = parser.parse_args()
    if given.hours == given.faults == math.inf:
        given.hours = 1.0
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"seed {given.seed}, files in {folder}", flush=True)
    began = time.monotonic()
    soak = Soak(folder, given.seed, given.rate)
    try:
        soak.run(given.faults, given.hours * 3600, lambda line: print(line, flush=True))
    except AssertionError as error:
        soak.wrong.append(str(error))
        missing, sent = soak._missing(math.inf), soak.scene.judge.written.sent
        soak.wrong += [f"missing: {key}, written at {sent[key][1]:.1f}" for key in missing[:20]]
        soak.wrong.append(f"excused: {soak._excused}")
    finally:
        soak.scene.close()
    for text in soak.wrong:
        print(f"WRONG: {text}")
    print(f"{soak.line()}; {dict(soak.done)}; {time.monotonic() - began:.0f} s; seed {given.seed}")
    print("not as promised" if soak.wrong else "as promised: nothing was lost")
    if not soak.wrong:
        shutil.rmtree(folder)
    return bool(soak.wrong)


if __name__ == "__main__":
    sys.exit(main())
