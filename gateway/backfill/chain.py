"""The captures of one port's boards, one after the other, part by part: lines in, files of Parquet out.

A part is some captures that follow each other. What they come to depends on them, on the configuration, and on what
the part before has left; so a part that was not done is the same when it is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from ..alone import Alone, Computed
from ..config import Config, sending_for
from ..ingest.capture.file import CaptureError
from ..model import Board
from ..publish.alarm import Watch
from ..shown import shown
from . import table
from .journal import Journal
from .reading import Begun, Came, Given, Of, Read
from .setting import RUN

PART = 64_000_000  # bytes of captures, from which on a part ends: so much is done again after a kill, at most
BACK = 60.0  # s by which a clock may have been set back between two captures; more is the same time twice
OFTEN = 4  # pieces of a capture, after which it is told how far it is
Said = Callable[[dict[str, Any]], None]


class Setting(NamedTuple):
    """What holds for all captures of a chain.

    of: the boards that one is of. read: see reading.py. features: the names of all that there may be; keys: of the
    user's own, by feature. same: raises CaptureError where the configuration, or a module of it, is another by now.
    """

    config: Config
    of: Of
    read: Callable[[Sequence[Given]], Generator[Read, None, None]]
    features: Sequence[str]
    keys: Mapping[str, Sequence[str]]
    same: Callable[[], None]


def parts(captures: Sequence[Given]) -> Iterator[list[Given]]:
    """The captures in parts."""
    part: list[Given] = []
    size = 0
    for one in captures:
        part.append(one)
        size += one.size
        if size >= PART:
            yield part
            part, size = [], 0
    if part:
        yield part


class Chain:
    """Works off what of a chain is not done yet. said: gets how far it is. Raises NoFeature."""

    def __init__(self, setting: Setting, journal: Journal, said: Said) -> None:
        self._setting, self._journal, self._said = setting, journal, said
        self._alone = Alone(setting.config, setting.keys)
        self._watches: dict[tuple[str, str], Watch | None] = {}
        self._kept: dict[tuple[str, str], tuple[int, int, float]] = {}
        self._end = 0.0  # of what was read, s on the clock of windows
        self._last = 0.0  # of all captures that were read, the latest end by their own clocks, s since 1970
        self._first: float | None = None  # when that clock began, s since 1970
        self._parts = self._begun()
        if journal.state is not None:
            self._read(journal.state)

    @property
    def missed(self) -> dict[str, dict[str, Any]]:
        """Calls of the user's own features that came to nothing, of rows that are there: compute/custom/own.py."""
        return {feature: one for feature, one in self._alone.missed.items() if one["calls"]}

    def work(self, captures: Sequence[Given]) -> None:
        """All of them, the oldest first. Raises CaptureError at the first that does not hold; those before are done."""
        with closing(self._setting.read(captures)) as read:
            for part in parts(captures):
                self._part(part, read)

    def close(self) -> None:
        """Ends the processes of the user's own features."""
        self._alone.close()

    def _part(self, captures: list[Given], read: Iterator[Read]) -> None:
        journal, done = self._journal, dict[str, dict[str, Any]]()
        journal.sweep()
        before, missed = self._written(), {feature: one["calls"] for feature, one in self._alone.missed.items()}
        for place, one in enumerate(captures):
            try:
                done[one.key] = self._capture(one, read)
            except CaptureError:
                self._parts.close()
                self._read(before)
                for feature, counted in self._alone.missed.items():  # made again, or of rows that are not there
                    counted["calls"] = missed.get(feature, 0)
                if place:  # what stands before it holds
                    with closing(self._setting.read(captures[:place])) as again:
                        self._part(captures[:place], again)
                raise
        self._parts.close()
        self._setting.same()
        journal.commit({one.key: {"size": one.size} for one in captures}, self._parts.places, self._written())
        self._parts = self._begun()
        for one in captures:
            self._said({"done": done[one.key]})

    def _begun(self) -> table.Parts:
        return table.Parts(self._journal.temporary, self._setting.features)

    # a capture

    def _capture(self, one: Given, read: Iterator[Read]) -> dict[str, Any]:
        """Takes what is read of one; gives what came of it. Raises CaptureError."""
        alone, rows, readings, number = self._alone, 0, 0, 0
        alone.dropped.clear()
        for said in read:
            if isinstance(said, Begun):
                started = said.header.started
                offset, boards = self._offset(started, one.path), self._setting.of(said.header)
            elif isinstance(said, Came):
                number += 1
                for took in said.took:
                    alone.take(took)
                if alone.full:
                    rows += self._compute(started, offset, said.at, boards)
                if number % OFTEN == 0:
                    self._said({"at": said.position, "readings": said.readings - readings})
                    readings = said.readings
            else:
                rows += self._compute(started, offset, said.at, boards)
                self._end, self._last = offset + said.at, max(self._last, started + said.at)
                return {
                    "capture": str(one.path), "key": one.key, "size": one.size, "seconds": round(said.at, 3),
                    "torn_lines": int(said.torn), "rows": rows, "sent": said.sent, "sent_unknown": said.unknown,
                    "boards": {name: {**of, "out_of_range": alone.dropped[name]} for name, of in said.boards.items()},
                    "left": said.readings - readings,
                }  # fmt: skip
        raise CaptureError(f"{shown(str(one.path), 500)} was not read to its end")

    def _offset(self, started: float, path: Path) -> float:
        """From the capture's clock to that of windows, on which no time comes twice. Raises CaptureError."""
        if self._first is None:
            self._first = started
        if started < self._last - BACK:
            raise CaptureError(
                f"{shown(str(path), 500)} begins {self._last - started:.0f} s before the end of what is done of its "
                "board; take it out, or begin anew in another folder with all captures"
            )
        return max(started - self._first, self._end)

    def _compute(self, started: float, offset: float, at: float, boards: Sequence[Board]) -> int:
        """What waits becomes rows; gives how many. at: when the last of it came."""
        tags = {board.name: dict(board.tags) for board in boards}
        made = self._alone.archive.compute(offset)
        some = []
        for computed in made:
            alarm = self._alarm(computed)
            some += [(day, computed, rows, ms, alarm) for day, rows, ms in table.days(computed, started)]
        for day, of_day in groupby(sorted(some, key=itemgetter(0)), itemgetter(0)):
            for _, computed, rows, ms, alarm in of_day:
                row = table.Row(self._setting.config.id, RUN, computed.board, tags[computed.board])
                part = self._parts.of(table.place(day, computed.board, self._journal.parts + 1), day, row)
                part.add(table.batch(part.schema, row, computed, rows, ms, alarm))
            self._parts.over(started + at - BACK - 1.0, day)
        return sum(len(computed.seq) for computed in made)

    def _alarm(self, computed: Computed) -> bytes:
        key = computed.board, computed.sensor
        if key not in self._watches:
            limits = sending_for(self._setting.config, *key, self._alone.hardware(*key)).alarm
            watch = self._watches[key] = Watch(limits) if limits else None
            if watch is not None and key in self._kept:
                watch.goes_on(*self._kept[key])
        watch = self._watches[key]
        return watch.states(computed.t.tolist(), computed.value.tolist()) if watch is not None else b""

    # what goes on

    def _written(self) -> dict[str, Any]:
        alarms = self._kept | {key: watch.kept for key, watch in self._watches.items() if watch is not None}
        return {
            "first": self._first, "end": self._end, "last": self._last,
            "alarms": [[*key, *kept] for key, kept in alarms.items()], **self._alone.written(),
        }  # fmt: skip

    def _read(self, state: dict[str, Any]) -> None:
        self._first, self._end = state["first"], state["end"]
        self._last = state.get("last", (state["first"] or 0.0) + state["end"])  # older ones have none
        self._kept = {(board, sensor): (*kept,) for board, sensor, *kept in state["alarms"]}
        self._watches.clear()
        self._parts = self._begun()
        self._alone.read(state)
