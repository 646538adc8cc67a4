"""What arrives at a subscriber -> checked values, or None where the gateway never wrote that. Pure; raises on no bytes.

Others may write on the gateway's topics: so no text is kept longer than can be shown, no number that is none, and of a
document only what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic_core import from_json

from ..names import LONGEST, level
from .nouns import AlarmTold, BoardTold, Place, Reading, Told, is_number

TEXT, SENTENCE = 200, 400  # characters that are kept
FEATURES, FAULTS, COUNTERS, NAMED = 32, 20, 64, 10_000  # of a reading, of a document, and sensors in one
LARGEST = 1 << 63
NO_FEATURE = frozenset((
    "gateway", "board", "sensor", "run", "seq", "time", "value", "unit", "n", "quality", "tags", "count", "condensed",
    "replayed", "clock", "alarm", "columns", "rows",
))  # fmt: skip


def place(levels: Sequence[str]) -> Place | None:
    """Whose the topic is of which these are the levels below the gateway's; None: none of the gateway's."""
    if any(len(one.encode(errors="replace")) > LONGEST for one in levels):
        return None
    match levels:
        case ["status"]:
            return Place("status")
        case [board, "status"]:
            return Place("status", board)
        case [board, sensor, ("features" | "last" | "alarm") as kind]:
            return Place(kind, board, sensor)
    return None


def document(payload: bytes) -> Mapping[str, Any] | None:
    """The object that the payload is, in JSON; None: it is none."""
    try:
        found = from_json(payload, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def readings(message: Mapping[str, Any], gateway: str, where: Place) -> Iterator[Reading] | None:
    """The readings of a features message, one or the rows of a batch; None where it is not of this topic.

    gateway: its topic level. Of the rows those that are no reading are left out.
    """
    names = (("gateway", gateway), ("board", where.board), ("sensor", where.sensor))
    if not all(_named(message, key, it) for key, it in names) or not _run(message):
        return None
    if "rows" not in message:
        one = _reading(message, message)
        return None if one is None else iter((one,))
    columns, rows = message.get("columns"), message["rows"]
    if not isinstance(rows, list) or not isinstance(columns, list) or not all(isinstance(key, str) for key in columns):
        return None
    return _rows(message, columns, rows)


def told(message: Mapping[str, Any], gateway: str) -> Told | None:
    """A gateway's document. gateway: its topic level."""
    if message.get("state") not in ("online", "offline") or not _run(message):
        return None
    if not _named(message, "gateway", gateway):
        return None
    broker, spool, pool = (_object(message.get(key)) for key in ("broker", "spool", "pool"))
    balanced, connected = message.get("balanced"), broker.get("connected")
    return Told(
        state=message["state"],
        reason=_text(message.get("reason")),
        run=_text(message["run"]),
        version=_text(message.get("version")),
        started=moment(message.get("started")),
        time=moment(message.get("time")),
        clock=_text(message.get("clock")),
        counts=_counts(message),
        dropped=_sum(message.get("dropped")),
        balanced=balanced if isinstance(balanced, bool) else None,
        boards=_counts(_object(message.get("boards"))),
        connected=connected if isinstance(connected, bool) else None,
        reconnects=_count(broker.get("reconnects")) or 0,
        spool_bytes=_count(spool.get("bytes")),
        spool_oldest=moment(spool.get("oldest")),
        hours_left=spool["hours_left"] if is_number(spool.get("hours_left")) else None,
        workers=_count(pool.get("workers")),
        faults=_faults(message.get("faults")),
    )


def board_told(message: Mapping[str, Any], where: Place) -> BoardTold | None:
    """A board's document."""
    if message.get("state") not in ("online", "silent", "offline", "lent") or not _named(message, "board", where.board):
        return None
    return BoardTold(
        board=_text(message["board"]),
        state=message["state"],
        reason=_text(message.get("reason"), SENTENCE),
        since=moment(message.get("since")),
        port=_text(message.get("port")),
        baud=_count(message.get("baud")) or 0,
        format=_text(message.get("format")),
        counts=_counts(message),
        refused=_sum(message.get("refused")),
        faults=_faults(message.get("faults")),
        sensors=dict(_sensors(_object(message.get("sensors")))),
    )


def alarm_told(message: Mapping[str, Any]) -> AlarmTold | None:
    """What is on a sensor's alarm topic."""
    state = message.get("state", "")
    if state not in ("above", "below", None):
        return None
    value = message.get("value")
    return AlarmTold(state or "", moment(message.get("since")), value if is_number(value) else None)


@lru_cache(1024)
def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def moment(value: object) -> float | None:
    """S since 1970 of a time in RFC 3339 and UTC; None: it is none."""
    return _moment(value) if isinstance(value, str) and len(value) < 40 and value.endswith("Z") else None


def _rows(message: Mapping[str, Any], columns: list[str], rows: list[Any]) -> Iterator[Reading]:
    head = {key: value for key, value in message.items() if key not in ("columns", "rows")}
    for row in rows:
        if isinstance(row, list) and len(row) == len(columns):
            one = {**head, **dict(zip(columns, row, strict=True))}
            if (reading := _reading(one, one)) is not None:
                yield reading


def _reading(one: Mapping[str, Any], message: Mapping[str, Any]) -> Reading | None:
    seq, value, condensed = _count(one.get("seq")), one.get("value"), one.get("condensed", 0)
    time, unit, quality = moment(one.get("time")), one.get("unit"), one.get("quality")
    if not seq or not is_number(value) or time is None or _count(condensed or 0) is None:
        return None
    if not isinstance(unit, str) or not isinstance(quality, str):
        return None
    features: dict[str, float | None] = {}
    for key, number in one.items():
        if key in NO_FEATURE or len(features) == FEATURES or len(key) > LONGEST:
            continue
        if number is None or is_number(number):
            features[key] = number
    return Reading(
        board=_text(one["board"]), sensor=_text(one["sensor"]), run=_text(one["run"]), seq=seq,
        time=time, value=float(value), unit=_text(unit, 32),
        quality=_text(quality, 32), features=features, condensed=condensed or 0,
        replayed=one.get("replayed") is True, clock=_text(one.get("clock"), 32),
        alarm=one["alarm"] if one.get("alarm") in ("above", "below") else "", message=message,
    )  # fmt: skip


def _sensors(found: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str, float | None, str]]]:
    for count, (name, one) in enumerate(found.items()):
        if count == NAMED:
            return
        if isinstance(one, dict):
            state, unit = _text(one.get("state"), 32), _text(one.get("unit"), 32)
            yield level(name), (_text(name), state, moment(one.get("last")), unit)


def _named(message: Mapping[str, Any], key: str, wanted: str) -> bool:
    """Whether the message has the name for which the topic's level `wanted` stands; a lone surrogate became a ?."""
    name = message.get(key)
    return isinstance(name, str) and (_level(name) == wanted or "?" in name)


@lru_cache(20_000)
def _short_level(name: str) -> str:
    return level(name)


def _level(name: str) -> str:
    return _short_level(name) if len(name) <= TEXT else level(name)


def _run(message: Mapping[str, Any]) -> bool:
    run = message.get("run")
    return isinstance(run, str) and 0 < len(run) <= TEXT


def _text(value: object, most: int = TEXT) -> str:
    return (value if len(value) <= most else value[: most - 1] + "…") if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < LARGEST else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _counts(found: Mapping[str, Any]) -> dict[str, int]:
    """The counters of a document; as many as it may have."""
    counts = {key: value for key, value in found.items() if len(key) <= TEXT and _count(value) is not None}
    return dict(list(counts.items())[:COUNTERS]) if len(counts) > COUNTERS else counts


def _sum(counts: object) -> int:
    return sum(_count(value) or 0 for value in _object(counts).values())


def _faults(found: object) -> dict[str, str]:
    """Name -> sentence; a few."""
    some = list(_object(found).items())[:FAULTS]
    return {_text(name): _text(_object(one).get("text"), SENTENCE) for name, one in some}
