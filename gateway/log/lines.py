"""The log: fixed events with named fields (docs/logs.md), pretty on a terminal, to the journal, or as JSON lines.

Faults of single readings are counted and never logged. Who logs never waits: outlet.py. Before `setup` nothing is
written and each event is held against the vocabulary; so it is in tests, and an unknown one fails where it is logged.
"""

import atexit
import json
import math
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn, TextIO

from ..shown import shown
from . import journal
from .limit import Limit
from .outlet import Outlet, onto
from .without import without

with without("rich"):  # structlog would load it for tracebacks in colour: 4 MB, and a tenth of the start
    import structlog
    from structlog.typing import EventDict, FilteringBoundLogger

LONGEST = 500  # characters of a text
MOST = 50  # items of a list


class Event(NamedTuple):
    """How an event is logged."""

    level: str
    fields: frozenset[str]
    ends: tuple[str, ...] = ()  # the troubles that are over with it, at whose level it is


def _event(level: str, fields: str, ends: str = "") -> Event:
    return Event(level, frozenset(fields.split()), tuple(ends.split()))


EVENTS = {
    "service.started": _event("info", "gateway run version boards workers broker"),
    "service.stopping": _event("info", "reason"),
    "service.stopped": _event("info", "readings inherited acknowledged spooled dropped reasons took_s"),
    "service.failed": _event("error", "where error"),
    "config.unwise": _event("warning", "path text"),
    "config.refused": _event("error", "path problems"),
    "config.reloaded": _event("info", "path changed opened gone later"),
    "web.started": _event("info", "listen"),
    "web.lost": _event("warning", "listen why"),
    "web.recovered": _event("warning", "listen after_s", "web.lost"),
    "web.said": _event("warning", "text"),
    "control.failed": _event("warning", "why"),
    "board.online": _event("info", "board port baud"),
    "board.tuned": _event("info", "board port baud"),
    "board.seeking": _event("info", "board port baud"),
    "board.format": _event("info", "board format"),
    "board.silent": _event("warning", "board port why"),
    "board.offline": _event("warning", "board port why"),
    "board.lent": _event("warning", "board port why"),
    "board.recovered": _event("warning", "board port after_s", "board.silent board.offline board.lent"),
    "board.refusing": _event("warning", "board why refused frames sample"),
    "board.accepting": _event("warning", "board refused after_s", "board.refusing"),
    "board.shared": _event("warning", "board port program"),
    "board.unshared": _event("warning", "board port refused after_s", "board.shared"),
    "board.overrun": _event("warning", "board port overruns"),
    "board.keeping_up": _event("warning", "board port overruns refused after_s", "board.overrun"),
    "board.restarted": _event("info", "board restarts"),
    "port.note": _event("warning", "board port note"),
    "pool.worker_lost": _event("warning", "worker why busy"),
    "pool.worker_failed": _event("warning", "why"),
    "pool.worker_replaced": _event("warning", "worker after_s", "pool.worker_lost pool.worker_failed"),
    "cluster.connected": _event("info", "address workers"),
    "cluster.lost": _event("warning", "address state why"),
    "cluster.lacks": _event("warning", "address workers why"),
    "cluster.recovered": _event("warning", "address workers after_s", "cluster.lost"),
    "compute.failed": _event("error", "why boards readings"),
    "custom.missed": _event("warning", "feature why"),
    "custom.quarantined": _event("warning", "feature why again_s"),
    "custom.recovered": _event("warning", "feature after_s", "custom.quarantined"),
    "custom.worn": _event("warning", "feature"),
    "custom.output": _event("info", "feature text lines"),
    "broker.connected": _event("info", "url version"),
    "broker.lost": _event("warning", "url why in_flight"),
    "broker.refused": _event("warning", "url why"),
    "broker.taken_over": _event("warning", "url client_id times"),
    "broker.recovered": _event("warning", "url after_s reconnects", "broker.lost broker.refused broker.taken_over"),
    "broker.stalled": _event("warning", "url why"),
    "broker.moving": _event("warning", "url after_s", "broker.stalled"),
    "broker.refusing": _event("warning", "topic reason why"),
    "broker.accepting": _event("warning", "topic refused after_s", "broker.refusing"),
    "broker.too_large": _event("warning", "board why"),
    "broker.fits": _event("warning", "board dropped after_s", "broker.too_large"),
    "broker.lacking": _event("warning", "why"),
    "broker.able": _event("warning", "after_s", "broker.lacking"),
    "discovery.announced": _event("info", "messages sensors left_out"),
    "discovery.overwritten": _event("warning", "topic emptied"),
    "embedded.started": _event("info", "listen"),
    "embedded.lost": _event("warning", "listen why"),
    "embedded.recovered": _event("warning", "listen after_s", "embedded.lost"),
    "spool.failed": _event("warning", "why"),
    "spool.recovered": _event("warning", "after_s", "spool.failed"),
    "spool.inherited": _event("info", "readings dropped"),
    "spool.full": _event("warning", "why"),
    "spool.has_room": _event("warning", "dropped after_s", "spool.full"),
    "spool.too_old": _event("warning", "why"),
    "spool.in_time": _event("warning", "dropped after_s", "spool.too_old"),
    "spool.damaged": _event("error", "file saved lost complete"),
    "notes.failed": _event("warning", "file why"),
    "notes.recovered": _event("warning", "after_s", "notes.failed"),
    "retained.cleared": _event("info", "topics first"),
    "retained.overwritten": _event("warning", "topic emptied"),
    "alarm.raised": _event("warning", "board sensor state value unit"),
    "alarm.cleared": _event("warning", "board sensor state after_s", "alarm.raised"),
    "street.shedding": _event("warning", "board waiting"),
    "street.recovered": _event("warning", "board shed after_s", "street.shedding"),
    "ledger.unbalanced": _event("error", "laws"),
    "ledger.balanced": _event("error", "after_s", "ledger.unbalanced"),
}


class Unheard(Exception):
    """An event, a field or a level that is not in the vocabulary."""


def log(event: str, **fields: Any) -> None:
    """Logs an event of the vocabulary at its level. Text of boards and errors may come as it is."""
    known = EVENTS.get(event)
    getattr(get_logger(), known.level if known else "warning")(event, **fields)


def get_logger() -> FilteringBoundLogger:
    """structlog's logger."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def setup(stream: TextIO | None = None, pretty: bool | None = None, limit: Limit | None = None) -> Outlet:
    """From now on events are written to `stream` (standard error). `pretty`: for a terminal; by default if it is one.

    At the end of the process what waits is written, for at most 1 s. Raises OSError where no thread can start.
    """
    stream = stream or sys.stderr
    terminal = stream.isatty()
    if pretty if pretty is not None else terminal:
        console = structlog.dev.ConsoleRenderer(
            colors=terminal and not os.environ.get("NO_COLOR"), timestamp_key="time", sort_keys=False
        )
        outlet = Outlet(onto(stream), lambda event: str(console(None, "", event)), limit)
    elif journal.reads(stream):
        outlet = Outlet(journal.Channel().write, journal.record, limit)
    else:
        outlet = Outlet(onto(stream), lambda event: json.dumps(event, ensure_ascii=False), limit)

    def out(_logger: Any, _method: str, event: EventDict) -> NoReturn:
        outlet.put(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[stamp, safe, out])
    atexit.register(outlet.close)
    return outlet


def in_the_vocabulary(_logger: Any, method: str, event: EventDict) -> EventDict:
    """A processor that raises Unheard where an event, its fields or its level are not those of EVENTS."""
    name, fields = event["event"], set(event) - {"event"}
    if name not in EVENTS:
        raise Unheard(f"{name} is no event of the vocabulary")
    known = EVENTS[name]
    if fields != known.fields or method != known.level:
        raise Unheard(f"{name} is logged at {known.level} with {sorted(known.fields)}, not {method} {sorted(fields)}")
    return event


def stamp(_logger: Any, method: str, event: EventDict) -> EventDict:
    """A processor that puts the time, UTC, and the level before the fields."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"time": now, "level": method, "event": event.pop("event"), **event}


def safe(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A processor that leaves what JSON can say and no terminal obeys."""
    return {key: _safe(value) for key, value in event.items()}


def _safe(value: Any) -> Any:
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value[: LONGEST // 2].hex()
    if isinstance(value, Mapping):
        return {shown(str(key), LONGEST): _safe(value[key]) for key in list(value)[:MOST]}
    if isinstance(value, list | tuple | set | frozenset):
        left = [f"… and {len(value) - MOST} more"] if len(value) > MOST else []
        return [_safe(item) for item in list(value)[:MOST]] + left
    return shown(hex(value) if isinstance(value, int) else str(value), LONGEST)


def _unwritten(_logger: Any, _method: str, _event: EventDict) -> NoReturn:
    raise structlog.DropEvent


structlog.configure(processors=[in_the_vocabulary, _unwritten])
