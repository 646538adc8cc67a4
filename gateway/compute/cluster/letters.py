"""What the gateway and its bridge to the cluster say to each other, as bytes. Pure; both sides read this file.

    gateway -> bridge   READY: an order, once        n: BATCH or CALL and a task      n: FORGET
    bridge -> gateway   READY: how it stands, often   n: DONE and an answer, or NOT and why it has none

What a cluster answers has come over a network: none of it is unpickled here. A batch's answer is parcels of columns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from struct import Struct, error
from typing import NamedTuple

from ..tasks import Result
from ..wire import Nonsense

BATCH, CALL, FORGET = b"B", b"C", b"F"
DONE, NOT = b"=", b"!"
BADLY = b"x"  # before what a worker gives whose process has answered badly, or not: see `badly`
UNPREPARED = b"?"  # what a worker gives instead of an answer, which it has not the modules for any more
SIZE = Struct("!I")
FEATURE = Struct("!H")  # which of the order's features a call is for
LONGEST_REASON = 4000  # characters
LEAST = 5  # columns of a result besides its suffixes

CONNECTING, CONNECTED, AWAY, EMPTY, VERSION, SLOW = "connecting", "connected", "away", "empty", "version", "slow"
"""How a cluster stands: not known yet; used; not there; without workers; with none of this version; too slow."""
STATES = (CONNECTING, CONNECTED, AWAY, EMPTY, VERSION)  # as the bridge finds it


@dataclass(frozen=True, slots=True)
class Order:
    """What the bridge needs to know. Files as paths, "" is none; features: work.py's orders, as JSON texts.

    lacks: why there are none although some are configured, a clause.
    """

    address: str
    version: str
    ca: str = ""
    cert: str = ""
    key: str = ""
    features: tuple[str, ...] = ()
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the bridge finds the cluster. workers: those that are of use; hands: tasks that they take at once.

    able: the features that some worker can compute, by their place in the order. reason: a clause, "" when all is well.
    """

    state: str = CONNECTING
    reason: str = ""
    workers: int = 0
    hands: int = 0
    able: tuple[int, ...] = ()


def ordered(order: Order, modules: bytes) -> bytes:
    """An order, and the modules of the user's own features that go with it."""
    return json.dumps(asdict(order)).encode() + b"\n" + modules


def order_of(data: bytes) -> tuple[Order, bytes]:
    """The same, read. Only the gateway writes it."""
    text, _, modules = data.partition(b"\n")
    values = json.loads(text)
    return Order(**values | {"features": tuple(values["features"])}), modules


def told(standing: Standing) -> bytes:
    """How the cluster stands."""
    return json.dumps(asdict(standing) | {"reason": standing.reason[:LONGEST_REASON]}).encode()


def standing_of(data: bytes) -> Standing:
    """The same, read. Raises Nonsense."""
    try:
        values = json.loads(data)
        found = Standing(**values | {"able": tuple(values["able"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Nonsense("no standing") from None
    wanted = {"state": str, "reason": str, "workers": int, "hands": int, "able": tuple}
    if not all(type(getattr(found, one.name)) is wanted[one.name] for one in fields(found)):
        raise Nonsense("no standing")
    if found.state not in STATES or len(found.reason) > LONGEST_REASON:
        raise Nonsense("no standing")
    return found


class Call(NamedTuple):
    """A call of a user's own feature: which of the order's, and what it is asked, as work.py takes it."""

    feature: int
    data: bytes


def call(feature: int, data: bytes) -> bytes:
    """A call as a task."""
    return CALL + FEATURE.pack(feature) + data


def call_of(data: bytes) -> Call:
    """The same, read. Only the gateway writes it."""
    return Call(FEATURE.unpack_from(data, len(CALL))[0], data[len(CALL) + FEATURE.size :])


def badly(address: str, why: bytes) -> bytes:
    """What the worker at that address gives instead of an answer that its process could not give."""
    return BADLY + address.encode() + b"\n" + why


def badly_of(data: bytes) -> tuple[str, str]:
    """The same, read: the worker, and why, a clause."""
    address, _, why = data[len(BADLY) :].partition(b"\n")
    return address.decode(errors="replace"), why[:400].decode(errors="replace")


def name_of(feature: str) -> str:
    """What the configuration calls a feature of an order."""
    told = json.loads(feature)
    return f"{told['module']}:{told['function']}"


class Answer(NamedTuple):
    """What came of a task. why: a clause, "" where there is an answer."""

    data: bytes
    why: str


def answer_of(data: bytes) -> Answer:
    """Raises Nonsense."""
    if data[:1] == DONE:
        return Answer(data[1:], "")
    if data[:1] == NOT:
        return Answer(b"", data[1:400].decode(errors="replace") or "gave no reason")
    raise Nonsense("no answer")


def parcel(parts: Sequence[bytes]) -> bytes:
    """Some bytes after the other, each with its size before it."""
    return b"".join(piece for part in parts for piece in (SIZE.pack(len(part)), part))


def parts_of(data: bytes) -> list[bytes]:
    """The same, apart. Raises Nonsense."""
    out, at = [], 0
    while at < len(data):
        try:
            size = SIZE.unpack_from(data, at)[0]
        except error:
            raise Nonsense("a parcel that is cut") from None
        at += SIZE.size + size
        if at > len(data):
            raise Nonsense("a parcel that is cut")
        out.append(data[at - size : at])
    return out


def packed(results: Sequence[Result]) -> bytes:
    """A batch's results."""
    return parcel([
        parcel([one.columns, one.n, one.quality, one.fronts, one.carried, *one.suffixes]) for one in results
    ])  # fmt: skip


def results_of(data: bytes) -> list[Result]:
    """The same, read; whether they fit their batch is for whoever settles it. Raises Nonsense."""
    out = []
    for group in parts_of(data):
        parts = parts_of(group)
        if len(parts) < LEAST:
            raise Nonsense("a result that is cut")
        columns, n, quality, fronts, carried, *suffixes = parts
        out.append(Result(columns, n, quality, fronts, carried, suffixes))
    return out
