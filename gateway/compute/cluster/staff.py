"""The workers of a cluster as its bridge knows them: which are of use, and for what. Looks in, a standing out.

A worker is of use once it has said that its gateway is of our version, and while its scheduler hears from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from . import letters
from .letters import CONNECTED, CONNECTING, EMPTY, VERSION, Order, Standing
from .modules import mark_of

QUIET = 2.0  # s, and two of the intervals in which workers are heard, after which one counts as silent
ASKED = 10.0  # s after which a worker that is not ready yet is not waited for
BARRED = 600.0  # s for which a worker does not get a feature that has failed there; as a quarantine
LONGEST_WHY = 400  # characters of what is wrong with a feature there
LONGEST = 40  # characters of a version that are shown
AHEAD = 1  # task of each worker that waits there, so that it need not wait for the next


class Seen(NamedTuple):
    """A worker as its scheduler sees it."""

    threads: int
    heard: float  # when it was heard last, on the scheduler's own clock
    running: bool
    busy: bool = False  # it computes something


@dataclass(slots=True)
class Member:
    """One worker. since: when it was first seen with that `heard`, on our clock."""

    seen: Seen
    since: float
    came: float
    silent: bool = False
    version: str | None = None  # None: it has not said that it is ready
    why: str = ""  # why it is of no use, or a feature cannot be computed there
    able: set[int] = field(default_factory=set)
    barred: dict[int, float] = field(default_factory=dict)  # features that failed there, and until when


class Staff:
    """The workers. modules: of users' features, as they go along."""

    def __init__(self, order: Order, modules: bytes) -> None:
        self.order, self.modules, self.mark = order, modules, mark_of(modules)
        self._members: dict[str, Member] = {}
        self._shut: dict[int, tuple[float, str]] = {}  # features that nobody gets: until when, and why

    def gone(self) -> None:
        """The scheduler has gone, and with it all that was known."""
        self._members = {}

    def look(self, workers: Mapping[str, Seen], now: float) -> list[str]:
        """Takes in whom the scheduler has. Gives those that are new, and have to be asked."""
        new = [address for address in workers if address not in self._members]
        members = {address: self._members.get(address) or Member(seen, now, now) for address, seen in workers.items()}
        for address, seen in workers.items():
            member = members[address]
            if seen.heard != member.seen.heard:
                member.since = now
            member.seen, member.silent = seen, now - member.since > QUIET + 2 * _interval(len(workers))
        self._members = members
        return new

    def said(self, address: str, version: str, why: str = "") -> None:
        """A worker has said which version it has, and is ready; "", and why, where it could not."""
        if (member := self._members.get(address)) is not None:
            member.version, member.why = version, why or member.why
            if version and version != self.order.version:
                member.why = f"has gateway {version[:LONGEST]} and not {self.order.version}"

    def forget(self, address: str) -> None:
        """A worker could not be asked: it will be new again."""
        self._members.pop(address, None)

    def able(self, address: str, feature: int, why: str) -> None:
        """Whether it can compute a feature of the order; why not, a clause."""
        if (member := self._members.get(address)) is not None and feature not in member.barred:
            if why:
                member.able.discard(feature)
                member.why = f"cannot compute {letters.name_of(self.order.features[feature])}: {why[:LONGEST_WHY]}"
            else:
                member.able.add(feature)

    def failed(self, address: str, feature: int, why: str, now: float) -> None:
        """A feature raised, crashed or hung there: it is not given it for a while. Whose fault that is shows where it
        is computed next: here."""
        self.able(address, feature, why)
        if (member := self._members.get(address)) is not None:
            member.barred.setdefault(feature, now + BARRED)

    def shut(self, feature: int, why: str, now: float) -> None:
        """A feature takes workers along: nobody is given it for a while."""
        self._shut[feature] = now + BARRED, why[:LONGEST_WHY]

    def again(self, now: float) -> list[str]:
        """Those that have to be given the modules of a feature again, which is not barred there any more."""
        self._shut = {feature: told for feature, told in self._shut.items() if now < told[0]}
        due = []
        for address, member in self._members.items():
            left = {feature: until for feature, until in member.barred.items() if now < until}
            if left != member.barred:
                member.barred, member.why = left, ""
                due.append(address)
        return due

    def unprepared(self) -> list[str]:
        """Some worker has not the modules any more, nobody knows which. Gives all that have to be given them again."""
        fit = self.fit()
        for address in fit:
            self._members[address].able.clear()
            self._members[address].why = ""
        return fit

    def fit(self, feature: int | None = None) -> list[str]:
        """The workers that may be given a batch, or a call of a feature."""
        return [
            address
            for address, member in self._members.items()
            if self._fits(member) and (feature is None or (feature in member.able and feature not in self._shut))
        ]

    def _fits(self, member: Member) -> bool:
        return member.version == self.order.version and member.seen.running and not member.silent

    def standing(self, now: float) -> Standing:
        """How the cluster stands."""
        fit = [self._members[address] for address in self.fit()]
        wrong = [f"{address} {one.why}" for address, one in self._members.items() if one.why]
        named = "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        if not fit:
            members = self._members.values()
            if any(one.version is None and not one.why and now - one.came < ASKED for one in members):
                return Standing(CONNECTING)
            strangers = wrong and all(one.version not in (None, self.order.version) for one in members)
            if strangers:
                return Standing(VERSION, f"has no worker with gateway {self.order.version} ({named})")
            return Standing(EMPTY, f"has no worker that can be used ({named})" if wrong else self._idle())
        hands = sum(member.seen.threads + AHEAD for member in fit)
        able = sorted(set().union(*(member.able for member in fit)) - {*self._shut})
        reasons = [f"has {len(wrong)} of {len(self._members)} workers that cannot do all ({named})"] if wrong else []
        reasons += [self.order.lacks] if self.order.lacks else []
        for feature, (_, why) in self._shut.items():
            reasons.append(f"does not get {letters.name_of(self.order.features[feature])}, which {why}")
        return Standing(CONNECTED, " and ".join(reasons), len(fit), hands, tuple(able))

    def _idle(self) -> str:
        """Why nobody is of use where nobody said why."""
        if not self._members:
            return "has no workers"
        return (
            "has no worker that is heard" if any(one.silent for one in self._members.values()) else "has no worker yet"
        )


def _interval(workers: int) -> float:
    """S between two heartbeats of a worker, as Dask's scheduler asks for them."""
    return 0.5 if workers <= 10 else 1.0 if workers < 50 else 2.0 if workers < 200 else workers / 200 + 1.0
