"""What protects the gateway, each by its name, and how it is taken out: a test that still passes then shows nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Defence(NamedTuple):
    """What it is; how it is taken out; the test that must fail without it, and a part of what that then says.

    root: it is a test that only root can run.
    """

    what: str
    out: Callable[[], None]
    test: str
    says: str
    root: bool = False


def _set(module: str, name: str, value: Any) -> Callable[[], None]:
    """Takes a defence out by setting `name`, an attribute or a class's attribute, of a module of the gateway."""

    def out() -> None:
        import importlib

        holder: Any = importlib.import_module(f"gateway.{module}")
        *path, last = name.split(".")
        for part in path:
            holder = getattr(holder, part)
        if not hasattr(holder, last):
            raise SystemExit(f"gateway.{module} has no {name} any more: mend tests/faults/defences.py")
        setattr(holder, last, value)

    return out


def _forgetful_lanes() -> None:
    from gateway.publish.lanes import Lanes

    Lanes.back = lambda self, pieces, **how: None  # type: ignore[method-assign]


def _unflushed() -> None:
    from gateway.publish.spool import sql

    sql.SETTINGS = tuple(one.replace("synchronous=FULL", "synchronous=OFF") for one in sql.SETTINGS)


def _in_the_loop() -> None:
    from gateway.publish import client

    async def in_thread(call: Callable[[], Any], name: str) -> Any:
        return call()

    client.in_thread = in_thread  # type: ignore[assignment]


def _any_window() -> None:
    from gateway.publish.outbox import Outbox

    def unlimited(self: Any) -> None:
        self.window.limit = 60_000

    Outbox._set_limit = unlimited  # type: ignore[method-assign]


def _changing_id() -> None:
    import os
    from dataclasses import replace

    from gateway.way import Way

    right = Way.__call__

    async def where(self: Any) -> Any:
        found = await right(self)
        return replace(found, client_id=f"{found.client_id}-{os.getpid()}")

    Way.__call__ = where  # type: ignore[method-assign]


def _believing() -> None:
    from gateway.ingest.trust import Trust

    Trust.heard = lambda self, data: None  # type: ignore[method-assign]


def _never_looking() -> None:
    import asyncio

    from gateway.ingest import boards

    async def watch(readers: Any) -> None:
        await asyncio.Event().wait()

    boards.watch = watch  # type: ignore[assignment]


def _aging_by_the_wall() -> None:
    import time

    from gateway.publish.spool.spool import Spool

    async def age(self: Any) -> None:
        wall, busy = time.time(), {*self._holds.busy, *self._holds.gone}
        too_old = lambda block: wall - block.wall > self._max_age  # noqa: E731
        self._losses.lose(await self._try(lambda store: store.drop_older(too_old, busy)) or [])

    Spool._age = age  # type: ignore[method-assign]


def _half_lines() -> None:
    from gateway.ingest import intake
    from gateway.ingest.framing import Lines

    intake.Lines = lambda limit, midstream: Lines(limit, midstream=False)  # type: ignore[assignment,misc]


def _hasty() -> None:
    from gateway.ingest.asking import asker, turns

    asker.GRACE = turns.GRACE = 0.0


DEFENCES = {
    "half_lines": Defence(
        "what comes before the first end of line is noise",
        _half_lines, "test_f08_cut_anywhere", "half a line was a value",
    ),
    "garbage": Defence(
        "what comes is judged by its bytes",
        _believing, "test_f09_wrong_baud", "board.refusing within",
    ),
    "grace": Defence(
        "after a question without an answer the port is listened to before the next one",
        _hasty, "test_f15_no_answer_or_a_late_one", "a late answer was taken for the next one's",
    ),
    "sharing": Defence(
        "other programs on our ports are looked for",
        _never_looking, "test_f11_a_cat", "the status says so",
    ),
    "back": Defence(
        "what was on the wire of a lost connection goes again",
        _forgetful_lanes, "test_f36_broker_restarted", "nothing spooled",
    ),
    "anew": Defence(
        "all documents are published anew on each connection",
        _set("showing", "Showing.connected", lambda self: None), "test_f36_broker_restarted", "online again",
    ),
    "cap": Defence(
        "the pause between two attempts is bounded",
        _set("publish.contact", "delay", lambda *a, **k: 120.0), "test_f36_broker_restarted", "back within 5 s",
    ),
    "unanswered": Defence(
        "a connection without acknowledgements is given up",
        _set("publish.publisher", "UNANSWERED", 3600.0), "test_f40_acknowledgements_never_come", "broker.lost within",
    ),
    "patience": Defence(
        "an attempt that hangs is given up",
        _set("publish.client", "PATIENCE", 3600.0), "test_f51_a_port_that_says_nothing", "broker.refused within",
    ),
    "suspects": Defence(
        "a message at which the broker cuts the line is found and dropped",
        _set("publish.suspects", "TOGETHER", math.inf), "test_f43_a_message_that_cuts_the_line", "the others arrive",
    ),
    "receive_maximum": Defence(
        "no more is under way than the broker takes",
        _any_window, "test_f44_the_broker_states_limits", "under way",
    ),
    "look_up": Defence(
        "the name of the broker is looked up in a thread",
        _in_the_loop, "test_f50_dns_hangs", "back within 30 s",
    ),
    "rival": Defence(
        "a second gateway with the same id is not fought",
        _set("publish.contact", "RIVAL_PAUSE", (0.5, 0.6)), "test_f52_two_gateways_with_one_id", "s apart",
    ),
    "one_id": Defence(
        "the client id is the same in every run",
        _changing_id, "test_f53_the_late_will", "stays online",
    ),
    "flush": Defence(
        "what is on the disk has been flushed to it",
        _unflushed, "test_f64_power_cut", "image", root=True,
    ),
    "boot_clock": Defence(
        "what is stored ages by the clock that no step changes",
        _aging_by_the_wall, "test_f85_what_was_stored_in_1970", "spool_age",
    ),
}  # fmt: skip
