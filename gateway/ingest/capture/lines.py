"""The lines of a capture: JSON, one a line, told apart by their keys. Pure: no file, no clock. See docs/captures.md.

    {"capture": 1, "board": "bench", "port": "/dev/ttyUSB0", "baud": 9600, "serial": "8N1",
     "started": "2026-11-24T05:48:46.123456Z", "whole": false, "asked": true,
     "version": "0.1.0"}                                  the first, on one line
    {"at": 0.003, "event": "opened"}
    {"at": 0.255, "sent": "R\\r"}                          what the board was asked: the same, as text
    {"at": 0.311, "text": "21.50 22.06\\r\\n"}              bytes that came, as UTF-8 where all of them print
    {"at": 1.255, "sent_hex": "02b4ff"}                   or as two digits each
    {"at": 1.751, "hex": "02b4ff"}
    {"at": 9.215, "event": "lost", "why": "…"}

`at` is s since `started` by the monotonic clock, to the nanosecond in which that counts.
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from ...shown import shown
from .plain import TEXT, is_utf8, unescaped

VERSION = 1
LONGEST = 1_000_000  # bytes of a line; one read of a port gives at most 256 KiB, which two digits a byte double
MOST_SECONDS = 1e9  # 31 years
LONGEST_NAME = 1000  # characters, as in the configuration
YEARS = range(1970, 2200)
CAME, SENT = ("text", "hex"), ("sent", "sent_hex")  # the keys of bytes, as text and in digits

_PLAIN = re.compile(rb'\{"at": ((?:0|[1-9]\d{0,8})(?:\.\d+)?), "text": "(' + TEXT + rb')"\}\n?')
"""A line of bytes as `written` has nearly all of them, which needs no JSON to be read."""


class Mark(StrEnum):
    """What happened to the port."""

    OPENED = "opened"
    RENEWED = "renewed"  # opened anew in a silence, right after it was closed for that
    LOST = "lost"
    OVERRUN = "overrun"  # the kernel or the adapter has lost bytes
    SHARED = "shared"  # another program has the port open as well
    ALONE = "alone"  # and not any more


class Heard(NamedTuple):
    """Some bytes that came, or were sent, or what happened to the port. at: s since the start."""

    at: float
    data: bytes = b""
    mark: Mark | None = None
    why: str = ""
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """What the first line says."""

    board: str
    started: float  # s since 1970
    whole: bool = False  # the first byte begins a frame
    port: str = ""
    baud: int = 0  # 0: not known
    serial: str = ""
    version: str = ""  # of the gateway
    asked: bool = False  # what was sent is in it


class Unreadable(ValueError):
    """A line that is none of a capture: a clause that says why."""


def headline(header: Header) -> str:
    """The first line, without its end."""
    return _text({
        "capture": VERSION, "board": header.board, "port": shown(header.port, 500), "baud": header.baud,
        "serial": header.serial, "started": _instant(header.started), "whole": header.whole, "asked": header.asked,
        "version": header.version,
    })  # fmt: skip


def written(heard: Heard) -> str:
    """Its line, without its end."""
    at = round(heard.at, 9)
    if heard.mark is not None:
        return _text({"at": at, "event": heard.mark, **({"why": shown(heard.why, 500)} if heard.why else {})})
    text = printed(heard.data)
    as_text, as_hex = SENT if heard.sent else CAME
    return _text({"at": at, as_hex: heard.data.hex()} if text is None else {"at": at, as_text: text})


def printed(data: bytes) -> str | None:
    """`data` as text, where it is UTF-8 with nothing but what prints, tabs and ends of line; else None."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if text.translate({9: 32, 10: 32, 13: 32}).isprintable() else None


def read_header(line: bytes) -> Header:
    """The first line. Raises Unreadable."""
    found = _object(line)
    version = _field(found, "capture", int, 0)
    if version > VERSION:
        raise Unreadable(f"is of version {shown(str(version), 20)} of captures, which a newer gateway reads")
    if version != VERSION:
        raise Unreadable(f'is not the first of a capture, which has "capture": {VERSION}')
    board = _field(found, "board", str)
    if not board.isprintable() or len(board) > LONGEST_NAME:
        raise Unreadable(f'needs "board", a name of at most {LONGEST_NAME} characters that print')
    return Header(
        board=board,
        started=_seconds(_field(found, "started", str)),
        whole=_field(found, "whole", bool),
        port=_field(found, "port", str, ""),
        baud=_field(found, "baud", int, 0),
        serial=_field(found, "serial", str, ""),
        version=_field(found, "version", str, ""),
        asked=_field(found, "asked", bool, False),
    )


def read(line: bytes, since: float = 0.0, *, asked: bool = False) -> Heard:
    """A line behind the first. since: what the line before has as `at`; asked: as the first says. Raises Unreadable."""
    plain = _PLAIN.fullmatch(line)
    if plain and len(line) <= LONGEST and since <= (when := float(plain[1])) and is_utf8(line):
        return Heard(when, unescaped(plain[2]))
    found = _object(line)
    at = found.get("at")
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at <= MOST_SECONDS:
        raise Unreadable(f'has no time: "at" is seconds since the start, from 0 to {MOST_SECONDS:.0f}')
    if at < since:
        raise Unreadable(f"goes back in time, to {at:.9g} s after {since:.9g} s")
    kind = _kind(found, asked)
    value: str = _field(found, kind, str)
    if kind == "event":
        if value not in set(Mark):
            raise Unreadable(f'has the event "{shown(value, 40)}"; there are {", ".join(Mark)}')
        return Heard(float(at), mark=Mark(value), why=_field(found, "why", str, ""))
    return Heard(float(at), _bytes(kind, value), sent=kind in SENT)


def _kind(found: dict[str, Any], asked: bool) -> str:
    """The one key of a line that says what it is."""
    known: tuple[str, ...] = (*CAME, *(SENT if asked else ()), "event")
    kinds = [key for key in known if key in found]
    if len(kinds) == 1:
        return kinds[0]
    if not kinds and (sent := [key for key in SENT if key in found]):
        raise Unreadable(f'has "{sent[0]}", and the first line does not say "asked": true')
    *others, last = (f'"{key}"' for key in known)
    raise Unreadable(f"has to have one of {', '.join(others)} and {last}")


def _bytes(kind: str, value: str) -> bytes:
    as_hex = (SENT if kind in SENT else CAME)[1]
    if kind == as_hex:
        try:
            return bytes.fromhex(value)
        except ValueError:
            raise Unreadable(f'has a "{kind}" that is not two digits a byte') from None
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise Unreadable(f'has a "{kind}" with half a character, which no bytes are: write it as "{as_hex}"') from None


def _object(line: bytes) -> dict[str, Any]:
    """What JSON makes of a line: an object with finite numbers."""
    if len(line) > LONGEST:
        raise Unreadable(f"is longer than {LONGEST} bytes")
    try:
        found = json.loads(line.decode(), parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError:
        raise Unreadable("is not UTF-8") from None
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("is no JSON object")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _field(found: dict[str, Any], key: str, kind: type, otherwise: Any = None) -> Any:
    value = found.get(key, otherwise)
    if type(value) is not kind:  # a bool is an int to isinstance
        name = {str: "a text", int: "a whole number", bool: "true or false"}[kind]
        raise Unreadable(f'needs "{key}", {name}')
    return value


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def _instant(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _seconds(text: str) -> float:
    """S since 1970 of a time in UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None or when.year not in YEARS:
        raise Unreadable('needs "started", a time such as "2026-11-24T05:48:46.123456Z"')
    return max(0.0, when.timestamp())
