"""The reader of one board: waits for its port, opens it, takes what comes, and starts anew when the port goes."""

import asyncio
import errno
import random
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from ..backoff import attempts_after, delay
from ..ledger import Account
from ..model import Board, Chunk, Format, Take
from ..threads import tried
from .dial import SCHEME
from .hearing import Hearing
from .identity import Device, Node, node, stable_path
from .intake import Intake
from .link import Event, State, advance, shown
from .ports import Link, connect, opened
from .sensors import Sensors
from .silence import Remedy, Silence, silent_for
from .trouble import PortError, trouble

LOOK = 0.25  # s between looks for a port that is not there
LOOK_WHEN_SILENT = 2.0  # s between looks whether the path of a silent port still names it
LOOK_WHEN_PAUSED = 0.5  # s between looks whether a port that is not read has gone
SLOW_OPEN = 2.0  # s after which the reason says that opening takes long


def now() -> Chunk:
    """The time by both clocks."""
    return Chunk(time.time(), time.monotonic())


class Reader:
    """Reads one board until the task of `run` is cancelled.

    take: gets the samples of each chunk. account: stays balanced. changed: is called, on the loop, after `state`,
    `reason`, `port`, `note` or `failed` has changed, or the trust in its lines; it shall return soon.
    """

    def __init__(
        self,
        board: Board,
        decoder: Format,
        take: Take,
        account: Account,
        changed: Callable[[], None],
        *,
        sensors: Sensors | None = None,
        clock: Callable[[], Chunk] = now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.board, self.account = board, account
        self.intake = Intake(board, decoder, take, account, changed, sensors)
        self.reason: str | None = None  # one sentence, where there is something to say
        self.since = clock().wall  # when `state` became what it is
        self.port = board.port.path  # the stable path, once the port was seen
        self.note: str | None = None  # what one should know of the port, once
        self.device: Device | None = None  # what is open
        self.sharer: str | None = None  # another program that has the port open
        self.hearing = Hearing(board, self.intake, account)
        self.paused, self._opens = False, 0
        self.sender_waits = False  # while it is not read: a server on a socket does, a program on a pty, and no UART
        self._state = State.OFFLINE
        self._format, self._changed, self._clock, self._chance = decoder, changed, clock, chance
        self._is_socket = board.port.path.startswith(SCHEME)
        self._link: Link | None = None
        self._nudge: asyncio.Future[str] | None = None
        self._silence = Silence(board.on_silence)
        self._held = False  # the last close has left something to release

    @property
    def state(self) -> str:
        """online | silent | offline; a board that is still being opened, or settles, is offline."""
        return shown(self._state).value

    @property
    def format(self) -> str:
        """The format's name; of `auto` what it has found, once it has."""
        return self._format.name

    @property
    def failed(self) -> Collection[str]:
        """Sensors whose last value did not hold."""
        return self.intake.failed

    @property
    def garbage(self) -> bool:
        """Whether what comes is no text."""
        return self.intake.trust.garbage

    def share(self, sharer: str | None) -> None:
        """Another program has the device open as well; None: none has."""
        if sharer != self.sharer:
            self.sharer = sharer
            self.intake.trust.shared = sharer is not None
            self._changed()

    def pause(self) -> None:
        """Stops reading, until `resume`: whoever takes the samples is behind."""
        self._set_paused(True)

    def resume(self) -> None:
        """Reads again."""
        self._set_paused(False)

    async def run(self) -> None:
        """Reads the board for ever. When it is cancelled it closes the port first."""
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
                await self._rest(pause, seen)
        finally:
            if self._state is not State.OFFLINE:
                self._meet(Event.GONE, "it is not read any more")

    async def _found(self) -> Node | None:
        """Waits until the port is there. A socket is tried without a look."""
        if self._is_socket:
            return None
        while (seen := node(self.port)) is None:
            self._say(trouble(self.port, errno.ENOENT, ""))
            await asyncio.sleep(LOOK)
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
            handle = await opened(replace(self.board.port, path=self.port))
        finally:
            slow.cancel()
        self.account.reopened += self._opens > 0
        self._opens += 1
        mono, settle = self._clock().mono, self.board.port.settle
        anew = self._state is State.RENEWING
        self.hearing.opened(mono, anew=anew)
        if anew:
            self._meet(Event.OPENED, silent_for(mono - self.hearing.latest))
        else:
            self._meet(Event.OPENED, f"what it says in its first {settle:g} s is noise" if settle else self.reason)
            self._settle(mono)
        try:
            return await connect(handle, self._received)
        except PortError as error:
            return str(error)

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
                self.account.dtr_pulses += 1
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
        return max(0.0, due)

    def _look(self, link: Link, seen: Node | None) -> str | None:
        """What a link was lost by without being told. On the way it sees whether the board has settled or is silent."""
        mono = self._clock().mono
        self._settle(mono)
        if self.paused:  # no hang-up is told of then
            return "the device hung up" if link.hung_up() else None
        if self._state is State.ONLINE and mono - self.hearing.latest >= self.hearing.patience:
            self.account.silences += 1
            self._silence.begins(self.hearing.latest, self.hearing.patience)
            self._meet(Event.QUIET, silent_for(mono - self.hearing.latest))
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

    def _settle(self, mono: float) -> None:
        if self._state is State.SETTLING and mono >= self.hearing.settled_at:
            self._meet(Event.SETTLED)

    async def _rest(self, seconds: float, seen: Node | None) -> None:
        """Waits before the next attempt, at most until the device is plugged in anew or its permissions change."""
        end = self._clock().mono + seconds
        while (left := end - self._clock().mono) > 0:
            await asyncio.sleep(min(left, LOOK))
            if not self._is_socket and node(self.port) not in (None, seen):
                return

    def _set_paused(self, paused: bool) -> None:
        if self.paused is paused:
            return
        self.paused = paused
        self.hearing.resumes(self._clock().mono)
        if self._link is not None:
            (self._link.pause if paused else self._link.resume)()
        if self._nudge is not None and not self._nudge.done():
            self._nudge.set_result("")  # the next look is due at another time

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
