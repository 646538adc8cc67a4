"""The workers that a cluster has, as somebody who hires sees them: who is fit, who has a thread left. Looks in; no I/O.

A worker has to answer before it is given anything, and one that has other work answers when a thread of its is free. So
it is waited for as long as its scheduler hears from it; one that has nothing to do and is silent is of no use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..shown import shown

if TYPE_CHECKING:
    from ..compute.cluster.staff import Seen

ANSWER = 30.0  # s for a worker that has nothing else to do
EMPTY = 10.0  # s for a worker to come, where there is none
SAID = 5.0  # s of waiting for workers that have other work, after which it is worth a word


@dataclass(slots=True, eq=False)
class Candidate:
    """A worker. why: it is of no use, a clause; "": it is fit; None: it has not answered yet."""

    seen: Seen
    since: float  # when it came, or was last heard to have something to do
    engaged: bool  # it had other work as it came
    why: str | None = None
    taken: int = 0  # of its threads, by us


class Candidates:
    """All of them. `many`, `take` and `back` may be called from another thread than the rest. now: s of one clock."""

    def __init__(self, now: float) -> None:
        self._all: dict[str, Candidate] = {}
        self._filled = self._usable = now  # when there was one last; one that is fit
        self._doubted = False

    def look(self, workers: Mapping[str, Seen], now: float) -> tuple[dict[str, Candidate], list[str]]:
        """Takes in whom the scheduler has. Gives those that are new, and have to be asked, and who has gone."""
        gone = [address for address in self._all if address not in workers]
        for address in gone:
            del self._all[address]
        new = {
            address: Candidate(seen, now, seen.busy) for address, seen in workers.items() if address not in self._all
        }
        self._all |= new
        for address, seen in workers.items():
            one = self._all[address]
            if seen.busy and seen.heard != one.seen.heard:
                one.since = now
            one.seen = seen
        self._doubted = False
        self._filled = now if self._all else self._filled
        self._usable = now if any(map(_fit, self._all.values())) else self._usable
        return new, gone

    def has(self, address: str) -> bool:
        """Whether the scheduler still has it."""
        return address in self._all

    def doubt(self) -> None:
        """The connection seems to have gone: nobody is given anything until the next look."""
        self._doubted = True

    def many(self) -> int:
        """How many may be at work at once."""
        return 0 if self._doubted else sum(one.seen.threads for one in list(self._all.values()) if _fit(one))

    def take(self) -> str | None:
        """The address of a worker that has a thread left, which is taken."""
        free = [(one.seen.threads - one.taken, address, one) for address, one in list(self._all.items()) if _fit(one)]
        left, address, one = max(free, key=lambda each: each[0], default=(0, "", None))
        if one is None or left <= 0 or self._doubted:
            return None
        one.taken += 1
        return address

    def back(self, address: str) -> None:
        """A thread of its is free again."""
        if (one := self._all.get(address)) is not None:
            one.taken = max(0, one.taken - 1)  # it may be a new one that is called the same

    def useless(self, now: float) -> str:
        """Why nobody can be hired, a clause; "" while somebody may come, or answer."""
        if not self._all:
            return "has no workers" if now - self._filled > EMPTY else ""
        said = {address: _why(one, now) for address, one in self._all.items()}
        if not all(said.values()):
            return ""
        named = "; ".join(f"{shown(address, 200)} {shown(why or '', 500)}" for address, why in [*said.items()][:3])
        return f"has no worker that can be used ({named})"

    def waits(self, now: float) -> str:
        """What the workers are waited for, a clause; "" while some are fit, or have not been waited for for long."""
        if now - self._usable <= SAID or self.useless(now):
            return ""
        if any(one.why == "" for one in self._all.values()):
            return "are paused, as Dask does with those whose memory is nearly used up"
        engaged = any(one.engaged and one.why is None for one in self._all.values())
        return "have other work" if engaged else ""


def _fit(one: Candidate) -> bool:
    return one.why == "" and one.seen.running


def _why(one: Candidate, now: float) -> str | None:
    """As `why`, and of one that is silent."""
    if one.why is None and now - one.since > ANSWER:
        return f"has not answered for {ANSWER:.0f} s"
    return one.why
