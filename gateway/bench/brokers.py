"""The broker of a measurement, outside of the gateway's processes: mosquitto where it is installed, else our own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from ..demo.children import Child
from ..demo.setting import free_port
from ..publish import embedded

PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
PATIENCE = 10.0  # s for it to listen
LOOK = 0.02  # s between two attempts to connect


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker on 127.0.0.1 that drops nothing for a subscriber that keeps up."""

    name: str
    port: int
    pid: int
    version: str  # of MQTT


@contextlib.asynccontextmanager
async def broker(directory: Path) -> AsyncIterator[Broker]:
    """Starts one, and ends it. Raises OSError, with a sentence, when none can be had."""
    program = installed("mosquitto")
    if program is None:
        own = await embedded.start(("127.0.0.1", 0))
        try:
            yield Broker("embedded", own.port, own.pid, "3.1.1")
        finally:
            await own.stop()
        return
    port = free_port()
    file = directory / "mosquitto.conf"
    file.write_text(_configuration(port))
    child = await Child.program([program, "-c", str(file)])
    try:
        await _listening(port, child)
        yield Broker("mosquitto", port, child.pid, "5")
    finally:
        await child.end()


def installed(program: str) -> str | None:
    """Where a program of mosquitto's is."""
    return shutil.which(program, path=PLACES)


def _configuration(port: int) -> str:
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0"]
    if os.geteuid() == 0:
        lines.append("user root")  # its own could not read what is in our directory
    return "\n".join([*lines, ""])


async def _listening(port: int, child: Child) -> None:
    end = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if child.code is not None or asyncio.get_running_loop().time() > end:
                raise OSError(f"mosquitto does not listen: {child.last_words}") from None
            await asyncio.sleep(LOOK)
        else:
            writer.close()
            return
