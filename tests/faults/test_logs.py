"""Rows F72 and F73: the log says too much, or nobody reads it."""

import contextlib
import json
import os
import signal
import sys
from collections import Counter

from tests.faults import tree
from tests.faults.hand import by_hand
from tests.faults.rows import TIER, lasting, row

A_SECOND, AN_HOUR = 10, 1_000_000  # lines, bytes


@row(
    "F72",
    field="A log storm.",
    happens="Garbage, a board that babbles, one that is plugged in and out, a broker that is restarted, all at once "
    "for five minutes.",
    promised="At most 10 lines in a second, and 1 MB an hour after the first minute.",
    full=400,
)
def test_f72_log_storm(scene):
    heard = [f"gateway/gw/{board}/#" for board in ("bench", "attic", "cellar", "flaps")]
    topics = [*heard, "gateway/gw/odd/status", "gateway/gw/status"]  # what the babbler says is not judged
    with by_hand(scene, hands={"odd": 'format = "kv"', "flaps": 'format = "kv"'}, topics=topics) as (s, boards):
        s.steady()
        odd, flaps = boards.values()
        rounds = {"full": 300, "ci": 12, "fast": 5}[TIER]
        size = s.gateway.log.stat().st_size
        with s.fault():
            for turn in range(rounds):
                for _ in range(40):
                    odd.write(s.dice.randbytes(400) + b"\n")
                for at in range(200):
                    odd.write(b"T%d:21.5\n" % (at % 300))
                flaps.board.unplug()
                flaps.board.plug()
                if turn % 6 == 0:
                    s.broker.stop()
                    s.spend(0.2)
                    s.broker.start()
                s.spend(0.8)
        s.back(within=20)
        s.until(lambda: flaps.status().get("reopened", 0) >= 2, "the status tells of the replugs", 35)
        s.prove(s.times("broker.lost") >= 1, "the broker and a board were away")
        lines = [json.loads(line) for line in s.gateway.log.read_text().splitlines()]
        worst = max(Counter(line["time"][:19] for line in lines).values())
        said = s.gateway.log.stat().st_size - size
        s.told |= {"lines_a_second": worst, "log_bytes": said}
        s.over(excepted=["latency"])
        assert worst <= A_SECOND, Counter(line["time"][:19] for line in lines).most_common(3)
        assert said <= 60_000 + AN_HOUR / 3600 * (s.healed - s.began), s.told


def storm(s, flaps, seconds: float) -> None:
    """A board is plugged in and out, which is worth a line each time."""
    for _ in range(int(seconds / 0.5)):
        flaps.board.unplug()
        s.spend(0.25)
        flaps.board.plug()
        s.spend(0.25)


@row(
    "F73",
    field="Nobody reads the log.",
    happens="The reader of the pipe is stopped until the pipe is full, goes on, and then ends.",
    promised="The loop waits for nobody; readings go on; the log goes on when it is read again; a pipe that "
    "is closed is survived.",
    full=90,
)
def test_f73_the_log_is_not_read(scene, tmp_path):
    reader = tmp_path / "reader"
    prefix = [sys.executable, "-m", "tests.faults.tail", str(reader)]
    with by_hand(scene, hands={"flaps": 'format = "kv"'}, prefix=prefix) as (s, boards):
        s.steady()
        flaps = boards["flaps"]
        tail = int(reader.read_text())
        with s.fault():
            before = len(s.gateway.events())
            os.kill(tail, signal.SIGSTOP)
            s.until(lambda: tree.state(tail) == "T", "the reader is stopped", 5)
            s.prove(fill(s.pid), "the pipe is full")
            storm(s, flaps, lasting(60, 6, 5))
            os.kill(tail, signal.SIGCONT)
            s.until(lambda: len(s.gateway.events()) > before, "the log goes on", 30)
            os.kill(tail, signal.SIGKILL)
            storm(s, flaps, lasting(30, 6, 5))
        s.back(within=5)
        s.over(bystanders=list(s.boards))
        assert flaps.status()["reopened"] >= 10


def fill(pid: int) -> int:
    """Writes empty lines to the standard error of a process until its pipe takes no more; gives their number."""
    fd, written = os.open(f"/proc/{pid}/fd/2", os.O_WRONLY | os.O_NONBLOCK), 0
    with contextlib.suppress(BlockingIOError):
        while True:
            written += os.write(fd, b"\n")
    os.close(fd)
    return written
