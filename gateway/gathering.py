"""How the loop waits: what may have company waits a moment for it, since a wake-up costs more than a reading does.

A descriptor that is `patient` (a serial port, a broker that has little to acknowledge) is looked at at once after a
pause, and then not again for a moment; what has come by then is taken together. All others are heard at once: our own
processes and threads, for whose answers somebody waits.
"""

import asyncio
import math
import select
import selectors
import time
from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

APART = 0.0018  # s between two looks at the patient ones; of a thousand readings a second two or three come in it


class Gathering(selectors.BaseSelector):
    """A selector, as asyncio's loop takes it, over two of the kernel's: one for those who wait for nobody, one for the
    patient ones, of which the second rests for a moment after it had something."""

    def __init__(self) -> None:
        self._prompt, self._patient = selectors.EpollSelector(), selectors.EpollSelector()
        self._both = select.epoll()
        for one in (self._prompt, self._patient):
            self._both.register(one.fileno(), select.EPOLLIN)
        self._rests_until = 0.0

    def be_patient(self, fd: int, patient: bool) -> None:
        """What comes on `fd` may wait for company, or may not, for as long as it is registered."""
        key = self.get_map().get(fd)
        if key is not None and patient is not (self._of(fd) is self._patient):
            self.unregister(fd)
            (self._patient if patient else self._prompt).register(key.fileobj, key.events, key.data)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector has it. Nobody is patient from the start."""
        return self._prompt.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """As every selector has it."""
        return self._of(fileobj).unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """As every selector has it."""
        return self._of(fileobj).modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """As every selector has it: asked by descriptor, or by the object that has it, as asyncio does since 3.13."""
        return ChainMap(*map(self._map, (self._prompt, self._patient)))

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """As every selector has it; faster than over the map."""
        return self._of(fileobj).get_key(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; waits for something, at most `timeout` s."""
        now = time.monotonic()
        end = math.inf if timeout is None else now + max(0.0, timeout)
        if now < self._rests_until:
            wait = min(end, self._rests_until) - now
            # the kernel's own wait counts whole ms; this one is exact, and asks whether there would be something
            if wait <= 0.0 or select.select([self._prompt], [], [], wait)[0]:
                return self._prompt.select(0)
            if end <= self._rests_until:
                return []
        left = -1.0 if timeout is None else math.ceil(max(0.0, end - time.monotonic()) * 1e3) * 1e-3
        ready: list[tuple[selectors.SelectorKey, int]] = []
        for fd, _ in self._both.poll(left):
            if fd == self._prompt.fileno():
                ready += self._prompt.select(0)
            else:
                ready += self._patient.select(0)
                self._rests_until = time.monotonic() + APART
        return ready

    def close(self) -> None:
        """As every selector has it."""
        for one in (self._both, self._prompt, self._patient):
            one.close()

    @staticmethod
    def _map(one: selectors.EpollSelector) -> MutableMapping[Any, selectors.SelectorKey]:
        return cast("MutableMapping[Any, selectors.SelectorKey]", one.get_map())  # nobody writes to it

    def _of(self, fileobj: Any) -> selectors.EpollSelector:
        return self._patient if fileobj in self._patient.get_map() else self._prompt


class Loop(asyncio.SelectorEventLoop):
    """asyncio's loop, which waits like that."""

    def __init__(self) -> None:
        self.gathering = Gathering()
        super().__init__(self.gathering)


def be_patient(fd: int, patient: bool = True) -> None:
    """What comes on `fd`, which the running loop reads, may wait for company, or may not, until it is read no more.

    Any other loop than ours has no use for that.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, Loop):
        loop.gathering.be_patient(fd, patient)
