"""The socket under the client: what comes over TLS, record by record."""

import socket

from gateway.publish import wire
from gateway.publish.packets import Ack
from gateway.publish.wire import Ears, Wire


class Records:
    """A socket that speaks TLS, as far as a wire reads it: what each record has."""

    family = socket.AF_INET

    def __init__(self, *records):
        self.records = list(records)

    def recv(self, size):
        """The next record; the end is b""."""
        return self.records.pop(0)

    def setsockopt(self, *option):
        """As a socket has it."""

    def close(self):
        """As a socket has it."""


def test_an_end_right_behind_an_answer_is_an_end(monkeypatch):
    """What came before it counts, and nobody waits for another word of it."""
    monkeypatch.setattr(wire.ssl, "SSLSocket", Records)
    acked, lost = [], []
    one = Wire(Records(b"\x40\x02\x00\x01", b"\x40\x02\x00\x02", b""), Ears(acked.extend, print, print, lost.append))
    one._readable()
    assert acked == [Ack(1, 0), Ack(2, 0)]
    assert lost == ["the broker closed the connection"]
