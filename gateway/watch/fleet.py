"""What is known of many gateways by their retained documents, which are the inventory of a fleet; bounded. Pure.

Times called `at` and `now` are s of a monotonic clock of ours, those called `wall` s since 1970, by this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..instants import instant
from ..names import LONGEST
from .heard import document, told
from .known import natural
from .nouns import Told
from .state import News

MEMBERS = 20_000  # gateways that are kept
FAULTS, SENTENCE, SHORT = 5, 160, 32  # faults of one that are kept, and characters of a sentence and of a word
STALE = 90.0  # s without a document, of which one is due every 30 s
SPAN = 5.0  # s between two documents at least, for a rate
STATES = ("online", "stale", "lost", "offline")
LAST = 253_402_300_799.0  # s since 1970 of the last time that can be written
CLOSE = 2.0  # s by which two clocks may differ, the way included


@dataclass(slots=True)
class Member:
    """One gateway. told: the newest document, cut; live: it came as it was written, and not because it was retained.

    skew: s by which this machine's clock is ahead of the gateway's, where a live one has told; turned: wall, when its
    state was seen to change; rate: readings/s.
    """

    level: str
    name: str
    order: tuple[str | int, ...]
    told: Told
    at: float
    live: bool = False
    joining: bool = False  # what comes next may have been retained
    skew: float | None = None
    turned: float | None = None
    rate: float | None = None
    paced: tuple[float, Told, bool] | None = None  # where the next rate begins: when that came, document, live
    stale: bool = False  # as it was said last


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One gateway as it can be drawn. state: online | stale | offline | lost; since, age: s; clock: what is wrong."""

    level: str
    name: str
    order: tuple[str | int, ...]
    state: str
    since: float | None
    age: float
    run: str
    version: str
    clock: str
    boards: Mapping[str, int]
    readings: int
    rate: float | None
    spooled: int | None  # of one that is lost nobody knows
    hours_left: float | None
    faults: Mapping[str, str] = field(default_factory=dict)


class Fleet:
    """The gateways below a prefix. rubbish: messages that none of them wrote, worst: the last one's topic.

    beyond: messages of gateways for which there was no room.
    """

    def __init__(self, prefix: str) -> None:
        self.gateways: dict[str, Member] = {}
        self.rubbish = self.beyond = 0
        self.worst = ""
        self._prefix = f"{prefix}/"

    def hear(self, topic: str, payload: bytes, at: float, wall: float) -> Sequence[News]:
        """A message. Gives the gateway that is different now, if one is."""
        name, *levels = topic.removeprefix(self._prefix).split("/")
        if not topic.startswith(self._prefix) or levels != ["status"] or len(name.encode(errors="replace")) > LONGEST:
            return ()
        if not payload:
            gone = self.gateways.pop(name, None)
            return [("gateway", gone.name, {"state": "gone"})] if gone is not None else ()
        message = document(payload)
        status = told(message, name) if message is not None else None
        if message is None or status is None:
            self.rubbish += 1
            self.worst = topic
            return ()
        member = self.gateways.get(name)
        if member is None:
            if len(self.gateways) == MEMBERS:
                self.beyond += 1
                return ()
            called = str(message["gateway"])[:LONGEST]
            member = self.gateways[name] = Member(name, called, natural(called), _cut(status), at)
            _paced(member, at)
        elif not _took(member, _cut(status), at, wall):
            return ()
        row = _row(member, at, wall)
        member.stale = row.state == "stale"
        return [_said(row, wall)]

    def joined(self) -> None:
        """The subscription holds anew: what is retained comes again."""
        for member in self.gateways.values():
            member.joining = True

    def aged(self, now: float, wall: float) -> Iterator[News]:
        """Those that have become stale since it was asked last."""
        for member in self.gateways.values():
            if not member.stale and _stale(member, now, wall):
                member.stale = True
                yield _said(_row(member, now, wall), wall)

    def rows(self, now: float, wall: float) -> list[MemberRow]:
        """All of them, by name."""
        return [_row(one, now, wall) for one in sorted(self.gateways.values(), key=lambda member: member.order)]


def _took(member: Member, status: Told, at: float, wall: float) -> bool:
    """Takes in a further document of a gateway; False: it is the one that is known, which is retained."""
    before = member.told
    if status == before:
        member.joining = False
        return False
    live = not member.joining
    if live and status.state == "online" and status.time is not None:  # a will is as old as its connection
        member.skew = wall - status.time
    if (status.state, status.reason) != (before.state, before.reason):
        member.turned = wall if live else None
    if status.run != before.run or status.state == "offline" or status.counts["readings"] < before.counts["readings"]:
        member.paced, member.rate = None, None
    member.told, member.at, member.live, member.joining = status, at, live, False
    _paced(member, at)
    return True


def _paced(member: Member, at: float) -> None:
    """The readings/s: since the document before, and of the first since its start."""
    told = member.told
    if told.state == "offline":
        return
    if member.paced is None:
        span, first = _between(told.started, told.time), 0
    else:
        came, before, live = member.paced
        span, first = _between(before.time, told.time), before.counts["readings"]
        if (live and member.live) or span <= 0:  # by one clock; what was retained is older than its coming
            span = at - came
    if span >= SPAN:
        member.rate = (told.counts["readings"] - first) / span
    if span >= SPAN or member.paced is None:
        member.paced = at, told, member.live


def _between(one: float | None, other: float | None) -> float:
    return other - one if one is not None and other is not None else 0.0


def _cut(status: Told) -> Told:
    """The document without what a table of many does not show: so many cost little, whoever wrote them."""
    return Told(
        state=status.state, reason=status.reason[:SHORT], run=status.run[:SHORT], version=status.version[:SHORT],
        started=status.started, time=status.time, clock=status.clock[:SHORT],
        counts={key: status.counts.get(key, 0) for key in ("readings", "spooled")},
        boards={key: status.boards[key] for key in ("online", "silent", "offline", "lent") if key in status.boards},
        hours_left=status.hours_left,
        faults={name[:SHORT]: text[:SENTENCE] for name, text in list(status.faults.items())[:FAULTS]},
    )  # fmt: skip


def _age(member: Member, now: float, wall: float) -> float:
    """S since its document was written, as well as two clocks can tell."""
    age = now - member.at
    if not member.live and member.told.time is not None:
        age = max(age, wall - (member.skew or 0.0) - member.told.time)
    return age


def _stale(member: Member, now: float, wall: float) -> bool:
    return member.told.state == "online" and _age(member, now, wall) > STALE


def _row(member: Member, now: float, wall: float) -> MemberRow:
    told, age = member.told, _age(member, now, wall)
    state, start = told.state, told.started
    if state == "offline":  # the will's own time, and its counts, are those of its connection
        state = "lost" if told.reason == "lost" else "offline"
        start = member.turned if state == "lost" or member.turned is not None else told.time
    since = None if start is None else max(0.0, wall - start)
    if _stale(member, now, wall):
        state, since = "stale", age
    here = told.state == "online"
    return MemberRow(
        member.level, member.name, member.order, state, since, age, told.run, told.version, _clock(member),
        boards=told.boards if here else {}, readings=told.counts["readings"],
        rate=member.rate if state == "online" else None,
        spooled=None if state == "lost" else told.counts["spooled"],
        hours_left=told.hours_left if here else None, faults=told.faults if here else {},
    )  # fmt: skip


def _clock(member: Member) -> str:
    """What is wrong with its clock, or ""."""
    if member.told.clock == "unsynced":
        return "not set"
    if member.skew is not None and abs(member.skew) > CLOSE:
        return "behind" if member.skew > 0 else "ahead"
    return ""


def _said(row: MemberRow, wall: float) -> News:
    """The row as whoever reads lines of JSON gets it."""
    return "gateway", row.name, {
        "state": row.state, "since": _date(None if row.since is None else wall - row.since),
        "age_s": round(row.age, 3), "run": row.run, "version": row.version, "clock": row.clock or "ok",
        "boards": row.boards, "readings": row.readings,
        "readings_per_s": None if row.rate is None else round(row.rate, 3),
        "spooled": row.spooled, "hours_left": row.hours_left, "faults": row.faults,
    }  # fmt: skip


def _date(wall: float | None) -> str | None:
    """As text, where it is a time that there can be."""
    return instant(wall) if wall is not None and 0 <= wall < LAST else None


def states(rows: Sequence[MemberRow]) -> dict[str, int]:
    """How many are in each state, the good one first."""
    return {state: sum(row.state == state for row in rows) for state in STATES}
