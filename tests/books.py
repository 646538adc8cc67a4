"""What has arrived, in little room: millions of readings as intervals of numbers, last numbers, and counters. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import datetime
from typing import Any

LATE = 5.0  # s after which a reading cannot come but from the disk
KEPT = 20  # sentences of what is wrong; more of them say nothing more


class Numbers:
    """A set of integers, as the intervals that it consists of."""

    def __init__(self) -> None:
        self.firsts: list[int] = []
        self.lasts: list[int] = []

    def add(self, number: int) -> bool:
        """Takes it in; gives whether it is new."""
        firsts, lasts = self.firsts, self.lasts
        at = bisect_right(firsts, number)  # the interval before is at - 1
        if at and number <= lasts[at - 1]:
            return False
        before, behind = at > 0 and lasts[at - 1] == number - 1, at < len(firsts) and firsts[at] == number + 1
        if before and behind:
            lasts[at - 1] = lasts.pop(at)
            firsts.pop(at)
        elif before:
            lasts[at - 1] = number
        elif behind:
            firsts[at] = number
        else:
            firsts.insert(at, number)
            lasts.insert(at, number)
        return True

    def __len__(self) -> int:
        return sum(self.lasts) - sum(self.firsts) + len(self.firsts)

    def intervals(self) -> list[tuple[int, int]]:
        """(first, last) of each, in order."""
        return list(zip(self.firsts, self.lasts, strict=True))


class Order:
    """Whether the live readings of a sensor, and its replayed ones, come in order; second copies are passed over."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], Numbers] = {}
        self._last: dict[tuple[str, str, str, bool], int] = {}

    def take(self, one: dict[str, Any]) -> tuple[bool, str]:
        """A reading as it was published. Gives whether it is new, and what is wrong with its order, or ""."""
        lane, seq = (one["board"], one["sensor"], one["run"]), one["seq"]
        if not self._seen.setdefault(lane, Numbers()).add(seq):
            return False, ""
        key = *lane, bool(one.get("replayed"))
        last, self._last[key] = self._last.get(key, 0), seq
        return True, f"out of order: {key}, {seq} after {last}" if seq < last else ""


class Books:
    """All that came of one run of the gateway, from boards that number their readings (`count`)."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()  # live and replayed ones, doubled ones, sentences of what is wrong
        self.numbers: dict[tuple[str, str], Numbers] = {}  # the boards' own
        self.newest: dict[tuple[str, str, str], float] = {}  # when what came last was taken: live, last; s since 1970
        self.replayed_at = 0.0  # monotonic, of the last replayed one that is new
        self.unmarked = 0.0  # when the newest was taken of those that came late without a mark; s since 1970
        self.wrong: list[str] = []
        self._order = Order()
        self._names: dict[tuple[str, str], tuple[str, int]] = {}  # the run, and count - seq: both stay

    def take(self, one: dict[str, Any], wall: float, mono: float) -> None:
        """A reading, and when it came: s since 1970, and monotonic."""
        sensor, replayed = (one["board"], one["sensor"]), "replayed" in one
        new, wrong = self._order.take(one)
        if wrong:
            self.blame(wrong)
        name = one["run"], one["count"] - one["seq"]
        if name != self._names.setdefault(sensor, name):
            self.blame(f"{sensor} {one['count']} has another run or seq than its number says: {one}")
        if new != self.numbers.setdefault(sensor, Numbers()).add(one["count"]):
            self.blame(f"{sensor} {one['count']} was published as two readings: {one}")
        self.count["doubled" if not new else "replayed" if replayed else "live"] += 1
        if replayed:
            self.replayed_at = mono if new else self.replayed_at
        else:
            taken = self.seen("live", one)
            if wall - taken > LATE:
                self.unmarked = max(self.unmarked, taken)

    def seen(self, what: str, one: dict[str, Any]) -> float:
        """The newest of a sensor; gives when it was taken. what: live, last."""
        taken = datetime.fromisoformat(one["time"]).timestamp()
        self.newest[what, one["board"], one["sensor"]] = taken
        return taken

    def blame(self, wrong: str) -> None:
        """Something is not as promised."""
        self.count["wrong"] += 1
        if len(self.wrong) < KEPT:
            self.wrong.append(wrong)

    def look(self) -> dict[str, Any]:
        """How it stands, as JSON has it. oldest: when the newest was taken of the sensor that is most behind."""
        oldest = {
            what: min((at for (kind, *_), at in self.newest.items() if kind == what), default=0.0)
            for what in ("live", "last")
        }
        arrived = {f"{board}/{sensor}": len(numbers) for (board, sensor), numbers in self.numbers.items()}
        gaps = {
            f"{board}/{sensor}": numbers.intervals()[:4]
            for (board, sensor), numbers in self.numbers.items()
            if len(numbers.firsts) > 1
        }
        return {
            **{name: self.count[name] for name in ("live", "replayed", "doubled", "wrong")},
            "oldest": oldest,
            "arrived": arrived,
            "gaps": gaps,
            "replayed_at": self.replayed_at,
            "unmarked": self.unmarked,
            "sentences": self.wrong,
        }
