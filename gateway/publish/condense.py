"""Which readings are sent by themselves, and how many are left out before each (`every`). Pure."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from ..model import Features


@dataclass(slots=True)
class Sent:
    """What a sensor's stream has sent so far."""

    at: float | None = None  # s, monotonic, of the last reading sent by itself
    condensed: int = 0  # readings since


def sent_rows(sent: Sent, mono: Sequence[float], every: float) -> list[int]:
    """The rows that leave: at most one in `every` seconds. mono: s, ascending; updates `sent.at` only."""
    rows = []
    for i, t in enumerate(mono):
        if sent.at is None or t - sent.at >= every:
            sent.at = t
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
    )  # fmt: skip
