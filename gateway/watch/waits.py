"""Waits of the live views: for the first of several, and for the end, no longer than so long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def either(listening: asyncio.Task[None], *others: Awaitable[object]) -> None:
    """Returns when one of the others has ended. Raises what listening or they end with."""
    tasks = [asyncio.ensure_future(one) for one in others]
    try:
        done, _ = await asyncio.wait({listening, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def first_of(seconds: float, *events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.wait(waits)


async def over_in(over: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await over.wait()
    except TimeoutError:
        return False
