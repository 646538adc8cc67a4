"""The broker, heard over one outage after another: what comes goes into the state, and so does that nothing can."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from ..backoff import attempts_after, delay
from ..publish.subscriber import Connection, Refused, subscribed
from .look import Link
from .source import Source
from .state import News

LONGEST_PAUSE = 5.0  # s between two attempts
GOODBYE = 0.5  # s for the broker to hear it


class Heard(Protocol):
    """Takes in what comes: of one gateway or of many."""

    def hear(self, topic: str, payload: bytes, at: float, wall: float) -> Sequence[News]:
        """A message. at: s, monotonic; wall: s since 1970. Gives what is new in it."""

    def joined(self) -> None:
        """The subscription holds anew."""


class Hearing:
    """state: what is known. news: gets what is new, as it comes; None: nobody wants it."""

    def __init__(self, source: Source, state: Heard, news: Callable[[News], None] | None = None) -> None:
        self.source, self.state = source, state
        self.connected = asyncio.Event()  # for the first time
        self._news = news
        self._lost_at: float | None = None
        self._since = 0.0
        self._why = ""
        self._connection: Connection | None = None
        self._leaving = False

    @property
    def link(self) -> Link:
        """How it is connected now."""
        mqtt = self.source.mqtt
        away = None if self._lost_at is None else time.monotonic() - self._lost_at
        since = time.monotonic() - self._since
        return Link(f"{mqtt.host}:{mqtt.port}", self.source.topic, self.source.here, away, self._why, since)

    async def run(self) -> None:
        """For ever. Raises Refused where the first connection does not come about."""
        attempts = 0
        try:
            while True:
                self.state.joined()  # not later: what is retained may come before we hear that we are let in
                try:
                    connection = await subscribed(await self.source.where(), [self.source.topic], self._heard)
                except Refused as error:
                    if not self.connected.is_set():
                        raise
                    self._away(str(error))
                    attempts += 1
                else:
                    attempts = attempts_after(attempts, await self._until_lost(connection))
                await asyncio.sleep(delay(attempts, random.random(), most=LONGEST_PAUSE))
        finally:
            if self._connection is not None:
                self._connection.close()

    async def goodbye(self) -> None:
        """Leaves the broker in peace."""
        self._leaving = True
        if (connection := self._connection) is not None and not connection.lost.done():
            connection.disconnect()
            await asyncio.wait({connection.lost}, timeout=GOODBYE)

    async def _until_lost(self, connection: Connection) -> float:
        """S that it held."""
        self._connection, self._since = connection, time.monotonic()
        if self._lost_at is not None:
            self._tell({"connected": True, "why": None})
        self._lost_at, self._why = None, ""
        self.connected.set()
        why, _ = await connection.lost
        connection.close()
        self._away(why)
        return time.monotonic() - self._since

    def _away(self, why: str) -> None:
        why = self.source.said(why)
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            self._tell({"connected": False, "why": why})
        self._why = why

    def _tell(self, what: dict[str, object]) -> None:
        if self._news is not None and not self._leaving:
            self._news(("broker", "", what))

    def _heard(self, topic: str, payload: bytes) -> None:
        found: Sequence[News] = self.state.hear(topic, payload, time.monotonic(), time.time())
        if self._news is not None:
            for one in found:
                self._news(one)
