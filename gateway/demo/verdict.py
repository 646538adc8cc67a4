"""What the demo has shown: the counts side by side, and where what is missing went. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..shown import shown
from ..watch.table import counted, spelt
from .judge import Judge


@dataclass(frozen=True, slots=True)
class Verdict:
    """The counts of a demo, in readings; times in s."""

    boards: int
    sensors: int
    seconds: float
    sent: int  # what the boards wrote, by their own count
    accepted: int  # what the gateway took in, by its ledger
    published: int  # what the broker acknowledged, by the gateway's ledger
    received: int  # different ones at the subscriber
    duplicates: int
    p50: float | None
    p99: float | None

    @property
    def lost(self) -> int:
        """Written, and not received."""
        return self.sent - self.received

    @property
    def rate(self) -> float:
        """Readings a second that were received."""
        return self.received / self.seconds if self.seconds else 0.0

    def document(self) -> dict[str, Any]:
        """As `demo --json` prints it."""
        return {
            "boards": self.boards,
            "sensors": self.sensors,
            "seconds": round(self.seconds, 3),
            "sent": self.sent,
            "accepted": self.accepted,
            "published": self.published,
            "received": self.received,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "rate_per_s": round(self.rate, 1),
            "latency_ms": {"p50": _milliseconds(self.p50), "p99": _milliseconds(self.p99)},
        }

    def sentence(self) -> str:
        """For a person."""
        text = (
            f"sent {self.sent} readings from {counted(self.sensors, 'sensor')} on {counted(self.boards, 'board')} "
            f"in {self.seconds:.1f} s; received {self.received}, lost {self.lost}, duplicates {self.duplicates}"
        )
        if self.p50 is None or self.p99 is None:
            return text
        return f"{text}; {self.rate:.0f} readings/s, latency {spelt(self.p50)} (half), {spelt(self.p99)} (99 %)"


def verdict(judge: Judge, written: Mapping[str, Any]) -> Verdict:
    """The sum of it all. written: the document with which the boards ended."""
    return Verdict(
        boards=len({board for board, _ in judge.streams}),
        sensors=len(judge.streams),
        seconds=written["seconds"],
        sent=written["readings"],
        accepted=judge.status.get("readings", 0),
        published=judge.status.get("acknowledged", 0),
        received=judge.received,
        duplicates=judge.duplicates,
        p50=judge.latencies.quantile(0.5),
        p99=judge.latencies.quantile(0.99),
    )


def losses(judge: Judge, written: Mapping[str, Any]) -> list[str]:
    """Where what is lost was lost, a sentence each; [] when nothing is."""
    found = verdict(judge, written)
    if not found.lost:
        return []
    sentences = [f"{found.lost} of {counted(found.sent, 'reading')} are lost"]
    refused, dropped = (dict(judge.status.get(key, {})) for key in ("refused", "dropped"))
    places = (
        (found.sent - found.accepted, f"did not come in at the gateway{_reasons('its refused frames', refused)}"),
        (found.accepted - found.published, f"came in and were not acknowledged{_reasons('dropped readings', dropped)}"),
        (found.published - found.received, "were acknowledged by the broker and did not reach the subscriber"),
    )
    if judge.status.get("reason") == "stopped":  # else the gateway's counts are older than the others
        sentences += [f"{gone} {what}" for gone, what in places if gone > 0]
    away = {
        f"{board}/{sensor}": written["boards"][board]["sensors"].get(sensor, 0) - stream.seen.received
        for (board, sensor), stream in judge.streams.items()
    }
    if short := Counter({name: count for name, count in away.items() if count > 0}):
        sentences.append(f"most are of {', '.join(f'{name} ({count})' for name, count in short.most_common(3))}")
    if judge.strays:
        sentences.append(f"{judge.strays} came of sensors that no board has, such as {shown(judge.stray)}")
    return sentences


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _reasons(what: str, counts: Mapping[str, int]) -> str:
    told = ", ".join(f"{reason} {count}" for reason, count in counts.items() if count)
    return f" ({what}: {told})" if told else ""
