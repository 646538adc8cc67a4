"""What came of a backfill, for a person and for `--json`, and how far it is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..shown import shown

SUMS = ("frames", "decoded", "noise", "values", "readings", "out_of_range")
BEHIND = "what was done is done, and the same command goes on behind it"
REASONED = ("refused", "refused_values")


@dataclass(slots=True)
class Summary:
    """All that was done, left out, and went wrong. detailed: of each capture too, 3 kB each."""

    root: str
    detailed: bool = False
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    begun: bool = False  # with any capture
    mixed: bool = False  # rows of two configurations would be: nothing is done
    captures: int = 0  # that were done, and of all of them:
    rows: int = 0
    total: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: {key: Counter() for key in REASONED})
    files: list[dict[str, Any]] = field(default_factory=list)  # see chain.py
    skipped: list[str] = field(default_factory=list)  # were done before
    copies: list[str] = field(default_factory=list)  # of other captures
    failed: list[dict[str, Any]] = field(default_factory=list)
    missed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, done: dict[str, Any]) -> None:
        """A capture is done."""
        self.captures += 1
        self.rows += done["rows"]
        for board in done["boards"].values():
            self.total.update({key: board[key] for key in SUMS})
            for key in REASONED:
                self.reasons[key].update(board[key])
        if self.detailed:
            self.files.append({key: value for key, value in done.items() if key not in ("key", "left")})

    def fail(self, why: str, path: Path | None = None) -> None:
        """Something is not done: a sentence, and the capture where it is one."""
        self.failed.append({"capture": None if path is None else str(path), "why": why})

    def miss(self, missed: dict[str, dict[str, Any]]) -> None:
        """Calls of the user's own features came to nothing."""
        for feature, one in missed.items():
            known = self.missed.setdefault(feature, {"calls": 0, "why": one["why"]})
            known["calls"] += one["calls"]

    def wrong(self) -> list[str]:
        """All that went wrong, a sentence each."""
        return [one["why"] for one in self.failed] + [
            f"{feature} {one['why']}; {one['calls']} of its calls have no value" for feature, one in self.missed.items()
        ]

    def document(self) -> dict[str, Any]:
        """As `--json` has it."""
        total, seconds = self.total, self.ended - self.began
        return {
            "output": self.root, "captures": self.captures, "skipped": len(self.skipped), "copies": self.copies,
            "failed": self.failed, **{key: total[key] for key in SUMS}, **self.reasons, "rows": self.rows,
            "missed": self.missed, "seconds": round(seconds, 3),
            "readings_per_s": round(total["readings"] / seconds) if seconds else None, "files": self.files,
        }  # fmt: skip


def told(summary: Summary) -> str:
    """A line for a person."""
    s = summary.document()
    parts = [
        f"{_many(s['captures'])}, {s['readings']:,} readings, {s['rows']:,} rows in {shown(s['output'], 200)}, "
        f"{s['seconds']:.1f} s ({s['readings_per_s'] or 0:,}/s)",
        f"{s['frames']:,} frames: {s['decoded']:,} decoded, {s['noise']:,} noise, {_reasons(s['refused'])} refused",
    ]
    for key, what in (("refused_values", "values refused"), ("out_of_range", "readings dropped as out of range")):
        if s[key]:
            parts.append(f"{_reasons(s[key]) if isinstance(s[key], dict) else s[key]} {what}")
    if s["skipped"]:
        parts.append(f"{_many(s['skipped'])} done before")
    if s["copies"]:
        parts.append(f"{_many(len(s['copies']))} left out as copies")
    return "; ".join(parts)


def _many(captures: int) -> str:
    return "1 capture" if captures == 1 else f"{captures} captures"


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items())) or "none"


class Progress:
    """How far it is, in one line. line: shows it; total: bytes of all captures."""

    def __init__(self, line: Callable[[str], None], total: int, captures: int) -> None:
        self._line, self._total, self._captures = line, total, captures
        self._began, self._shown = time.monotonic(), 0.0
        self._done = self._many = self._readings = 0
        self._at: dict[object, int] = {}  # of captures that are under way

    def at(self, hand: object, position: int, readings: int) -> None:
        """A process is so far in its capture, and has read so many more readings."""
        self._at[hand] = position
        self._readings += readings
        self.show()

    def done(self, hand: object, size: int, readings: int) -> None:
        """A capture is done."""
        self._done += size
        self._many += 1
        self._readings += readings
        self._at.pop(hand, None)
        self.show()

    def over(self, hand: object) -> None:
        """A process is at none any more."""
        self._at.pop(hand, None)

    def show(self) -> None:
        """Shows it, at most four times a second."""
        now = time.monotonic()
        if now - self._shown < 0.25:
            return
        self._shown = now
        self._line(
            line(self._done + sum(self._at.values()), self._total, self._readings, now - self._began)
            + f", {self._many} of {self._captures} captures"
        )


def line(done: int, total: int, readings: int, seconds: float) -> str:
    """How far it is: bytes of all, readings so far, and the time that is left."""
    share = min(1.0, done / total) if total else 1.0
    left = seconds * (1 - share) / share if share > 0.001 else None
    pace = f"{readings / seconds:,.0f} readings/s" if seconds > 0.5 else "starting"
    return f"{share:4.0%}  {pace}" + (f", {_span(left)} left" if left is not None else "")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
