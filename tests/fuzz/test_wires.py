"""What a broker and a worker may send: read alike however it is cut, refused by one error, held within bounds."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compute.wire import HEADER, LARGEST, Inbox, Nonsense
from gateway.publish import packets
from gateway.publish.packets import Incoming, ProtocolError
from tests.packets import length, packet

from .hostile import corpus, cut, many

heads = st.sampled_from([0x00, 0x20, 0x30, 0x32, 0x34, 0x40, 0x41, 0x4F, 0x50, 0x90, 0xD0, 0xE0, 0xF0, 0xFF])
sizes = st.one_of(
    st.integers(0, 5).map(length), st.sampled_from([b"\x80", b"\xff" * 4, b"\x80\x80\x80\x80", b"\x80\x00"])
)
broker_bytes = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.builds(lambda head, size, body: bytes([head]) + size + body, heads, sizes, st.binary(max_size=6)),
        st.builds(packet, st.integers(0, 15), st.integers(0, 15), st.binary(max_size=200)),
    ),
    max_size=12,
).map(b"".join)


def heard(pieces: list[bytes]) -> tuple[list[packets.Ack], bytes, str]:
    """What `pieces` come to: acknowledgements, other packets, and the error that ended it ("" for none)."""
    incoming, acks, others = Incoming(), [], b""
    for piece in pieces:
        try:
            got, rest = incoming.feed(piece)
        except ProtocolError as error:
            return acks, others, str(error)
        acks += got
        others += rest
        assert len(incoming._rest) <= packets.LONGEST + 5
    return acks, others, ""


@many(200, 4000)
@given(broker_bytes, st.lists(st.integers(0, 3000), max_size=8))
def test_a_broker_says_anything(data, places):
    """The same error, or none, however it is cut; what came whole before the error is taken in when it comes first."""
    acks, others, error = heard([data])
    in_pieces = heard([data[at : at + 1] for at in range(len(data))])
    for pieces in (cut(data, places), [data[at : at + 1] for at in range(len(data))]):
        found = heard(pieces)
        assert found[2] == error
        if not error:
            assert found == (acks, others, "")
        assert found[0] == in_pieces[0][: len(found[0])]
        assert all(0 <= ack.packet_id <= 0xFFFF and 0 <= ack.reason <= 0xFF for ack in found[0])


@pytest.mark.parametrize("find", corpus("broker"), ids=lambda path: path.name)
def test_what_a_broker_said(find):
    """What once went wrong is refused, or read, whole and byte by byte."""
    data = find.read_bytes()
    assert heard([data])[2] == heard([data[at : at + 1] for at in range(len(data))])[2]


def test_a_broker_that_dribbles():
    """The longest packet in small pieces, as a slow network brings it, is not copied at each of them."""
    data = packet(3, 0, bytes(packets.LONGEST))
    began = time.thread_time()
    assert heard([data[at : at + 64] for at in range(0, len(data), 64)])[1] == data
    assert time.thread_time() - began < 1.0


worker_bytes = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.builds(
            lambda number, size, body: HEADER.pack(number, size) + body,
            st.integers(0, 2**64 - 1),
            st.one_of(st.integers(0, 20), st.sampled_from([LARGEST, LARGEST + 1, 2**32 - 1])),
            st.binary(max_size=20),
        ),
    ),
    max_size=8,
).map(b"".join)


@many(200, 4000)
@given(worker_bytes, st.lists(st.integers(0, 500), max_size=8))
def test_a_worker_says_anything(data, places):
    """Whole or cut: the same messages, and Nonsense at the same place; nothing else is raised."""

    def said(pieces: list[bytes]) -> tuple[list[tuple[int, bytes]], bool]:
        inbox, out = Inbox(), []
        for piece in pieces:
            try:
                out += inbox.feed(piece)
            except Nonsense:
                return out, True
        return out, False

    whole, byte_by_byte = said([data]), said([data[at : at + 1] for at in range(len(data))])
    for found in (whole, said(cut(data, places))):
        assert found[1] == byte_by_byte[1]
        assert found[0] == byte_by_byte[0][: len(found[0])]
        assert found[1] or found == byte_by_byte
