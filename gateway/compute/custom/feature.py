"""One feature of a user's own: what waits for it, what it is asked, and what becomes of it when it misbehaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pickle import dumps
from typing import TYPE_CHECKING

from ...instants import instant
from ...shown import shown
from ..wire import Nonsense
from . import quarantine
from .answers import MOST_KEYS, Answer, key_problem, read
from .pieces import Call, Custom, Piece, ordered
from .queue import Queue
from .runner import Heard, Runner

if TYPE_CHECKING:
    from ..cluster.calls import Calls


class Feature:
    """Asks its process for what waits, or a cluster once that is joined. name: "module:function".

    settled: (piece, name) once it has its columns or will not get any. owners: key -> name of the feature that uses it,
    shared by all. event: the log.
    """

    def __init__(
        self,
        name: str,
        custom: Custom,
        settled: Callable[[Piece, str], None],
        owners: dict[str, str],
        event: Callable[..., None],
    ) -> None:
        self.name, self.function = name, name.partition(":")[2]
        self.conduct = quarantine.Conduct()
        self.reason: str | None = None  # a sentence, while it is in quarantine
        self.keys: tuple[str, ...] = ()  # of its latest answer
        self.calls, self.missed, self.replaced = 0, 0, 0  # since the start
        self._settled, self._owners, self._event = settled, owners, event
        self._queue = Queue()
        self._retry: asyncio.TimerHandle | None = None
        self._shut: float | None = None  # when it was put in quarantine, until it has given values again
        self._loop = asyncio.get_running_loop()
        self._elsewhere: Calls | None = None
        heard = Heard(self.flush, self._answered, self._lost, self._printed)
        self.runner = Runner(ordered(name, custom), custom.deadline, heard, event)

    def join(self, elsewhere: Calls) -> None:
        """Calls may go to a cluster from now on."""
        self._elsewhere = elsewhere

    def start(self) -> None:
        """Starts its process, in the background."""
        self.runner.start()

    def end(self) -> None:
        """Ends its process; what it has not answered it never will."""
        if self._retry is not None:
            self._retry.cancel()
        self.runner.end()
        self._forget()

    def anew(self) -> None:
        """Begins again with what its file says now; a quarantine is lifted."""
        self._lift()
        self.conduct = quarantine.Conduct()
        self.runner.end()
        self._queue.back()  # and what a cluster has comes back by itself
        self.runner.start()

    @property
    def quarantined(self) -> bool:
        """Whether it is in quarantine; then it may be trying again."""
        return self.conduct.since is not None

    @property
    def wanted(self) -> bool:
        """Whether readings wait for it: not in quarantine, nor while what tries again is only starting."""
        if self.conduct.since is None:
            return True
        trying = quarantine.asked(self.conduct, self._loop.time())
        return trying and (self.runner.idle or self.busy)

    @property
    def busy(self) -> bool:
        """Whether its process has something to compute."""
        return bool(self._queue.asked)

    @property
    def null_keys(self) -> tuple[str, ...]:
        """The keys of readings that it has not answered for: its last ones, or its own name."""
        if self.keys or key_problem(self.function) or self._owners.get(self.function, self.name) != self.name:
            return self.keys
        return (self.function,)

    def put(self, piece: Piece) -> None:
        """Queues a piece; `flush` then asks for it."""
        self._queue.put(piece)

    def flush(self) -> None:
        """Asks for what is queued: a cluster where it answers sooner, and the process if it has nothing to do."""
        self._share()
        if self.runner.idle:
            self._ask()
            self._share()

    def expired(self, piece: Piece) -> None:
        """A piece leaves as it is; it is the oldest of its sensor."""
        self._queue.left(piece)

    # asking

    def _ask(self) -> None:
        if not quarantine.asked(self.conduct, self._loop.time()):
            return
        if calls := self._queue.ask(self._elsewhere.most(self._queue.next()) if self._elsewhere else None):
            self.calls += len(calls)
            self.runner.ask(dumps(calls, 5), len(calls))
            if self._elsewhere is not None:
                self._elsewhere.begins(self._queue.asked[0])

    def _share(self) -> None:
        """Has a cluster asked for what it answers sooner than the process here; but not while this is shut out."""
        elsewhere, queue = self._elsewhere, self._queue
        if elsewhere is None or self.conduct.since is not None:
            return
        while (call := queue.next()) is not None and elsewhere.goes(call, len(queue.asked) + len(queue) - 1):
            self.calls += 1
            elsewhere.give(queue.take(), self._answered_elsewhere, self._returned)

    def _answered_elsewhere(self, call: Call, data: bytes) -> None:
        """Raises Nonsense when it is none that will do: what is wrong with the feature shows in its process here."""
        answer = read(data, call.new)
        if why := answer.why or self._unusable(answer):
            raise Nonsense(why)
        self._take(call, answer)
        self._good()

    def _returned(self, call: Call) -> None:
        """The cluster has not answered: the process here is asked."""
        self._queue.returned(call)
        self.flush()

    def _forget(self) -> None:
        """Nobody waits for answers any more."""
        self._give_up(self._queue.clear())
        if self._elsewhere is not None:
            self._give_up(self._elsewhere.forget())

    def _answered(self, data: bytes) -> None:
        """Raises Nonsense when it is no answer."""
        call = self._queue.asked[0]
        answer = read(data, call.new)
        why = answer.why or self._unusable(answer)
        self._queue.asked.popleft()
        if self._elsewhere is not None:
            self._elsewhere.ends(call, self._queue.asked)
        if answer.worn:
            self.runner.end()
            self.replaced += 1
            self._queue.back()
            if not why:
                self._event("custom.worn", feature=self.name)
        if why:
            self._give_up(call.pieces)
            self._miss(why)
        else:
            self._take(call, answer)
            self._good()
        if answer.worn and quarantine.asked(self.conduct, self._loop.time()):
            self.runner.start()

    def _unusable(self, answer: Answer) -> str:
        """Why the keys of an answer cannot be taken, as a clause; "" when they can."""
        for key in answer.keys:
            if (owner := self._owners.setdefault(key, self.name)) != self.name:
                return f"answered the key '{key}', which is that of {owner} already; answer {{key: array}} with another"
        if sum(owner == self.name for owner in self._owners.values()) > MOST_KEYS + 1:  # its own name is one
            return f"answered more than {MOST_KEYS} different keys"
        return ""

    def _take(self, call: Call, answer: Answer) -> None:
        self.keys = answer.keys
        at = 0
        for piece in call.pieces:
            end = at + piece.span.end - piece.span.new  # its columns may have grown since it left
            if not piece.left:
                columns = zip(answer.keys, answer.columns, strict=True)
                piece.columns[self.name] = {key: column[at:end] for key, column in columns}
                self._settled(piece, self.name)
            at = end

    def _give_up(self, pieces: list[Piece]) -> None:
        """They will get nothing."""
        for piece in pieces:
            if not piece.left:
                self._settled(piece, self.name)

    # misbehaving

    def _lost(self, why: str, miss: bool) -> None:
        """The process has gone. If that is a miss, what it was computing is to blame."""
        self.replaced += 1
        guilty = self._queue.asked.popleft().pieces if miss and self._queue.asked else []
        self._queue.back()
        self._give_up(guilty)
        if miss:
            self._miss(why)
        if quarantine.asked(self.conduct, self._loop.time()):
            self.runner.start()

    def _miss(self, why: str) -> None:
        self.missed += 1
        before, now = self.conduct, self._loop.time()
        self.conduct = conduct = quarantine.missed(before, now)
        if conduct.since is None:
            self._event("custom.missed", feature=self.name, why=shown(why, 300))
            return
        if conduct == before:
            return
        pause = conduct.until - now
        self.runner.end()
        self._forget()
        self._retry = self._loop.call_at(conduct.until, self.runner.start)
        self.reason = (
            f"the custom feature {self.name} {shown(why, 300)}: it is not asked any more, and its values are null; "
            f"mend it and reload the gateway; it is tried again at {instant(time.time() + pause)}"
        )
        if before.since is None:
            self._shut = now if self._shut is None else self._shut
            self._event("custom.quarantined", feature=self.name, why=shown(why, 300), again_s=round(pause))

    def _good(self) -> None:
        """An answer: it is free if it was trying again, and what was told of it is over."""
        self.conduct = quarantine.answered(self.conduct, self._loop.time())
        if self._shut is not None and self.conduct.since is None:
            self._lift()
            self._event("custom.recovered", feature=self.name, after_s=round(self._loop.time() - self._shut, 1))
            self._shut = None

    def _lift(self) -> None:
        """It is not in quarantine any more; whether it gives values, shows."""
        if self._retry is not None:
            self._retry.cancel()
        self.reason = None

    def _printed(self, line: str, lines: int) -> None:
        self._event("custom.output", feature=self.name, text=line, lines=lines)
