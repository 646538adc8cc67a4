"""The MQTT packets that come by the thousand, as bytes: PUBLISH out, PUBACK in, PUBLISH of QoS 0 in for who listens.

All others are the client's.

Source: MQTT 5.0 (OASIS), 3.3 and 3.4; 3.1.1 differs in the property length that it does not have.
"""

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

PUBLISH, PUBACK = 0x30, 0x40
QOS1, RETAIN = 0x02, 0x01
QOS2 = 0x04
FIRST = {(qos, retain): bytes([PUBLISH | QOS1 * qos | retain]) for qos in (False, True) for retain in (False, True)}
"""First bytes of a PUBLISH, by (of QoS 1, retained)."""
SUCCESS = 0x00
ASKED_FOR = frozenset((0x20, PUBACK, 0x90, 0xB0, 0xD0, 0xE0))
"""First bytes of what a broker may say to us: CONNACK, PUBACK, SUBACK, UNSUBACK, PINGRESP, DISCONNECT; and PUBLISH."""
LONGEST = 1 << 18  # bytes; no broker has to tell us more than that at once
TOO_LONG = b"\x00"  # what stands for the payload of a message that is longer: that it was there is all that is taken


PLAIN = Struct("!2xH")  # a PUBACK without a reason, which is a success
_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a message


class Ack(NamedTuple):
    """An acknowledgement: of which packet, and how it went (always SUCCESS in 3.1.1)."""

    packet_id: int
    reason: int


class ProtocolError(Exception):
    """The broker sent what MQTT does not know."""


def topic_part(topic: str) -> bytes:
    """A topic as a PUBLISH carries it: two bytes of length, then UTF-8."""
    raw = topic.encode()
    return len(raw).to_bytes(2, "big") + raw


def publish(topic: bytes, payload: bytes, packet_id: int | None, *, v5: bool, retain: bool = False) -> bytes:
    """One PUBLISH. topic: from `topic_part`; packet_id: 1…65535 for QoS 1, None for QoS 0."""
    tail = b"\x00" if v5 else b""  # no properties
    number = b"" if packet_id is None else packet_id.to_bytes(2, "big")
    first = FIRST[packet_id is not None, retain]
    return b"".join(
        (first, variable(len(topic) + len(number) + len(tail) + len(payload)), topic, number, tail, payload)
    )


def fits(topic: bytes, payload: bytes, most: int | None) -> bool:
    """Whether a PUBLISH of it has at most `most` bytes; None: no limit."""
    return most is None or overhead(topic, len(payload)) + len(payload) <= most


def overhead(topic: bytes, size: int) -> int:
    """Bytes of a PUBLISH beside its payload of so many, at most. topic: from `topic_part`."""
    rest = len(topic) + 2 + 1
    return 1 + len(variable(rest + size)) + rest


@lru_cache(4096)
def variable(size: int) -> bytes:
    """A length in 1 to 4 bytes of 7 bits, the lowest first."""
    out = bytearray()
    while size > 0x7F:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out)


class Incoming:
    """Bytes from the broker, cut anywhere -> acknowledgements, and whole packets of other kinds, as they came.

    v5: messages of QoS 0 are taken here, into `messages` as (topic, payload), by this version; None: they are others.

    A message that is longer than LONGEST is left out, but for its topic where they are taken here; no more of it is
    held than what came in one piece.
    """

    def __init__(self, v5: bool | None = None) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._v5 = v5
        self._rest = b""
        self._left_out = 0  # bytes still to come of a message that is too long

    def feed(self, data: bytes) -> tuple[list[Ack], bytes]:
        """What `data` completes. Raises ProtocolError for a packet that cannot be, or that nobody asked for."""
        if self._left_out:
            gone = min(self._left_out, len(data))
            self._left_out -= gone
            data = data[gone:]
        data = self._rest + data
        if not len(data) % 4 and data[::4] == b"\x40" * (len(data) // 4) and data[1::4] == b"\x02" * (len(data) // 4):
            self._rest = b""  # acknowledgements that say no more than that: nearly always all there is
            return [_new(Ack, (number, SUCCESS)) for (number,) in PLAIN.iter_unpack(data)], b""
        acks: list[Ack] = []
        others: list[bytes] = []
        at, end = 0, len(data)
        while end - at >= 2:
            if data[at] not in ASKED_FOR and data[at] & 0xF0 != PUBLISH:  # at once: its length may promise much more
                raise ProtocolError(
                    f"the broker sent what nobody asked for, a packet that begins with 0x{data[at]:02x}"
                )
            size, body = data[at + 1], at + 2
            if size > 0x7F:
                found = _long_size(data, at + 1)
                if found is None:
                    break
                size, body = found
            if size > LONGEST and data[at] & 0xF0 == PUBLISH:
                if self._v5 is not None and data[at] & 0xF6 == PUBLISH:
                    if end - body < 2 or end - body < (named := 2 + int.from_bytes(data[body : body + 2], "big")):
                        break  # whose it is comes first
                    if (
                        told := _message(data[body : body + named] + b"\x00" * self._v5 + TOO_LONG, self._v5)
                    ) is not None:
                        self.messages.append(told)
                self._left_out = max(0, body + size - end)
                at = min(end, body + size)
                continue
            if size > LONGEST:
                raise ProtocolError(f"the broker announced a packet of {size} bytes")
            if body + size > end:
                break
            if data[at] == PUBACK:
                if size < 2:
                    raise ProtocolError("the broker sent an acknowledgement without a packet id")
                acks.append(Ack(data[body] << 8 | data[body + 1], data[body + 2] if size > 2 else SUCCESS))
            elif data[at] & 0xF0 == PUBLISH and data[at] & QOS2:
                raise ProtocolError("the broker sent a message of QoS 2, for which nobody asked")
            elif self._v5 is not None and data[at] & 0xF6 == PUBLISH:
                message = _message(data[body : body + size], self._v5)
                if message is None:
                    others.append(data[at : body + size])
                else:
                    self.messages.append(message)
            else:
                others.append(data[at : body + size])
            at = body + size
        self._rest = data[at:]
        return acks, b"".join(others)


def _message(body: bytes, v5: bool) -> tuple[str, bytes] | None:
    """Topic and payload of a PUBLISH of QoS 0; None: it is none, or has long properties, and is for the library."""
    end = 2 + int.from_bytes(body[:2], "big")
    start = end
    if v5:
        if len(body) <= end or body[end] > 0x7F:
            return None
        start += 1 + body[end]
    try:
        topic = body[2:end].decode()
    except UnicodeDecodeError:
        return None
    return (topic, body[start:]) if topic and start <= len(body) else None


def _long_size(data: bytes, at: int) -> tuple[int, int] | None:
    """A length of more than one byte: (length, where the body begins), or None while bytes are missing."""
    size = 0
    for i, byte in enumerate(data[at : at + 4]):
        size |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            return size, at + i + 1
    if len(data) - at >= 4:
        raise ProtocolError("the broker sent a length of more than four bytes")
    return None
