"""The reader of one port: waits for it, opens it, takes what comes, asks where that is wanted, and starts anew."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

from ..backoff import attempts_after, delay
from ..model import Board, Chunk
from ..threads import tried
from .asking.talk import Talk
from .finding.retuning import retuned
from .hearing import Hearing
from .identity import Device, Node, node, stable_path
from .link import Event, State, advance, shown
from .opening import opened
from .ports import Link, connect
from .silence import Remedy, Silence
from .trouble import PortError
from .waiting import now, there, waited

LOOK_WHEN_SILENT = 2.0  # s between looks whether the path of a silent port still names it
LOOK_WHEN_PAUSED = 0.5  # s between looks whether a port that is not read has gone
SLOW_OPEN = 2.0  # s after which the reason says that opening takes long


class Reader:
    """Reads the port of `board` until the task of `run` is cancelled.

    hearing: takes what comes; a Talk of the boards that are asked says what is written, and for a board that speaks by
    itself nothing ever is. changed: is called, on the loop, after `state`, `reason`, `port` or `note` has changed; it
    shall return soon.
    """

    def __init__(
        self,
        board: Board,
        hearing: Hearing | Talk,
        changed: Callable[[], None],
        *,
        clock: Callable[[], Chunk] = now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.board = board
        self.hearing = hearing
        self.reason: str | None = None  # one sentence, where there is something to say
        self.since = clock().wall  # when `state` became what it is
        self.port = board.port.path  # the stable path, once the port was seen
        self.note: str | None = None  # what one should know of the port, once
        self.device: Device | None = None  # what is open
        self.sharer: str | None = None  # another program that has the port open
        self.paused = False
        self.sender_waits = False  # while it is not read: a server on a socket does, a program on a pty, and no UART
        self._state = State.OFFLINE
        self._changed, self._clock, self._chance = changed, clock, chance
        self._talk = hearing if isinstance(hearing, Talk) else None
        self._opens = 0
        self._baud = 0  # of the link
        self._link: Link | None = None
        self._nudge: asyncio.Future[str] | None = None
        self._silence = Silence(board.on_silence)
        self._held = False  # the last close has left something to release

    @property
    def state(self) -> str:
        """online | silent | offline | lent; a board that is still being opened, or settles, is offline."""
        return shown(self._state).value

    def share(self, sharer: str | None) -> None:
        """Another program has the device open as well; None: none has."""
        if sharer != self.sharer:
            self.sharer = sharer
            self.hearing.share(sharer is not None)
            self._changed()

    def pause(self) -> None:
        """Stops reading, until `resume`: whoever takes the samples is behind."""
        self._set_paused(True)

    def resume(self) -> None:
        """Reads again."""
        self._set_paused(False)

    def lend(self, reason: str) -> None:
        """The port is somebody else's for a while, by this sentence; `run` is to be cancelled in the same moment."""
        self._meet(Event.LEND, reason)

    def take_back(self) -> None:
        """It is no longer; `run` may begin again."""
        self._meet(Event.GONE, "the time for which it was lent is over, and it is being opened")

    async def run(self) -> None:
        """Reads the port for ever. When it is cancelled it closes the port first."""
        attempts = 0
        try:
            while True:
                seen = await self._found()
                self._meet(Event.FOUND, self.reason)
                began = self._clock().mono
                try:
                    why = await self._read(seen)
                except PortError as error:
                    attempts += 1
                    self._meet(Event.REFUSED, str(error))
                    pause = delay(attempts, self._chance())
                else:
                    attempts = attempts_after(attempts, self._clock().mono - began)
                    self._meet(Event.GONE, f"{self.port} was lost: {why}")
                    pause = delay(attempts - 1, self._chance())  # none after a first loss
                await waited(pause, self.port, seen, lambda: self._clock().mono)
        finally:
            if self._state not in (State.OFFLINE, State.LENT):
                self._meet(Event.GONE, "it is not read any more")

    async def _found(self) -> Node | None:
        """Waits until the port is there; by its stable path from then on. A socket is tried without a look."""
        if (seen := await there(self.port, self._say)) is None:
            return None
        # A bare device number is another board's after a replug; udev makes the stable links a moment after the device.
        if (stable := await tried(lambda: stable_path(self.port), "stable path", self.port)) != self.port:
            self.port = stable
            self._changed()
        return seen

    async def _read(self, seen: Node | None) -> str:
        """One link, from its open to its loss; gives what it was lost by. Raises PortError when it does not open.

        While the board is silent it may be opened anew on the way.
        """
        while True:
            link = await self._opened()
            why = link if isinstance(link, str) else await self._attend(link, seen)
            if self._state is not State.RENEWING:
                return why

    async def _opened(self) -> Link | str:
        """The port, open and read; or by what it was lost in that moment."""
        slow = asyncio.get_running_loop().call_later(SLOW_OPEN, self._say, f"{self.port} takes long to open")
        try:
            self._baud = self.hearing.baud
            handle = await opened(replace(self.board.port, path=self.port, baud=self._baud))
        finally:
            slow.cancel()
        for account in self.hearing.accounts:
            account.reopened += self._opens > 0
        self._opens += 1
        mono, settle = self._clock().mono, self.board.port.settle
        anew = self._state is State.RENEWING
        self.hearing.opened(mono, anew=anew)
        if anew:
            self._meet(Event.OPENED, self.hearing.silence(mono))
        link: Link | str
        try:
            link = await connect(handle, self._received)
        except PortError as error:
            link = str(error)
        if not anew:  # online is said of a link that is there
            self._meet(Event.OPENED, f"what it says in its first {settle:g} s is noise" if settle else self.reason)
            self._settle(self._clock().mono)
        return link

    async def _attend(self, link: Link, seen: Node | None) -> str:
        """Waits for the end of a link, and looks after it at the times when something may be due."""
        self._link, self.device = link, link.device()
        self.sender_waits = self.device is None or self.device.is_pty
        self.hearing.counts(link.losses(), self._clock().mono)
        unreleased = False
        try:
            if self.paused:
                link.pause()
            unreleased = self._held and await link.release() is None
            while True:
                if self.hearing.baud != self._baud:
                    self._baud = await retuned(link, self.hearing, self.board.port.serial)
                self._ask(link)
                self._nudge = asyncio.get_running_loop().create_future()
                await asyncio.wait({link.lost, self._nudge}, timeout=self._due(), return_when=asyncio.FIRST_COMPLETED)
                if link.lost.done():
                    return link.lost.result()
                if why := self._look(link, seen):
                    return why
                if self._state is State.SILENT and await self._remedied(link):
                    return "it is opened anew"
        finally:
            renewing = self._state is State.RENEWING
            self._link = self.device = None
            if not renewing:
                self.share(None)
            self.hearing.closed()
            self._held = await link.close(gentle=renewing) or unreleased

    async def _remedied(self, link: Link) -> bool:
        """Tries what is due against the silence; whether the port is to be opened anew."""
        mono = self._clock().mono
        if self.paused or mono < self._silence.due(self.hearing.patience):
            return False
        what = self._silence.next(mono)
        if what is Remedy.DTR:
            if (pulsed := await link.pulse_dtr()) is None:
                return False
            if pulsed:
                for account in self.hearing.accounts:
                    account.dtr_pulses += 1
                self.hearing.restarts(self._clock().mono)
                return False
            self._silence.allowed.discard(Remedy.DTR)
            self.note = 'has no DTR line, so on_silence = "dtr" does nothing here'
            self._changed()
            what = self._silence.next(mono)
        if what is not Remedy.REOPEN or link.lost.done() or self._state is not State.SILENT:
            return False
        self._meet(Event.RENEW, self.reason)
        return True

    def _due(self) -> float:
        """Seconds until the next look. A board that is read and speaks is not looked at before its patience ends."""
        if self.paused:
            return LOOK_WHEN_PAUSED
        mono = self._clock().mono
        if self._state is State.SETTLING:
            due = self.hearing.settled_at - mono
        elif self._state is State.SILENT:
            due = min(LOOK_WHEN_SILENT, self._silence.due(self.hearing.patience) - mono)
        else:
            due = self.hearing.latest + self.hearing.patience - mono
        if self._talk is not None:
            due = min(due, self._talk.wake - mono)
        return max(0.0, due)

    def _ask(self, link: Link) -> None:
        """Writes the question that is due. Nothing else writes to a port in a gateway that runs."""
        if self._talk is not None and not self.paused and (question := self._talk.question(self._clock().mono)):
            link.write(question)

    def _look(self, link: Link, seen: Node | None) -> str | None:
        """What a link was lost by without being told. On the way it sees whether the board has settled or is silent."""
        at = self._clock()
        mono = at.mono
        self._settle(mono)
        if self.paused:  # no hang-up is told of then
            return "the device hung up" if link.hung_up() else None
        if self._talk is not None:
            self._talk.look(at)
        if self._state is State.ONLINE and mono - self.hearing.latest >= self.hearing.patience:
            self.hearing.silenced()
            self._silence.begins(self.hearing.latest, self.hearing.patience)
            self._meet(Event.QUIET, self.hearing.silence(mono))
        if self._state is State.SILENT and seen is not None:
            found = node(self.port)
            if found is None or found[:2] != seen[:2]:  # the adapter came back, and this link never hung up
                return "its path names another device now"
        return None

    def _received(self, data: bytes) -> None:
        at = self._clock()
        self._settle(at.mono)
        if self._link is not None:
            self.hearing.counts(self._link.losses(), at.mono)
        if self.hearing.take(data, at) and self._state is State.SILENT:
            self._meet(Event.BYTES)
        if self._talk is not None or self.hearing.baud != self._baud:
            self.wake()

    def _settle(self, mono: float) -> None:
        if self._state is State.SETTLING and mono >= self.hearing.settled_at:
            self._meet(Event.SETTLED)

    def _set_paused(self, paused: bool) -> None:
        if self.paused is paused:
            return
        self.paused = paused
        if paused and self._talk is not None:
            self._talk.pauses()
        else:
            self.hearing.resumes(self._clock().mono)
        if self._link is not None:
            (self._link.pause if paused else self._link.resume)()
        self.wake()

    def wake(self) -> None:
        """The next look is due at another time."""
        if self._nudge is not None and not self._nudge.done():
            self._nudge.set_result("")

    def _meet(self, event: Event, reason: str | None = None) -> None:
        """Takes the link to its next state."""
        before = self.state
        self._state = advance(self._state, event)
        if self.state != before:
            self.since = self._clock().wall
            self.reason = reason
            self._changed()
        else:
            self._say(reason)

    def _say(self, reason: str | None) -> None:
        if reason != self.reason:
            self.reason = reason
            self._changed()
