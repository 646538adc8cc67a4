"""A connection that listens: by the newest version of MQTT that both speak, with subscriptions that hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .broker import WRONG_VERSION, Refused, Where
from .client import PATIENCE, Connection, connect
from .packets import Ack

__all__ = ["Connection", "Refused", "Where", "connected", "subscribed"]


async def connected(
    where: Where, *, acked: Callable[[list[Ack]], None] = lambda acks: None, heard: Callable[[str, bytes], None]
) -> Connection:
    """A connection without a will, to be subscribed. Raises Refused.

    acked: as of `connect`; heard: gets (topic, payload) of each message.
    """
    try:
        return await connect(where, acked=acked, heard=heard)
    except Refused as error:
        if error.code != WRONG_VERSION or not where.v5:
            raise
    return await connect(replace(where, v5=False), acked=acked, heard=heard)


async def subscribed(
    where: Where, topics: Sequence[str], heard: Callable[[str, bytes], None], qos: int = 0
) -> Connection:
    """A connection whose subscriptions hold. Raises Refused, also where the broker does not let us hear a topic.

    With QoS 0 a listener that is slow holds up nobody: what it does not take in time the broker leaves out.
    """
    connection = await connected(where, heard=heard)
    try:
        for topic in topics:
            granted = connection.subscribe(topic, qos)
            waits: list[asyncio.Future[Any]] = [granted, connection.lost]
            await asyncio.wait(waits, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if granted.done() and not granted.result():
                raise Refused(f"the broker does not let us hear {topic}: check its access list", 0x87)
            if connection.lost.done():
                raise Refused(f"the broker ended the connection at a subscription: {connection.lost.result()[0]}")
            if not granted.done():
                raise Refused(f"the broker at {where.text} does not answer a subscription", away=True)
    except BaseException:
        connection.close()
        raise
    return connection
