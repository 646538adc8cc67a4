"""The door to Dask's distributed: a client in the bridge's loop. Its types and errors end here.

Client's own attempts to connect again are not waited for: a client whose scheduler has gone is done with.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

os.environ["DASK_CONFIG"] = os.devnull  # else it writes its defaults into the user's home

import distributed

from .staff import Seen

THERE = "__import__('importlib').import_module('gateway.{}').{}({}*arguments)"
OURS = "compute.cluster.there"
VOICE = (
    "*(lambda worker, key: (lambda text: worker.log_event({!r}, text), lambda: worker.status.name in ('running', "
    "'paused') and getattr(worker.state.tasks.get(key), 'state', None) == 'executing'))(*(lambda worker: (worker, "
    "worker.get_current_task()))(__import__('distributed').get_worker())), "
)
OF_ITSELF = "__import__('distributed').get_worker().{}, "
"""What a worker evaluates. A function that is sent itself is looked for by the scheduler, too, which would need the
gateway; and a worker on which it cannot be found ends, whoever else has work on it. Its own directory is one that Dask
clears, also after a worker that was killed."""
PATIENCE = 5.0  # s for a scheduler to take us in
PARTING = 1.0  # s for a client to take its leave


class Away(Exception):
    """The cluster is not there; the text is a clause."""


class Failed(Exception):
    """A task has no answer; the text is a clause."""


class Lost(Failed):
    """The scheduler has let go of the task, which another may have."""


class Killed(Lost):
    """Each worker that had the task has ended while it had it."""


class Scheduler:
    """One connection to a scheduler. To be made by `connected`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def workers(self) -> dict[str, Seen]:
        """Those that it has, by address. Raises Away."""
        if self._client.status != "running":
            raise Away("has ended the connection")
        try:
            seen = await self._client.scheduler.identity()
        except Exception as error:  # whatever a connection that breaks can raise
            raise Away(f"has ended the connection ({said(error)})") from None
        return {
            address: Seen(
                int(one["nthreads"]),
                float(one["last_seen"]),
                one["status"] == "running",
                bool(one.get("metrics", {}).get("task_counts", {}).get("executing")),
            )
            for address, one in seen["workers"].items()
        }

    def hear(self, topic: str, heard: Callable[[str], None]) -> None:
        """`heard` gets what functions say on a topic, in their order, and all of it before what they give."""
        self._client.subscribe_topic(topic, lambda event: heard(event[1]))

    async def compute(
        self,
        function: str,
        *arguments: Any,
        on: Sequence[str],
        of: str = OURS,
        first: bool = False,
        knows: str = "",
        topic: str = "",
    ) -> Any:
        """What a function gives on one of those workers. of: its module in the gateway.

        first: before what is not. knows: what it is told of the worker before its arguments, "address" or
        "local_directory". topic: it gets what says a text on it, and what tells whether it is still wanted, before
        them.
        Raises Failed, Lost, Killed, Away.
        """
        if not on:
            raise Failed("has no worker that can compute it")
        future: Any = None
        try:
            future = self._client.submit(
                eval,
                THERE.format(of, function, VOICE.format(topic) if topic else OF_ITSELF.format(knows) if knows else ""),
                {"arguments": arguments},
                pure=False,
                workers=on,
                allow_other_workers=False,
                priority=int(first),
            )
            return await future
        except distributed.scheduler.KilledWorker:
            raise Killed("ended each worker of the cluster that computed it") from None
        except concurrent.futures.CancelledError as error:  # by whoever else has the cluster: it restarts its workers
            raise Lost(said(error)) from None
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise Away("has ended the connection") from None
        except Exception as error:  # whatever was raised on the worker, or by a connection that breaks
            if self._client.status != "running":
                raise Away(f"has ended the connection ({said(error)})") from None
            raise Failed(said(error)) from None
        finally:
            if future is not None and not future.done():
                with suppress(Exception):  # it was lost with its scheduler
                    await asyncio.shield(asyncio.ensure_future(self._client.cancel([future], force=True)))

    async def close(self) -> None:
        """Takes leave, as far as that can be done in a second."""
        with suppress(Exception):  # it is closed however that goes
            async with asyncio.timeout(PARTING):
                await self._client.close(timeout=PARTING)


async def connected(address: str, ca: str, cert: str, key: str) -> Scheduler:
    """A connection. ca, cert, key: files for a tls:// address. Raises Away."""
    secured = address.startswith("tls://")
    security = distributed.Security(  # type: ignore[no-untyped-call]
        require_encryption=secured, tls_ca_file=ca or None, tls_client_cert=cert or None, tls_client_key=key or None
    )
    client: Any = None
    try:
        await _reached(address)
        async with asyncio.timeout(PATIENCE + PARTING):  # Dask's own does not end with one that takes us and is silent
            client = distributed.Client(  # type: ignore[no-untyped-call]
                address, security=security, asynchronous=True, timeout=PATIENCE, set_as_default=False, name="gateway"
            )
            await client
    except Exception as error:  # no connection, no scheduler, no certificate that will do
        if client is not None:
            await Scheduler(client).close()
        reached = client is not None and (isinstance(error, TimeoutError) or not isinstance(error, OSError))
        what = "does not answer as a scheduler of Dask's does" if reached else "cannot be reached"
        raise Away(f"{what} ({said(error)})") from None
    return Scheduler(client)


async def _reached(address: str) -> None:
    """Raises OSError, as a refusal is one at once: Dask goes on trying until its patience ends, and says that alone."""
    where = urlsplit(address)
    async with asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.close()


def said(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
