"""The configuration, read again while the gateway runs: what is right is taken over, and what is as before goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import systemd
from .config import Config, Wrong, changes, load
from .log.lines import log
from .parts import Parts
from .publish.broker import Refused
from .publish.publisher import Publisher
from .street import Street
from .threads import in_thread
from .tls import Tls, mark

READING = 5.0  # s for a file of the configuration's, read again; on a disk that hangs it would be for ever


class Reloading:
    """config: as it counts now. renewed: is told that another one does. gone: nobody tells of a board any more;
    in_flight: its readings. event: see Service.

    wrong: is told the sentence of a file that is not right, and None when there is none.
    """

    def __init__(
        self,
        config: Config,
        street: Street,
        publisher: Publisher,
        *,
        renewed: Callable[[], None],
        gone: Callable[[str], None],
        in_flight: Callable[[str], int],
        event: Callable[..., Any],
        wrong: Callable[[str | None], None],
    ) -> None:
        self.config = config
        self._street, self._boards, self._publisher = street, street.boards, publisher
        self._renewed, self._gone, self._in_flight, self._event = renewed, gone, in_flight, event
        self._wrong = wrong
        self._trouble: str | None = None
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """The configuration is to be read again, soon."""
        self._asked.set()

    async def run(self, parts: Parts) -> None:
        """Reads it whenever that is asked for. parts: where boards are read."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            systemd.notify(RELOADING="1", MONOTONIC_USEC=str(time.monotonic_ns() // 1000))
            try:
                async with asyncio.timeout(READING):
                    config = await in_thread(lambda: load(self.config.path), "configuration")
                await self._take_over(config, parts)
            except Wrong as error:
                self._refused(error.problems)
            except TimeoutError:
                self._refused([f"it could not be read within {READING:.0f} s; see that its disk answers, reload again"])
            except BlockingIOError as error:
                self._refused([f"it is not read: {error.strerror}"])
            self.ready()

    def ready(self) -> None:
        """The service manager is told that we run, and with what."""
        systemd.notify(READY="1", STATUS=self._trouble or f"reading {len(self.config.boards)} boards")

    def _refused(self, problems: list[str]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        self._trouble = (
            f"the configuration was read again and is not taken, the one before goes on: {problems[0]}{more}"
        )
        self._wrong(self._trouble)
        self._event("config.refused", path=str(self.config.path), problems=problems)

    async def _take_over(self, config: Config, parts: Parts) -> None:
        """What of `config` can be taken over at once; a board that is as before is not touched."""
        self._forget()
        boards, readers = self._boards, self._boards.readers
        found = changes(self.config, config)
        kept = {field: getattr(self.config, field) for field in found.kept}
        self.config = replace(config, mqtt=found.mqtt, **kept)
        self._street.reload(self.config)
        anew = [board for board in found.changed if not boards.change(board)]
        gone = [*found.gone, *(board.name for board in anew)]
        for name in [*gone]:
            await boards.drop(name, parts)
        opened = [*anew, *found.opened]
        for board in opened:
            gone += await boards.add(board, parts)
        gone = [name for name in gone if name not in readers]
        for name in gone:
            self._gone(name)
        self._street.stage.reload(self._street.plan)
        self._publisher.renew()
        await self._publisher.reconnect()
        self._renewed()
        self._trouble = None
        self._wrong(None)
        changed = [board.name for board in found.changed if board not in anew]
        log("config.reloaded", path=str(config.path), changed=changed, opened=[board.name for board in opened],
            gone=gone, later=found.later)  # fmt: skip

    def _forget(self) -> None:
        """Lets go what is kept of boards that an earlier reload has closed; their accounts stay."""
        for board in self._boards.accounts.keys() - self._boards.readers.keys():
            if not self._in_flight(board):
                self._street.stage.forget(board)
                self._publisher.forget(board)


async def marked(tls: Tls | None) -> str:
    """Of the files of TLS as they are now. Raises Refused, with a sentence."""
    if tls is None:
        return ""
    try:
        async with asyncio.timeout(READING):
            return await in_thread(lambda: mark(tls), "certificates")
    except TimeoutError:
        why = f"not read within {READING:g} s; see what their file system waits for"
    except OSError as error:
        why = f"not read: {error.strerror}"
    raise Refused(f"mqtt.ca_file, mqtt.cert_file, mqtt.key_file: {why}")
