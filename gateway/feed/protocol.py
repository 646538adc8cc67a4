"""Messages between the gateway and its web process: a head (JSON) and a body (bytes each). Pure: no socket.

    | bytes of head: u32 | bytes of body: u32 | head | body |      big-endian

From the web process:  {"look": true | false}                          somebody looks; nobody does any more
                       {"ask": 7, "what": "snapshot" | "history" | "capture" | "health", "id": 12, "board": "bench"}
                       {"ready": [host, port]}, {"failed": "a sentence"}    after the start
From the gateway:      {"settings": {…}}                               the first
                       {"event": "documents" | "sensors" | "gone" | "values" | "lines"}, its data in the body
                       {"answer": 7, …}, with the answer in the body; {"answer": 7, "none": true} where there is none;
                       {"ping": true}, to which {"pong": true} is said
"""

import json
import struct
from typing import Any, NamedTuple

MOST_HEAD, MOST_BODY = 100_000, 64_000_000  # bytes
_SIZES = struct.Struct("!II")


class Message(NamedTuple):
    """head: values of JSON; body: bytes, mostly JSON as well, which whoever only hands them on does not read."""

    head: dict[str, Any]
    body: bytes = b""


class Garbled(ValueError):
    """What came is no message: the other side is not ours, or broken."""


def written(head: dict[str, Any], body: bytes = b"") -> bytes:
    """A message as bytes."""
    text = json.dumps(head, separators=(",", ":")).encode()
    return _SIZES.pack(len(text), len(body)) + text + body


def encoded(value: Any) -> bytes:
    """A value as JSON. What boards call their sensors may hold half a character, which no UTF-8 has."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


class Stream:
    """Bytes, cut anywhere -> messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now. Raises Garbled."""
        rest, out, at = self._rest, [], 0
        rest += data
        while len(rest) - at >= _SIZES.size:
            head, body = _SIZES.unpack_from(rest, at)
            if head > MOST_HEAD or body > MOST_BODY:
                raise Garbled(f"a message of {head} and {body} bytes")
            begin = at + _SIZES.size
            if len(rest) - begin < head + body:
                break
            out.append(
                Message(_head(bytes(rest[begin : begin + head])), bytes(rest[begin + head : begin + head + body]))
            )
            at = begin + head + body
        del rest[:at]
        return out


def _head(text: bytes) -> dict[str, Any]:
    try:
        head = json.loads(text)
    except ValueError:
        raise Garbled("a head that is not JSON") from None
    if not isinstance(head, dict):
        raise Garbled("a head that is no object")
    return head
