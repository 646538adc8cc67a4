"""The wire: bytes out whole and in order, acknowledgements and packets in, whatever the other end does."""

import asyncio
import contextlib
import socket

import pytest

from gateway.publish.packets import Ack
from gateway.publish.wire import HIGH, PIECE, QUICK, Ears, Wire
from tests.packets import packet, puback
from tests.waiting import until

SUBACK = packet(9, 0, b"\x00\x01\x01")


class Heard:
    """What a wire has told."""

    def __init__(self):
        self.acks, self.packets, self.drained, self.lost = [], [], 0, []
        self.wire = None

    def ears(self):
        """For the wire."""
        return Ears(self.acks.extend, self._packets, self._drained, self.lost.append)

    def _packets(self):
        while self.wire.waiting:
            self.packets.append(self.wire.recv(3))

    def _drained(self):
        self.drained += 1


@pytest.fixture
async def ends():
    """(what was told, the wire, the socket of the other end)."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    heard = Heard()
    heard.wire = Wire(ours, heard.ears())
    heard.wire.attach(asyncio.get_running_loop())
    yield heard, heard.wire, theirs
    heard.wire.abort()
    theirs.close()


@pytest.fixture
async def heard_over_tcp():
    """The same over TCP; the other end has Nagle's algorithm on, as sockets have."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    theirs.setblocking(False)
    heard = Heard()
    heard.wire = Wire(ours, heard.ears())
    heard.wire.attach(asyncio.get_running_loop())
    yield heard, heard.wire, theirs
    heard.wire.abort()
    theirs.close()


async def test_acks_and_packets_part(ends):
    """Acknowledgements go to the data path, all else to the library, and a packet that is cut waits for its rest."""
    heard, _, theirs = ends
    theirs.send(puback(700) + SUBACK + puback(701, 0x97)[:3])
    await until(lambda: heard.packets)
    assert (heard.acks, b"".join(heard.packets)) == ([Ack(700, 0)], SUBACK)
    theirs.send(puback(701, 0x97)[3:])
    await until(lambda: len(heard.acks) == 2)
    assert heard.acks[1] == Ack(701, 0x97)


async def test_partial_writes(ends):
    """More than the other end takes leaves bit by bit, whole and in order, and it is told when all has left."""
    heard, wire, theirs = ends
    sent = b"".join(b"%07d," % number for number in range(300_000))
    for at in range(0, len(sent), 100_000):
        assert wire.send(sent[at : at + 100_000]) == len(sent[at : at + 100_000])
    assert not wire.empty
    assert wire.room < 0
    got = bytearray()
    while len(got) < len(sent):
        with contextlib.suppress(BlockingIOError):
            got += theirs.recv(1 << 20)
        await asyncio.sleep(0)
    await until(lambda: heard.drained)
    assert got == sent
    assert heard.drained == 1
    assert (wire.empty, wire.room) == (True, HIGH)


async def test_a_broker_that_talks_without_end_does_not_keep_the_loop(ends):
    """Between two pieces the loop does other things."""
    heard, _, theirs = ends
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    flood, sent, turns = puback(700) * (4 * PIECE // 4), 0, 0
    while sent < len(flood) or len(heard.acks) < len(flood) // 4:
        with contextlib.suppress(BlockingIOError):
            sent += theirs.send(flood[sent:])
        before = len(heard.acks)
        await asyncio.sleep(0)
        turns += 1
        assert (len(heard.acks) - before) * 4 <= PIECE + 4
    assert turns >= 4


@pytest.mark.parametrize(
    ("last", "why"),
    [(b"", "closed the connection"), (b"\x40\x00", "packet id"), (b"\x30\xff\xff\xff\xff", "four bytes")],
)
async def test_the_end_is_told_once(ends, last, why):
    """A close and garbage end the wire, which says why, once, after what was good before it."""
    heard, wire, theirs = ends
    theirs.send(puback(700))
    await until(lambda: heard.acks)
    if last:
        theirs.send(last)
    else:
        theirs.close()
    await until(lambda: heard.lost)
    wire.write(b"nobody hears this")
    assert len(heard.lost) == 1
    assert why in heard.lost[0]


async def test_last_words_are_read_although_nothing_can_be_written():
    """A broker that says why and closes is heard, also when our next write is what notices the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    listener.close()
    heard = Heard()
    heard.wire = wire = Wire(ours, heard.ears())
    wire.attach(asyncio.get_running_loop())
    goodbye = packet(14, 0, b"\x8e\x00")
    theirs.send(goodbye)
    theirs.close()
    with pytest.raises(OSError):
        for _ in range(1000):
            ours.send(b"x")
    wire.write(b"y")
    await until(lambda: heard.lost)
    assert b"".join(heard.packets) == goodbye


async def test_the_library_leaves_in_peace(ends):
    """When the library closes after its goodbye, what was written before still leaves; the broker has the last word."""
    heard, wire, theirs = ends
    wire.send(bytes(3_000_000))
    wire.send(b"goodbye")
    wire.close()
    assert not heard.lost
    got = bytearray()
    while not got.endswith(b"goodbye"):
        with contextlib.suppress(BlockingIOError):
            got += theirs.recv(1 << 20)
        await asyncio.sleep(0)
    theirs.send(puback(700) + SUBACK)
    theirs.close()
    await until(lambda: heard.lost)
    assert heard.acks == [Ack(700, 0)]
    assert heard.packets == []
    assert len(got) == 3_000_007


async def test_aborted(ends):
    """After an abort nobody is told anything, and all calls are quiet."""
    heard, wire, theirs = ends
    wire.abort()
    wire.abort()
    wire.write(b"x")
    wire.close()
    assert wire.recv(1) == b""
    assert theirs.recv(1) == b""
    assert heard.lost == []


@pytest.mark.skipif(QUICK is None, reason="the kernel has no TCP_QUICKACK")
async def test_a_broker_that_waits_for_tcp(heard_over_tcp):
    """A broker with Nagle's algorithm on keeps an acknowledgement back until TCP confirms the last: at once."""
    heard, wire, theirs = heard_over_tcp
    loop, took = asyncio.get_running_loop(), []
    for number in range(30):
        wire.write(b"a reading")  # who answers is taken for one that will do so again, and so waits
        assert await loop.sock_recv(theirs, 100)
        since = loop.time()
        for _ in range(2):
            await loop.sock_sendall(theirs, puback(700))
        await until(lambda due=2 * number + 2: len(heard.acks) == due)
        took.append(loop.time() - since)
    assert sorted(took)[15] < 0.02, "the kernel's own delay is 40 ms"


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
    monkeypatch.setattr("gateway.publish.wire.ssl.SSLSocket", Records)
    acked, lost = [], []
    one = Wire(Records(b"\x40\x02\x00\x01", b"\x40\x02\x00\x02", b""), Ears(acked.extend, print, print, lost.append))
    one._readable()
    assert acked == [Ack(1, 0), Ack(2, 0)]
    assert lost == ["the broker closed the connection"]
