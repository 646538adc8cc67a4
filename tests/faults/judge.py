"""What arrived, against what the boards wrote: by (board, sensor, count), whatever the gateway says."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.street import ROOT, until

QUIET = 0.3  # s without a message, after which what was on its way has come
Key = tuple[str, str, int]  # board, sensor, the board's own number of the reading


@dataclass
class Written:
    """What the boards wrote, each entry after its write had returned. A board's `log` writes here."""

    sent: dict[Key, tuple[float, float]] = field(default_factory=dict)  # value, monotonic time

    def write(self, text: str) -> None:
        """One JSON line of a board."""
        entry = json.loads(text)
        self.sent[entry["board"], entry["sensor"], entry["count"]] = entry["value"], entry["mono"]

    def flush(self) -> None:
        """Part of what a board expects of a file."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A reading as it arrived."""

    at: float  # s, monotonic
    document: dict[str, Any]


def rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The readings of a message, whatever its payload is."""
    if "rows" not in document:
        yield document
        return
    same = {key: value for key, value in document.items() if key not in ("columns", "rows")}
    for one in document["rows"]:
        yield same | dict(zip(document["columns"], one, strict=True))


class Judge:
    """Listens in a process of its own, and compares. refused: payloads that are no JSON, NaN and infinity included."""

    def __init__(self, folder: Path, port: int, name: str = "judge", topics: Sequence[str] = ()) -> None:
        self.readings: dict[Key, list[Heard]] = {}
        self.newest: dict[str, float] = {}  # board -> when the newest of its heard readings was written
        self.order: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.documents: dict[str, list[Heard]] = {}  # by topic, as they were published
        self.last: dict[str, Heard] = {}  # by topic; what the broker had retained when we subscribed, too
        self.refused: list[str] = []
        self.topics: set[str] = set()
        self.written = Written()
        self._subscribed = 0
        self._file = folder / f"{name}.jsonl"
        self._file.touch()
        self._at = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.listener", str(port), str(self._file), name, *topics],
            cwd=ROOT, stdin=subprocess.PIPE,
        )  # fmt: skip
        until(lambda: self.listen() or self._subscribed, "the judge is subscribed")

    def listen(self) -> None:
        """Takes in what has come since."""
        with self._file.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._at += end
        for line in data[:end].splitlines():
            self._take(*json.loads(line))

    def _take(self, at: float, topic: str, text: str, retained: bool, _duplicate: bool) -> None:
        if topic == "$subscribed":
            self._subscribed += 1
            return
        self.topics.add(topic)
        if not text and topic.startswith("homeassistant/"):  # what does not fit, or is no more, is taken back
            return
        try:
            document = json.loads(text, parse_constant=self.refused.append)
        except ValueError:
            self.refused.append(text[:200])
            return
        if topic.endswith("/features"):
            for one in rows(document):
                self._reading(Heard(at, one))
        else:
            self.last[topic] = Heard(at, document)
            if not retained:
                self.documents.setdefault(topic, []).append(Heard(at, document))

    def _reading(self, heard: Heard) -> None:
        one = heard.document
        key = one["board"], one["sensor"], one.get("count", one["seq"])
        self.readings.setdefault(key, []).append(heard)
        self.order.setdefault(key[:2], []).append(one)
        if key in self.written.sent:
            self.newest[key[0]] = max(self.newest.get(key[0], 0.0), self.written.sent[key][1])

    def all_heard(self) -> set[Key]:
        """What it has heard once nothing more comes, after the gateway was stopped."""
        size = -1
        while size != self._at:
            size = self._at
            time.sleep(QUIET)
            self.listen()
        return set(self.readings)

    def missing(self) -> set[Key]:
        """Written, and not heard."""
        return set(self.written.sent) - set(self.readings)

    def strangers(self) -> set[Key]:
        """Heard, and written by nobody."""
        return set(self.readings) - set(self.written.sent)

    def doubled(self) -> int:
        """Readings that came more than once. Fails where two of them are not the same reading of the same run."""
        again = 0
        for key, heard in self.readings.items():
            names = {(one.document["run"], one.document["seq"]) for one in heard}
            assert len(names) == 1, f"{key} was published as two readings: {names}"
            again += len(heard) - 1
        return again

    def out_of_order(self) -> list[tuple[str, str]]:
        """Sensors whose live readings, or whose replayed ones, did not come in order; second copies are passed over."""
        wrong = []
        for sensor, documents in self.order.items():
            for replayed in (False, True):
                seen: dict[tuple[str, int], None] = {}
                for one in documents:
                    if bool(one.get("replayed")) == replayed:
                        seen.setdefault((one["run"], one["seq"]))
                runs: dict[str, list[int]] = {}
                for run, seq in seen:
                    runs.setdefault(run, []).append(seq)
                if any(seqs != sorted(seqs) for seqs in runs.values()):
                    wrong.append(sensor)
        return wrong

    def wrong(self) -> list[str]:
        """Readings that differ from what was written, or from the founding formulas by plain Python."""
        out = []
        for key, heard in self.readings.items():
            one, sent = heard[0].document, self.written.sent.get(key)
            part = (one["value"] - 20) / 60
            right = round(part, 4), round(math.sqrt(abs(part)) * math.log(abs(one["value"]) + 1), 4)
            if (sent is not None and one["value"] != sent[0]) or (one["normalized"], one["feature"]) != right:
                out.append(f"{key}: {one}, written {sent}")
        return out

    def latencies(self, boards: set[str], since: float, to: float) -> list[float]:
        """Seconds from the write to the first arrival, sorted, of what was written between two times."""
        found = []
        for key, heard in self.readings.items():
            sent = self.written.sent.get(key)
            if key[0] in boards and sent is not None and since <= sent[1] <= to:
                found.append(heard[0].at - sent[1])
        return sorted(found)

    def behind(self, at: float) -> float:
        """Seconds by which live readings came late, at most, that were first heard in the second before `at`."""
        late = 0.0
        for key, (heard, *_) in self.readings.items():
            sent = self.written.sent.get(key)
            if sent is not None and at - 1.0 <= heard.at <= at and not heard.document.get("replayed"):
                late = max(late, heard.at - sent[1])
        return late

    @property
    def pid(self) -> int:
        """Of the process that listens."""
        return self._process.pid

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)


def share(values: list[float], part: float) -> float:
    """The value below which `part` of the sorted `values` lie; 0 where there are none."""
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0.0
