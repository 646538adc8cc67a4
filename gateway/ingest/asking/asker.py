"""The turns on one port: whose question is next, what its answer is, and what is none. Pure: no port, no clock.

    question(now) -> bytes … feed(bytes, now) … next(now) -> Candidate, accept(now)     answered
                                                           -> Missed                     nothing came in time
                                                           -> Stray                      bytes that answer nothing

Where a conversation is heard again that was held before, `sent` takes the place of `question`.

What may be the answer is a Candidate; whoever decodes it says by `accept` that it is one. An echo, a prompt, a line of
another module is none, and the question goes on waiting.

An answer that comes after its time is never taken for that to another question. So after a miss the port is listened to
for twice as long again before anything is asked; where the answers say whose they are (Modbus), only that board waits.

Of several whose turn it is (turns.py), the one that has waited longest comes first. One that does not answer costs the
others a timeout, and is asked ever more rarely, up to every 30 s.

Times: s, monotonic.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import NamedTuple

from .turns import GRACE, Question, Turn

LISTENING = 0.25  # s after an open, and at most before a question when something is under way
STARTING = 0.5  # s after a board was told how to start
PATIENCE = 1.0  # s that a line is waited for at most which is never quiet
ROUNDED = 1e-6  # s by which times in a capture may be off, and more than that
TAIL = 64  # bytes that are remembered of what nobody had asked for


class Candidate(NamedTuple):
    """Bytes that may be the answer to a question."""

    turn: Turn
    place: int
    data: bytes


class Missed(NamedTuple):
    """A question without an answer in time. data: what came instead of one."""

    turn: Turn
    place: int
    data: bytes


class Stray(NamedTuple):
    """Bytes that answer nothing."""

    data: bytes


Heard = Candidate | Missed | Stray


class _Pending(NamedTuple):
    turn: Turn
    place: int
    question: Question
    until: float


class Asker:
    """Asks the boards of one port in turn. gap: s of quiet that the line has before each question."""

    def __init__(self, gap: float = 0.0) -> None:
        self._gap = gap
        self._turns: list[Turn] = []
        self._pending: _Pending | None = None
        self._rest = bytearray()  # since the question
        self._echoed = True  # no echo is to be looked for any more
        self._stale = False  # the first piece began before the question
        self._seen = 0  # bytes of `rest` in which no piece was found
        self._tail = b""  # of what nobody had asked for
        self._heard = -inf
        self._free = inf  # when the port may be asked again; inf: it is not open
        self._out: deque[Heard] = deque()

    def join(self, turn: Turn, now: float) -> None:
        """One more board is asked from now on."""
        turn.begin(now)
        self._turns.append(turn)

    def leave(self, turn: Turn) -> None:
        """A board is not asked any more; what it still says answers nothing."""
        self._turns.remove(turn)
        if self._pending is not None and self._pending.turn is turn:
            self._free = max(self._free, self._pending.until)
            self._drop()

    def opened(self, now: float) -> None:
        """The port is open, or its boards have started anew; what they say in the first moment answers nothing."""
        self._drop()
        self._tail, self._free = b"", now + LISTENING
        for turn in self._turns:
            turn.begin(now)

    def closed(self) -> bytes:
        """The port is closed, or not read: no question waits for its answer any more. Gives what had come."""
        self._pending, self._free = None, inf
        return self._take(len(self._rest))

    def resumed(self, now: float) -> None:
        """The port is read again after `closed`, and its boards are as before."""
        self._tail, self._free = b"", now + LISTENING

    @property
    def asking(self) -> Turn | None:
        """Whose answer is waited for."""
        return None if self._pending is None else self._pending.turn

    @property
    def wake(self) -> float:
        """When to call `next` and `question` again, if nothing comes before."""
        return max(self._ready(), self._due()) if self._pending is None and not self._out else self.ripe

    @property
    def ripe(self) -> float:
        """When time alone will have told something, for `next`; inf where nothing is waited for."""
        if self._out:
            return -inf
        if self._pending is None:
            return inf
        quiet = self._heard + self._pending.question.ending.quiet if self._rest else inf
        return min(self._pending.until, quiet)

    def feed(self, data: bytes, now: float) -> None:
        """Takes bytes as they come, cut anywhere."""
        self._expire(now)
        if self._pending is None:
            self._tail = (self._tail + data)[-TAIL:]
            self._out.append(Stray(data))
        else:
            self._settle_rest(now)
            self._rest += data
        self._heard = now

    def next(self, now: float) -> Heard | None:
        """What has come by now, one by one; None when that was all."""
        if self._out:
            return self._out.popleft()
        if self._pending is None:
            return None
        found = self._piece(now)
        if found is None and self._expire(now):
            return self._out.popleft()
        return found

    def accept(self, now: float) -> None:
        """The Candidate given last was the answer."""
        if self._pending is None:
            return
        self._pending.turn.answered(now)
        self._pending = None
        self._tail = bytes(self._rest[-TAIL:])
        if self._rest:
            self._out.append(Stray(self._take(len(self._rest))))

    def question(self, now: float) -> bytes:
        """What to write now; b"" when nothing is to be asked."""
        if self._pending is not None or self._out or now < self._ready():
            return b""
        due = [turn for turn in self._turns if turn.due <= now]
        if not due:
            return b""
        return self._next_of(min(due, key=lambda each: each.due), now)

    def sent(self, data: bytes, now: float) -> bool:
        """`data` was written, at a time of its own. Whether that is something that a board here is told or asked."""
        if self._pending is not None:
            self._miss(self._pending, now)
        found = [turn for turn in self._turns if turn.writes(data)]
        if found:
            turn = min(found, key=lambda each: (each.next != data, each.due))
            turn.turn_to(data)
            self._next_of(turn, now)
        return bool(found)

    def _next_of(self, turn: Turn, now: float) -> bytes:
        """What a board is told, or asked, next."""
        if start := turn.starts():
            self._free = now + STARTING
            return start
        question = turn.questions[turn.place]
        self._pending = _Pending(turn, turn.place, question, now + question.timeout)
        self._stale = question.ending.open(self._tail) and now < self._heard + LISTENING - ROUNDED
        self._echoed, self._tail, self._seen = not question.echo, b"", 0
        return question.data

    # whose turn

    def _ready(self) -> float:
        """When the line is free. Something under way is waited for, for a moment."""
        under_way = any(turn.question is not None and turn.question.ending.open(self._tail) for turn in self._turns)
        quiet = self._heard + (LISTENING if under_way else self._gap)
        return max(self._free, min(quiet, max(self._free, self._due()) + PATIENCE))

    def _due(self) -> float:
        return min((turn.due for turn in self._turns), default=inf)

    # what has come

    def _piece(self, now: float) -> Heard | None:
        """The first thing in `rest` that can be told."""
        pending, rest = self._pending, self._rest
        if pending is None or not rest:
            return None
        quiet = now >= self._heard + pending.question.ending.quiet
        if not self._echoed:
            echo = pending.question.echo
            if not quiet and len(rest) < len(echo) and echo.startswith(rest):
                return None
            self._echoed = True
            if rest.startswith(echo):
                return Stray(self._take(len(echo)))
        if len(rest) == self._seen and not quiet:
            return None
        found = pending.question.ending.find(bytes(rest))
        if found is None:
            self._seen = len(rest)
            return self._told(self._take(len(rest))) if quiet or len(rest) > pending.question.limit else None
        if found.begin:
            return Stray(self._take(found.begin))
        return self._told(self._take(found.end))

    def _told(self, data: bytes) -> Heard:
        if self._stale:
            self._stale = False
            return Stray(data)
        assert self._pending is not None
        return Candidate(self._pending.turn, self._pending.place, data)

    def _take(self, size: int) -> bytes:
        data = bytes(self._rest[:size])
        del self._rest[:size]
        self._seen = 0
        return data

    def _settle_rest(self, now: float) -> None:
        """More comes after a silence that nobody has looked at: what was before it stands by itself."""
        if self._pending is not None and self._rest and now >= self._heard + self._pending.question.ending.quiet:
            found = self._piece(now)
            if found is not None:
                self._out.append(found)

    def _expire(self, now: float) -> bool:
        """Gives up a question whose time is over."""
        pending = self._pending
        if pending is None or now < pending.until:
            return False
        self._miss(pending, now)
        return True

    def _miss(self, pending: _Pending, now: float) -> None:
        turn, question = pending.turn, pending.question
        self._out.append(Missed(turn, pending.place, bytes(self._rest)))
        turn.miss(now, alone=len(self._turns) < 2)
        if not turn.apart:
            self._free = max(self._free, now + GRACE * question.timeout)
        self._tail = bytes(self._rest[-TAIL:])
        self._rest.clear()
        self._pending = None

    def _drop(self) -> None:
        if self._rest:
            self._out.append(Stray(self._take(len(self._rest))))
        self._pending = None
