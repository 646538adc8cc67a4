"""What may be asked on the control socket, and how it is written. Pure: bytes in, requests out; no socket, no clock.

    {"do": "release", "board": "bench", "seconds": 300}     ->  {"ok": true, …}
    {"do": "take_back", "board": "bench"}                   ->  {"ok": false, "error": "one sentence"}
    {"do": "hold"}  the spool's files stay as they are for a while, to be copied;  {"do": "let_go"}  that is over

Whoever connects is believed to be hostile: a line has a greatest length, and nothing but what stands in ASKS is a
request. `config` may stand in each: the path, without links, of the file that the gateway shall be running with.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..shown import shown

LONGEST = 4096  # bytes of a request, with its line end
ANSWER = 262_144  # bytes of an answer
NAME = 1000  # characters of a name or a path
DAY = 86_400.0  # s


class NotAsked(Exception):
    """A line that is no request: one sentence."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, with what belongs to it, checked. config: "" where the caller does not mind."""

    do: str
    given: Mapping[str, Any]
    config: str = ""


def name(value: object) -> str:
    """A name or a path."""
    if not isinstance(value, str) or not 0 < len(value) <= NAME:
        raise NotAsked(f"a name of at most {NAME} characters was expected")
    return value


def seconds(value: object) -> float:
    """From 1 s to a day."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= DAY:
        raise NotAsked("from 1 s to 24 h was expected")
    return float(value)


ASKS: dict[str, dict[str, Callable[[object], Any]]] = {
    "release": {"board": name, "seconds": seconds},
    "take_back": {"board": name},
    "hold": {},
    "let_go": {},
}
"""The requests, and what each needs."""


class Hearing:
    """The bytes of one caller, who may ask once."""

    def __init__(self) -> None:
        self._heard = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """The line, once it is whole. Raises NotAsked when it is too long."""
        self._heard += data
        line, end, _ = self._heard.partition(b"\n")
        if len(line) + len(end) > LONGEST or (not end and len(self._heard) >= LONGEST):
            raise NotAsked(f"a request has at most {LONGEST} bytes")
        return bytes(line) if end else None


def asked(line: bytes) -> Request:
    """The request in a line. Raises NotAsked."""
    try:
        said = json.loads(line.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise NotAsked("a line with one JSON object was expected") from None
    if not isinstance(said, dict):
        raise NotAsked("a JSON object was expected")
    do = said.pop("do", None)
    if not isinstance(do, str) or do not in ASKS:
        raise NotAsked(f"this gateway knows no such request; it knows {', '.join(ASKS)}")
    config = name(said.pop("config")) if "config" in said else ""
    needed = ASKS[do]
    if missing := needed.keys() - said.keys():
        raise NotAsked(f"{do}: {', '.join(sorted(missing))} is missing")
    if strange := said.keys() - needed.keys():
        raise NotAsked(f"{do}: no such key: {shown(min(strange), 40)}")
    try:
        return Request(do, {key: check(said[key]) for key, check in needed.items()}, config)
    except NotAsked as error:
        raise NotAsked(f"{do}: {error}") from None


def _no_number(text: str) -> float:
    raise ValueError(text)


def written(document: Mapping[str, Any]) -> bytes:
    """A line with one JSON object: ASCII, so that no name can break it."""
    line = json.dumps(document, allow_nan=False).encode() + b"\n"
    return line if len(line) <= ANSWER else written(refused("the answer would be too long"))


def refused(sentence: str) -> dict[str, Any]:
    """The answer that it cannot be."""
    return {"ok": False, "error": sentence}


def answered(line: bytes) -> dict[str, Any]:
    """What a gateway has answered. Raises NotAsked for what is no answer."""
    try:
        said = json.loads(line.decode())
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
        raise NotAsked("what it answers is none of this program's: is it another version?")
    return said
