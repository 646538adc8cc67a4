"""Asking a quiet port what is on it: questions are written, and what comes is taken for their answers."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..asking.strange import Whole
from ..asking.survey import RATES, SERIAL, UNITS, Answered, Setting, survey
from ..asking.talk import BITS, CHARACTERS, LEAST_GAP
from ..ports import Link
from ..trouble import PortError
from .recognise import Candidate

QUIET = 1.5  # s without a byte, before anything is written: nobody is to be interrupted
KEPT = 64  # bytes of what answered nothing, of each setting


class Questions(NamedTuple):
    """What may be asked. known: boards that have to be asked; units: Modbus units 1 … that; rates: (): any."""

    known: Sequence[Candidate]
    units: int = UNITS
    rates: Sequence[int] = ()


class Arrivals:
    """What has come from a port, with its times (s, monotonic), until somebody takes it."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self._pieces: list[tuple[float, bytes]] = []

    def take(self, data: bytes) -> None:
        """Called by the port."""
        self._pieces.append((time.monotonic(), data))
        self.came.set()

    def taken(self) -> list[tuple[float, bytes]]:
        """All that has come since."""
        pieces, self._pieces = self._pieces, []
        self.came.clear()
        return pieces


async def asked(
    link: Link, heard: Arrivals, questions: Questions, end: float, said: Callable[[str], None]
) -> tuple[Answered | None, dict[Setting, bytes]]:
    """What answers, and what else came, by setting. end: when to begin no more (s, monotonic). Raises PortError."""
    line = _Asked(link, heard, end, said)
    return await survey(line, questions.known, questions.units, questions.rates), line.strange


class _Asked:
    """A Line (asking/strange.py) that is a port."""

    def __init__(self, link: Link, heard: Arrivals, end: float, say: Callable[[str], None]) -> None:
        self.strange: dict[Setting, bytes] = {}
        self.say = say
        self._link, self._heard, self._end = link, heard, end
        self._at: Setting = RATES[0], SERIAL[0]

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    @property
    def has_rate(self) -> bool:
        """Whether it is tuned here, and not in a serial server."""
        return self._link.device() is not None

    async def tune(self, baud: int, serial: str) -> bool:
        """See Line."""
        try:
            await self._link.retune(baud, serial)
        except PortError as error:
            if self._link.lost.done():
                raise
            self.say(str(error))
            return False
        self._at = baud, serial
        return True

    async def ask(self, data: bytes, whole: Whole | None, wait: float) -> bytes:
        """See Line."""
        await asyncio.sleep(max(LEAST_GAP, CHARACTERS * BITS / self._at[0]))
        self._strange(b"".join(piece for _, piece in self._heard.taken()))
        self._link.write(data)
        until = time.monotonic() + wait
        came = b""
        while (left := until - time.monotonic()) > 0 and not (came and whole and whole.find(came)):
            if self._link.lost.done():
                raise PortError(f"the port was lost while it was asked: {self._link.lost.result()}")
            try:
                await asyncio.wait_for(self._heard.came.wait(), min(left, 0.5))
            except TimeoutError:
                continue
            came += b"".join(piece for _, piece in self._heard.taken())
        if not (whole and whole.find(came)):
            self._strange(came.removeprefix(data))
        return came

    def _strange(self, data: bytes) -> None:
        """Keeps what answered nothing."""
        if data:
            self.strange[self._at] = (self.strange.get(self._at, b"") + data)[:KEPT]
