"""Conversations with boards that are asked, held, taken down and heard again in a time that a test makes.

No port, no clock, no file: what goes over the line is what a function answers.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest

from gateway.ingest.asking.party import Party
from gateway.ingest.asking.talk import Talk
from gateway.ingest.capture.lines import Header, Heard, read, written
from gateway.ingest.capture.playback import Playback
from gateway.ingest.capture.tape import Tape, TapedTalk
from gateway.ingest.modem import Losses
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, Sample

Said = Iterable[tuple[float, bytes]]
"""What comes to a question: s behind it, and bytes."""


@dataclass
class Came:
    """What has come of a conversation: each board's values, when they came, and its account."""

    values: list[tuple[str, str, float]] = field(default_factory=list)
    times: list[float] = field(default_factory=list, compare=False)  # s; a capture rounds them
    accounts: dict[str, Account] = field(default_factory=dict)

    def join(self, talk: Talk, boards: Sequence[Board]) -> None:
        """These boards take part."""
        for board in boards:
            account = self.accounts[board.name] = Account()
            talk.join(Party(board, self._take, account, lambda: None), 0.0)

    def _take(self, board: str, samples: list[Sample], at: Chunk) -> None:
        self.values += [(board, each.sensor, each.value) for each in samples]
        self.times += [at.mono] * len(samples)

    def check(self) -> None:
        """Every account balances."""
        for name, account in self.accounts.items():
            assert imbalances(account, account.readings) == [], name


def check_alike(live: Came, again: Came) -> None:
    """The same values came at the same times, and the same was counted, but for what a reader counts."""
    for account in again.accounts.values():
        account.reopened = 0
    walls = [[one.wall for account in came.accounts.values() for one in account.lately] for came in (live, again)]
    assert walls[1] == pytest.approx(walls[0], abs=1e-6)  # a capture rounds them
    for came in (live, again):
        for account in came.accounts.values():
            account.lately = deque([one._replace(wall=0.0) for one in account.lately], account.lately.maxlen)
    assert again == live
    assert again.times == pytest.approx(live.times, abs=1e-6)


def held(
    boards: Sequence[Board], until: float, answer: Callable[[bytes], Said], happens: Sequence[tuple[float, str]] = ()
) -> tuple[Came, list[Heard]]:
    """A conversation of `until` s, and what was taken down of it. happens: lost, renewed or overrun, and when."""
    came, tape, now, order = Came(), list[Heard](), 0.0, count()
    watch, losses = Tape(tape.append, 0.0, lambda: None, lambda: None, lambda: now), 0
    talk = TapedTalk(watch, boards[0].port)
    came.join(talk, boards)
    talk.opened(now, anew=False)
    talk.counts(Losses(losses, 0), now)
    due: list[tuple[float, int, bytes | str]] = [(at, next(order), what) for at, what in happens]
    heapq.heapify(due)
    while (wake := min(talk.wake, due[0][0] if due else until)) < until:
        now = max(now, wake)
        while due and due[0][0] <= now:
            match heapq.heappop(due)[2]:
                case "overrun":
                    talk.counts(Losses(losses := losses + 1, 0), now)
                case "lost" | "renewed" as what:
                    talk.closed()
                    talk.opened(now, anew=what == "renewed")
                    talk.counts(Losses(losses, 0), now)
                case bytes() as data:
                    talk.take(data, Chunk(now, now))
        talk.look(Chunk(now, now))
        if question := talk.question(now):
            for after, data in answer(question):
                heapq.heappush(due, (now + after, next(order), data))
    now = until
    talk.closed()
    watch.look()
    came.check()
    return came, tape


def heard(boards: Sequence[Board], tape: Iterable[Heard], started: float = 0.0) -> tuple[Came, Playback]:
    """What comes of it when it is heard again, from its lines."""
    came, talk, since = Came(), Talk(boards[0].port), 0.0
    came.join(talk, boards)
    playback = Playback(talk, Header("b", started, asked=True))
    for each in tape:
        playback.hear(again := read(written(each).encode(), since, asked=True))
        since = again.at
    playback.end()
    came.check()
    return came, playback
