"""Rows F85, F86 and F88: the machine's clock is wrong, steps, and stands still."""

import os
import signal
import struct
import time
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from tests.faults import tree
from tests.faults.rows import lasting, row

OUTAGE = ("broker.lost", "broker.recovered")
USE = '[features]\nuse = ["mean", "slope", "rate", "ewma"]\n'
BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = {"summer": datetime(2027, 3, 28, 1, tzinfo=UTC), "winter": datetime(2026, 10, 25, 1, tzinfo=UTC)}
NEAR = 1.0  # s by which a reading's time may differ from when it was written
FASTEST = 1e-6  # s between two readings of a sensor that came in one piece, or nearly so


class WallClock:
    """The wall clock of a gateway: so many seconds beside ours. Its monotonic clock stays ours, as at a real step."""

    def __init__(self, folder, beside):
        self.file = folder / "clock"
        self.set(beside)

    def set(self, beside):
        """Steps it."""
        self.beside = float(beside)
        with self.file.open("r+b" if self.file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("d", self.beside))

    def at(self, mono):
        """What it shows at a monotonic time, if it is not stepped."""
        return mono + time.time() - time.monotonic() + self.beside


def heard(s, since=0.0, to=float("inf")):
    """Readings that were written between two monotonic times: (when, the document)."""
    s.judge.listen()
    found = ((s.judge.written.sent[key][1], all_of[0].document) for key, all_of in s.judge.readings.items()
             if key in s.judge.written.sent)  # fmt: skip
    return [one for one in found if since <= one[0] <= to]


def wall(document):
    """`time` of a message, in s since 1970. It is in UTC."""
    assert document["time"].endswith("Z"), document
    return datetime.fromisoformat(document["time"]).timestamp()


def intervals_hold(s):
    """No `rate` knows of an interval that is negative, or longer than a second; no window has lost a reading."""
    seen = 0
    for documents in s.judge.order.values():
        for before, one in pairwise(documents):
            if one["seq"] != before["seq"] + 1 or one.get("replayed") or one["rate"] is None:
                continue
            if step := one["value"] - before["value"]:
                assert FASTEST <= step / one["rate"] <= 2.0, (before, one)
                seen += 1
            assert one["n"] >= before["n"], (before, one)
    assert seen > 100, "nothing was compared"


def no_alarm(s):
    """Nobody is silent, no worker is late, and the broker is not left."""
    for name in ("board.silent", "board.offline", "pool.worker_lost", "broker.lost"):
        assert not s.times(name), s.events(name)


@row(
    "F85",
    field="A boot without a clock: 1970, then the network's time.",
    happens="The gateway starts in 1970, and is 56 years later half a minute after, with the broker there, "
    "and with what is stored in an outage.",
    promised="`clock` is unsynced until then, and corrected, as `time` is, for what waits; no reconnect, no burst, no "
    "silent board; windows and `rate` are right; `max_age` deletes nothing that was stored before.",
    full=60,
)
def test_f85_the_clock_is_set(scene, tmp_path):
    clock = WallClock(tmp_path, 100 - time.time())
    s = scene(clock=clock.file, extra=USE)
    s.steady()
    with s.fault():
        s.hold(20, ci=3)
        s.prove(lambda: s.status()["time"].startswith("1970-"), "it is 1970 there")
        s.prove(lambda: s.status()["clock"] == "unsynced", "and the status says that it cannot be so")
        stepped = time.monotonic()
        clock.set(0)
        s.until(lambda: s.status()["clock"] == "synced", "the status believes the clock", 5)
        s.hold(10, ci=3)
    s.back(within=2)
    s.over(bystanders=list(s.boards))
    intervals_hold(s)
    no_alarm(s)
    assert all(one["clock"] == "unsynced" and one["time"].startswith("1970-") for _, one in heard(s, 0, stepped - 0.5))
    after = heard(s, stepped + 1.5)
    assert after and not [one for _, one in after if "clock" in one]
    assert not [one for mono, one in after if abs(wall(one) - clock.at(mono)) > NEAR]


@row("F85", full=90)
@pytest.mark.parametrize("restarted", [False, True])
def test_f85_what_was_stored_in_1970(scene, tmp_path, restarted):
    clock = WallClock(tmp_path, 100 - time.time())
    s = scene(clock=clock.file, extra='[spool]\nmax_age = "40s"\n')
    s.steady()
    with s.fault():
        s.broker.stop()
        s.hold(20, ci=4)
        held = len(s.judge.missing())
        if restarted:
            s.pause_boards(4)
            s.spend(0.5)
            assert s.gateway.stop(10) == 0
        clock.set(0)
        if restarted:
            s.start()
        s.hold(10, ci=5)  # it looks for what is too old every 2 s
        s.prove(held > 200 and clock.beside == 0, "readings of 1970 are kept, and it is today")
        s.broker.start()
    s.back(within=20)
    s.steady()
    if restarted:
        s.over(lost=12, faults=["broker"], excepted=["latency", "memory"])  # each board's line at the open
    else:
        s.over(told=[OUTAGE], faults=["broker"])
    replayed = [(mono, one) for mono, one in heard(s, s.began + 0.5) if one.get("replayed")]
    assert replayed and {one.get("clock") for _, one in replayed} <= {"corrected", None}
    assert any(one.get("clock") == "corrected" for _, one in replayed)
    assert not [one for mono, one in replayed if abs(wall(one) - clock.at(mono)) > NEAR]


@row(
    "F86",
    field="The clock goes back an hour, or over a change of summer time.",
    happens="The clock is set back by 3600 s, with the broker there, and shortly before it goes; in Berlin both "
    "changes of summer time pass.",
    promised="`seq` and order go on; no negative interval in `rate`, `slope` and `ewma`; deadlines, `at_risk` and the "
    "pauses before a connection do not feel it; `time` is UTC.",
    full=60,
)
def test_f86_an_hour_back(scene, tmp_path):
    clock = WallClock(tmp_path, 0)
    s = scene(clock=clock.file, extra=USE, rate=80)
    s.steady()
    with s.fault():
        clock.set(-3600)
        stepped = time.monotonic()
        s.prove(
            lambda: s.until(lambda: any(wall(one) < time.time() - 3000 for _, one in heard(s, stepped)), "back", 5),
            "readings are of an hour before",
        )
        s.hold(10, ci=3)
        no_alarm(s)
        s.broker.stop()
        s.until(lambda: stored(tmp_path / "state"), "it is stored, within `at_risk` and half a second", 1.5 + 1.0)
        s.hold(10, ci=3)
        s.broker.start()
    s.back(within=5)
    s.over(faults=["broker"])
    assert s.times("broker.lost") == s.times("broker.recovered") == 1
    for name in ("board.silent", "board.offline", "pool.worker_lost"):
        assert not s.times(name), s.events(name)
    intervals_hold(s)
    assert not [one for mono, one in heard(s, stepped + 0.5) if abs(wall(one) - clock.at(mono)) > NEAR]


def stored(state):
    """Whether something is on the disk."""
    return any(one.stat().st_size for one in state.glob("spool.db*"))


@row("F86", full=40)
@pytest.mark.parametrize("change", CHANGES)
def test_f86_summer_time(scene, tmp_path, change):
    clock = WallClock(tmp_path, CHANGES[change].timestamp() - time.time() - 8)
    s = scene(clock=clock.file, environment={"TZ": "Europe/Berlin"}, extra=USE)
    s.steady()

    def local(mono):
        return datetime.fromtimestamp(clock.at(mono), BERLIN).utcoffset()

    with s.fault():
        before = local(s.steady_from)
        s.until(lambda: local(time.monotonic()) != before, "summer time begins, or ends", 15)
        s.prove(local(time.monotonic()) != before, "and it did")
        s.hold(10, ci=3)
    s.back(within=2)
    s.over(bystanders=list(s.boards))
    no_alarm(s)
    intervals_hold(s)
    assert not [one for mono, one in heard(s) if abs(wall(one) - clock.at(mono)) > NEAR]
    for documents in s.judge.order.values():
        assert [one["time"] for one in documents] == sorted(one["time"] for one in documents)


@row(
    "F88",
    field="Sleep and wake.",
    happens="The gateway with all that it has started is stopped for 5 minutes, while the boards are quiet; the broker "
    "gives its connection up meanwhile.",
    promised="Each timer fires once: no burst of documents or events; the connection is looked at, and online again, "
    "within 20 s; nothing lost.",
    full=360,
)
def test_f88_sleep_and_wake(scene):
    asleep = lasting(300)
    s = scene(timers={"keepalive": 2})
    s.steady()
    s.pause_boards(asleep + 1)
    s.spend(0.5)  # what they wrote is out
    with s.fault():
        pids = tree.family(s.pid)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        s.prove(lambda: all(tree.state(pid) == "T" for pid in pids), "all of it stands still")
        s.spend(asleep)
        woken = time.monotonic()
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)
    s.back(within=20)
    s.until(lambda: s.status()["broker"]["connected"] and not s.status()["faults"], "all is well", 20)
    s.over(told=[OUTAGE], faults=["broker"], excepted=["lag"])
    for topic, documents in s.judge.documents.items():
        burst = [one for one in documents if woken <= one.at <= woken + 5]
        assert topic.endswith("/last") or len(burst) <= 8, f"{len(burst)} documents on {topic} in 5 s"
    for name in {event["event"] for event in s.gateway.events()} - {"board.online", "board.format"}:
        assert s.times(name) <= 2, s.events(name)
