"""The ledger: what came in, what went out, and what was refused or dropped and why. Every stage reports to it."""

import builtins
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

LATELY = 20
"""Frames of a board that are kept, for whoever has to find out why they, or a value of them, were no good."""


class Refused(NamedTuple):
    """A frame that was no good, or the first with a value that is not.

    wall: when it came, s since 1970. data: how it begins.
    """

    wall: float
    why: str
    data: bytes


@dataclass(slots=True)
class Account:
    """The counts of one board since the start, or the sum over several. Frames, values and readings are three units."""

    bytes: int = 0
    frames: int = 0
    decoded: int = 0
    noise: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    values: int = 0
    refused_values: Counter[str] = field(default_factory=Counter)
    readings: int = 0
    inherited: int = 0  # found in the spool at the start
    acknowledged: int = 0
    sent_unacknowledged: int = 0  # to a broker that offers QoS 0 only
    condensed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    reopened: int = 0
    silences: int = 0
    dtr_pulses: int = 0
    overruns: int = 0  # of the kernel's buffers, or of the adapter's
    line_errors: int = 0  # bytes with a wrong frame or parity
    retuned: int = 0  # how often the board's rate was another one, and looked for again
    count_gaps: int = 0  # of the board's own numbers: how many never came
    restarts: int = 0  # of the board, by its own numbers
    last_refused: builtins.bytes = b""
    lately: deque[Refused] = field(default_factory=lambda: deque(maxlen=LATELY))  # the newest of them

    def refuse(self, why: str, data: builtins.bytes, wall: float) -> None:
        """Counts a frame that was no good. data: what is kept of it; wall: when it came, s since 1970."""
        self.refused[why] += 1
        self.last_refused = data
        self.lately.append(Refused(wall, why, data))


def total(accounts: Iterable[Account]) -> Account:
    """The sum of `accounts`; what is no number (`last_refused`, `lately`) stays empty."""
    out = Account()
    for one in accounts:
        out.bytes += one.bytes
        out.frames += one.frames
        out.decoded += one.decoded
        out.noise += one.noise
        out.refused += one.refused
        out.values += one.values
        out.refused_values += one.refused_values
        out.readings += one.readings
        out.inherited += one.inherited
        out.acknowledged += one.acknowledged
        out.sent_unacknowledged += one.sent_unacknowledged
        out.condensed += one.condensed
        out.dropped += one.dropped
        out.reopened += one.reopened
        out.silences += one.silences
        out.dtr_pulses += one.dtr_pulses
        out.overruns += one.overruns
        out.line_errors += one.line_errors
        out.retuned += one.retuned
        out.count_gaps += one.count_gaps
        out.restarts += one.restarts
    return out


def imbalances(account: Account, in_flight: int, spooled: int = 0) -> list[str]:
    """The laws that do not hold, a sentence each; [] when the ledger balances.

    in_flight: readings between the first queue and the broker, spooled: readings on the disk; both counted where they
    are and not derived from the account.
    """
    refused, refused_values = account.refused.total(), account.refused_values.total()
    gone = account.acknowledged + account.sent_unacknowledged + account.condensed + account.dropped.total()
    laws = (
        ("frames", account.frames, account.decoded + account.noise + refused),
        ("values", account.values, account.readings + refused_values),
        ("readings", account.readings + account.inherited, gone + in_flight + spooled),
    )
    return [f"{name}: {left} came in and {right} are accounted for" for name, left, right in laws if left != right]
