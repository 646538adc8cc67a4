"""The cluster as the gateway's loop sees it: how it stands, tasks given to it, and given back when no answer comes.

The loop waits for nothing: Dask is in another process (bridge.py). A task is given with someone who takes it back; it
is back at once when the cluster has gone, and after its patience otherwise. What is answered later is not looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from ..wire import READY, Nonsense
from . import conduct, letters
from .carrier import Carrier
from .policy import Costs, sized, sooner
from .setting import Setting

PATIENCE = 1.0  # s for the answer to a copy of what is computed here
BETWEEN = 0.25  # s between copies of batches that are sent to measure how long they take there


@dataclass(slots=True, eq=False)
class Given:
    """A task that the cluster has. back: None for a copy of what is computed here as well."""

    kind: Hashable
    readings: int
    began: float
    answered: Callable[[bytes], None]
    back: Callable[[str], None] | None
    alarm: asyncio.TimerHandle


class Cluster:
    """Tasks to a cluster. event: the log."""

    def __init__(self, setting: Setting, event: Callable[..., None]) -> None:
        self.here, self.there = Costs(), Costs()
        self._setting, self._event = setting, event
        self._listeners: list[Callable[[], None]] = []
        self._carrier = Carrier(setting, self._heard, self._away)
        self._standing = letters.Standing()
        self._conduct = conduct.Conduct()
        self._given: dict[int, Given] = {}
        self._number = READY
        self._batches, self._back, self._late = 0, 0, 0  # given, and of those given back; answers that came after that
        self._copied, self._answered = -BETWEEN, 0.0  # when: the latest copy, the latest good answer
        self._fault = ""  # why it is not used although it is there
        self._told: tuple[str, float] | None = None  # why it is not used, "" while it is, and since when
        self._lacks: str | None = None  # what is wrong although it is used
        self._loop = asyncio.get_running_loop()

    def listen(self, freed: Callable[[], None]) -> None:
        """`freed` is called when the cluster can take more."""
        self._listeners.append(freed)

    def start(self) -> None:
        """Starts the bridge, in the background."""
        self._carrier.start()

    async def stop(self) -> None:
        """Ends the bridge. What is under way is given back before."""
        self._stands(letters.Standing())
        await self._carrier.stop()

    def renew(self) -> None:
        """The modules of users' features may have changed: begins again with what their files say now."""
        self._stands(letters.Standing())
        self._carrier.renew()

    @property
    def free(self) -> int:
        """How many tasks it could be given now."""
        if self._standing.state != letters.CONNECTED or not conduct.used(self._conduct):
            return 0
        return max(0, self._standing.hands - len(self._given))

    def look(self) -> dict[str, Any]:
        """What the status shows as `pool.cluster`. reason: a sentence, while something is wrong."""
        standing, slow = self._standing, not conduct.used(self._conduct)
        connected = standing.state == letters.CONNECTED
        state = letters.SLOW if slow and connected else standing.state
        return {
            "address": self._setting.address,
            "state": state,
            "workers": standing.workers,
            "batches": self._batches,
            "returned": self._back,
            "late": self._late,
            "reason": self._reason(state),
        }

    def _reason(self, state: str) -> str | None:
        what, why = f"the cluster {self._setting.address}", self._standing.reason
        if state == letters.CONNECTING:
            return None
        if state == letters.SLOW:
            return f"{what} {self._fault}: batches are computed here, and it is tried again"
        if state != letters.CONNECTED:
            return f"{what} {why}: batches are computed here"
        return f"{what} {why}" if why else None

    # tasks

    def takes(self, kind: Hashable, readings: int, wait: float, *, feature: str | None = None) -> bool:
        """Whether a batch is done sooner there. wait: s until a worker here is free."""
        if not self.free or not self._able(feature):
            return False
        kind = kind, sized(readings)
        if not wait and not self.here.fresh(kind, self._loop.time()):
            return False  # so that it is known also of what is always sooner there
        return sooner(self.here.of(kind), self.there.of(kind), readings, wait)

    def give(
        self,
        kind: Hashable,
        readings: int,
        task: bytes,
        answered: Callable[[bytes], None],
        back: Callable[[str], None],
        patience: float,
    ) -> None:
        """Gives it a task, see letters.py. answered: gets the answer; raises Nonsense when it is none. back: is told
        why there is none, after `patience` seconds at the latest: the task is to be computed here."""
        self._batches += 1
        self._hand_over((kind, sized(readings)), readings, task, answered, back, patience)

    def takes_here(self, kind: Hashable, readings: int) -> float:
        """S that a batch takes here, as far as that is known."""
        return readings * (self.here.of((kind, sized(readings))) or 0.0)

    def takes_there(self, kind: Hashable, readings: int) -> float:
        """The same of the cluster, there and back."""
        return readings * (self.there.of((kind, sized(readings))) or 0.0)

    def computed(self, kind: Hashable, readings: int, seconds: float) -> None:
        """A batch took so long here, from when a worker had it."""
        self.here.note((kind, sized(readings)), readings, seconds, self._loop.time())

    def copy(self, kind: Hashable, readings: int, task: Callable[[], bytes], *, feature: str | None = None) -> None:
        """A batch is being computed here: a copy of it shows how long that takes there, where it is time to know it.

        task: makes the copy. Its answer is not looked at.
        """
        now, kind = self._loop.time(), (kind, sized(readings))
        known = conduct.used(self._conduct) and self.there.fresh(kind, now)
        if known or now < self._copied + BETWEEN or not self._able(feature):
            return
        copies = sum(given.back is None for given in self._given.values())
        room = self._standing.state == letters.CONNECTED and len(self._given) < self._standing.hands
        if room and not copies and conduct.tried(self._conduct, now):
            self._copied = now
            self._hand_over(kind, readings, task(), lambda data: None, None, PATIENCE)

    def task(self, feature: str, data: bytes) -> bytes:
        """A call of a user's feature as a task."""
        return letters.call(self._setting.features.index(feature), data)

    def _able(self, feature: str | None) -> bool:
        return feature is None or (
            feature in self._setting.features and self._setting.features.index(feature) in self._standing.able
        )

    def _hand_over(
        self,
        kind: Hashable,
        readings: int,
        task: bytes,
        answered: Callable[[bytes], None],
        back: Callable[[str], None] | None,
        patience: float,
    ) -> None:
        self._number = number = self._number + 1
        now = self._loop.time()
        alarm = self._loop.call_at(now + patience, self._overdue, number)
        self._given[number] = Given(kind, readings, now, answered, back, alarm)
        self._carrier.send(number, task)

    def _overdue(self, number: int) -> None:
        self._carrier.send(number, letters.FORGET)
        self._return([number], "did not answer in time", fault=True)

    def _return(self, numbers: Iterable[int], why: str, *, fault: bool) -> None:
        """Gives tasks back. fault: they had no answer, or none that will do; the cluster is to blame where it has
        answered nothing else meanwhile."""
        now = self._loop.time()
        for number in numbers:
            given = self._given.pop(number)
            given.alarm.cancel()
            if fault:
                self.there.note(given.kind, given.readings, now - given.began, now)
                if given.began >= self._answered:
                    self._conduct, self._fault = conduct.late(self._conduct, now), why
            if given.back is not None:
                self._back += 1
                given.back(why)
        self._tell()

    # what the bridge says

    def _heard(self, number: int, data: bytes) -> None:
        """Raises Nonsense."""
        if number == READY:
            self._stands(letters.standing_of(data))
            return
        answer = letters.answer_of(data)
        if number not in self._given:
            self._late += 1
            return
        if answer.why:
            self._return([number], answer.why, fault=True)
            return
        now, given = self._loop.time(), self._given[number]
        try:
            given.answered(answer.data)
        except Nonsense as error:
            self._return([number], f"answered nonsense: {error}", fault=True)
            return
        del self._given[number]  # not before: whatever else is wrong with an answer, the task is given back in time
        given.alarm.cancel()
        self._answered = now
        self.there.note(given.kind, given.readings, now - given.began, now)
        self._conduct = conduct.in_time(self._conduct, now)
        self._tell()
        self._freed()

    def _stands(self, standing: letters.Standing) -> None:
        before, self._standing = self._standing, standing
        if standing.state != letters.CONNECTED:
            self._return(list(self._given), standing.reason, fault=False)
        elif before.state != letters.CONNECTED:
            self._conduct = conduct.back(self._conduct, self._loop.time())
        self._tell()
        if standing != before:
            self._freed()

    def _away(self, why: str) -> None:
        """The bridge has gone; another is being started."""
        self._stands(letters.Standing(letters.AWAY, why))

    def _freed(self) -> None:
        if self.free:
            for listener in self._listeners:
                listener()

    def _tell(self) -> None:
        """The log hears when it is used, when it is not any more and why, and what it lacks while it is."""
        seen, now = self.look(), self._loop.time()
        where, state, workers, why = seen["address"], seen["state"], seen["workers"], seen["reason"]
        if state == letters.CONNECTING:
            return
        if state == letters.CONNECTED:
            if self._told is None:
                self._event("cluster.connected", address=where, workers=workers)
            elif self._told[0]:
                away = round(now - self._told[1], 1)
                self._event("cluster.recovered", address=where, workers=workers, after_s=away)
            self._told = "", now
            if why != self._lacks and why:
                self._event("cluster.lacks", address=where, workers=workers, why=why)
            self._lacks = why
        elif self._told is None or self._told[0] != state:
            since = now if self._told is None or not self._told[0] else self._told[1]
            self._told, self._lacks = (state, since), None
            self._event("cluster.lost", address=where, state=state, why=why)
