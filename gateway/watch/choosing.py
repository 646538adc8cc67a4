"""Which gateway is watched where none was named: the only one whose status is retained at the broker."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from ..config import Unfit
from ..publish.subscriber import Refused, subscribed
from .source import Source
from .state import State

PATIENCE, QUIET = 3.0, 0.3  # s for the first document to come, and without a further one, until no more are awaited


async def chosen(source: Source) -> Source:
    """The source with the gateway that is there. Raises Refused where there is none, and Unfit where there are more."""
    state, news = State(source.mqtt.prefix), asyncio.Event()

    def heard(topic: str, payload: bytes) -> None:
        state.hear(topic, payload, time.monotonic(), time.time())
        news.set()

    topic = f"{source.mqtt.prefix}/+/status"
    connection = await subscribed(await source.where(), [topic], heard)
    try:
        patience = PATIENCE
        while await _came(news, patience):
            news.clear()
            patience = QUIET
    finally:
        connection.disconnect()
        await asyncio.wait({connection.lost}, timeout=QUIET)
        connection.close()
    found = {gateway.name: level for level, gateway in state.gateways.items() if gateway.told is not None}
    if not found:
        raise Refused(f"no gateway has its status on {topic} at {connection.where.text}: name it with --gateway")
    if len(found) > 1:
        names = ", ".join(sorted(found)[:20])
        raise Unfit(f"there is more than one gateway here; add --gateway with one of these: {names}")
    return replace(source, level=next(iter(found.values())))


async def _came(news: asyncio.Event, patience: float) -> bool:
    try:
        async with asyncio.timeout(patience):
            return await news.wait()
    except TimeoutError:
        return False
