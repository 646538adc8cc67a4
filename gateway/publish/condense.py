"""Which readings are sent by themselves, and how many are left out before each (`every`, `band`). Pure."""

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..model import Features
from ..sending import Sending

ROUNDING = 1e-14  # of a value: 20.3 differs from 20.2 by 0.1, which their difference as doubles does not quite reach


@dataclass(slots=True)
class Sent:
    """What a sensor's stream has sent so far."""

    at: float | None = None  # s, monotonic, of the last reading sent by itself
    value: float = 0.0  # and its value
    unit: str = ""  # and in what
    condensed: int = 0  # readings since

    def due(self, t: float, value: float, how: Sending) -> bool:
        """Whether a reading is sent: in time for `every`, and far enough from the last one, or that long ago."""
        if self.at is None:
            return True
        if (passed := t - self.at) < how.every:
            return False
        return abs(value - self.value) >= how.band - ROUNDING * abs(value) or 0 < how.heartbeat <= passed


def sent_rows(sent: Sent, features: Features, how: Sending, anyway: Collection[int] = ()) -> list[int]:
    """The rows that leave. anyway: those that do whatever `how` says; updates all of `sent` but `condensed`."""
    rows, anyway = [], frozenset(anyway)
    if features.unit != sent.unit:
        sent.unit, sent.value = features.unit, float("inf")  # from which any value is far away
    for i, (t, value) in enumerate(zip(features.mono, features.value, strict=True)):
        if i in anyway or sent.due(t, value, how):
            sent.at, sent.value = t, value
            rows.append(i)
    return rows


def gaps(sent: Sent, rows: Sequence[int], total: int, seq: Sequence[int]) -> dict[int, int]:
    """seq -> readings left out just before it, for the rows that leave out of `total`; updates `sent.condensed`."""
    out, before = {}, -1
    for row in rows:
        if left := sent.condensed + row - before - 1:
            out[seq[row]] = left
        sent.condensed, before = 0, row
    sent.condensed += total - before - 1
    return out


def selected(features: Features, rows: list[int]) -> Features:
    """Only the given rows of `features`."""
    f = features
    return Features(
        f.board, f.sensor, f.unit, f.keys,
        array("q", [f.seq[i] for i in rows]), array("d", [f.wall[i] for i in rows]),
        array("d", [f.mono[i] for i in rows]), array("d", [f.value[i] for i in rows]), [f.count[i] for i in rows],
        array("q", [f.n[i] for i in rows]), bytes(f.quality[i] for i in rows),
        [array("d", [column[i] for i in rows]) for column in f.columns], f.unset,
        bytes(f.alarm[i] for i in rows) if f.alarm else b"",
    )  # fmt: skip
