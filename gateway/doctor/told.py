"""What the running gateway has told of itself in its retained documents: its ledger, its faults, its boards."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from .. import __version__
from ..config import Config
from ..names import level
from .finding import FINE, UNKNOWN, UNWISE, WRONG, Finding, itself
from .steps import BrokerFacts

STALE = 90.0  # s without a document, of which one comes every 30 s
DEEPEST = 20  # levels of a document; ours have few, and Python reads deeper ones than it can write
REPORT = itself("doctor --bundle report.tar.gz", None)


def told(facts: BrokerFacts, config: Config, now: float, *, runs: bool | None) -> Iterator[Finding]:
    """What is to be said of it. now: s since 1970; runs: whether a gateway runs here, None where that is not known."""
    documents = {topic: read_document(payload) for topic, payload in facts.documents.items()}
    own = documents.pop(f"{facts.base}/status", None)
    if own is None:
        if facts.taken:
            says = f"no gateway has told of itself on {facts.base}/status, or our login may not read that"
            yield Finding("gateway", facts.base, UNKNOWN, says, itself("run", None) if runs is False else REPORT)
        return
    if own.get("state") != "online":
        how = {"lost": "was lost: it ended without a word", "stopped": "was stopped"}.get(
            str(own.get("reason")), "is offline"
        )
        mend = "journalctl -u gateway -n 50; sudo systemctl restart gateway"
        yield Finding("gateway", facts.base, WRONG, f"{how}; the last that it told is of {own.get('time')}", mend)
        return
    yield from _gateway(own, facts.base, now)
    names = {level(board.name): board.name for board in config.boards if board.port.path != "auto"}
    auto = any(board.port.path == "auto" for board in config.boards)
    for topic, board in sorted(documents.items()):
        place = topic.removeprefix(f"{facts.base}/").removesuffix("/status")
        if place not in names and (not auto or board.get("state") == "offline"):
            says = "is of a board that is not read any more, and stays until it is deleted"
            yield Finding(
                "orphan",
                topic,
                UNWISE,
                says,
                f"mosquitto_pub -h {config.mqtt.host} -p {config.mqtt.port} -r -n -t {shlex.quote(topic)}",
            )
            continue
        yield from _board(str(board.get("board", place)), board)
    for name in (name for place, name in names.items() if f"{facts.base}/{place}/status" not in documents):
        yield Finding(
            "board", name, UNKNOWN, "the running gateway tells nothing of it", "sudo systemctl reload gateway"
        )


def _gateway(own: Mapping[str, Any], base: str, now: float) -> Iterator[Finding]:
    age = now - _seconds(own.get("time"))
    if age > STALE:
        says = f"says that it is online, and has told nothing more since {own.get('time')}"
        yield Finding("gateway", base, WRONG, says, "journalctl -u gateway -n 50; sudo systemctl restart gateway")
    if own.get("version") != __version__:
        says = f"version {own.get('version')} runs, and {__version__} is installed"
        yield Finding("version", base, WRONG, says, "sudo systemctl restart gateway")
    if own.get("balanced") is False:
        yield Finding(
            "ledger", base, WRONG, "the ledger does not balance, a mistake in the gateway: please report it", REPORT
        )
    elif own.get("balanced") is True:
        yield Finding("ledger", base, FINE, f"it balances, over {own.get('readings')} readings of this run")
    yield from _faults("gateway", base, own)
    if age <= STALE and not own.get("faults"):
        yield Finding("gateway", base, FINE, f"is online since {own.get('started')}, without a fault")


def lent(facts: BrokerFacts, config: Config) -> set[str]:
    """The boards whose ports are lent now, by a gateway that is online."""
    documents = {topic: read_document(payload) for topic, payload in facts.documents.items()}
    if documents.get(f"{facts.base}/status", {}).get("state") != "online":
        return set()
    names = [board.name for board in config.boards]
    return {name for name in names if documents.get(f"{facts.base}/{level(name)}/status", {}).get("state") == "lent"}


def _board(name: str, board: Mapping[str, Any]) -> Iterator[Finding]:
    faults = list(_faults("board", name, board))
    yield from faults
    state = board.get("state")
    if state == "online" and not faults:
        yield Finding("board", name, FINE, f"is online, {board.get('readings')} readings")
    elif state == "lent":
        says = "its port is lent, and comes back by itself"
        yield Finding("board", name, UNWISE, says, itself(f"release {shlex.quote(name)} --back"))
    elif not faults and state != "online":
        yield Finding(
            "board", name, WRONG, f"is {state}: {board.get('reason')}", itself(f"record {shlex.quote(name)}", None)
        )


def _faults(what: str, where: str, document: Mapping[str, Any]) -> Iterator[Finding]:
    faults = document.get("faults")
    for name, fault in faults.items() if isinstance(faults, dict) else ():
        if name != "ledger" and isinstance(fault, dict):  # that one is told above; anybody may have written another
            since = fault.get("since")
            yield Finding(what, where, WRONG, f"{fault.get('text')} (since {since})", MENDS.get(name, ""))


MENDS = {
    "broker": "journalctl -u mosquitto -n 50",
    "refused_by_broker": "sudo cat /etc/mosquitto/acl",
    "broker_lacks": "sudo cat /etc/mosquitto/mosquitto.conf",
    "shared": itself("ports", None),
    "link": itself("ports", None),
    "lent": itself("ports", None),
    "config": itself("check"),
    "garbage": itself("probe PORT", None),
    "spool": "df -h /var/lib/gateway",
    "spool_damaged": "ls -l /var/lib/gateway",
}
"""Where to look, by the fault's name; its sentence says what to do."""


def read_document(payload: bytes) -> dict[str, Any]:
    """A document; {} for what is none, since anybody may have written it."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and not _deeper(found, DEEPEST) else {}


def _deeper(value: object, levels: int) -> bool:
    """Whether it is nested deeper than that."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_deeper(one, levels - 1) for one in inner)


def _seconds(text: object) -> float:
    """An instant as s since 1970; 0 for what is none."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
