"""MQTT's packets as bytes: any cut gives the same, garbage raises nothing unexpected, sizes are right."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.packets import LONGEST, TOO_LONG, Ack, Incoming, ProtocolError, fits, publish, topic_part, variable
from tests.packets import Cursor, length, packet, parse_publish

EDGES = (0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152)

# (the packet, what it acknowledges or None)
pubacks = st.builds(
    lambda number, tail: (packet(4, 0, number.to_bytes(2, "big") + tail), Ack(number, tail[0] if tail else 0)),
    st.integers(0, 0xFFFF),
    st.binary(max_size=200),
)
others = st.builds(
    lambda first, body: (packet(first >> 4, first & 15, body), None),
    st.sampled_from([0x20, 0x30, 0x31, 0x32, 0x90, 0xB0, 0xD0, 0xE0]),
    st.one_of(st.binary(max_size=50), st.integers(120, 140).map(bytes), st.integers(16_380, 16_390).map(bytes)),
)


def run(pieces: list[bytes]) -> tuple[list[Ack], bytes]:
    """All acknowledgements and all other bytes that the pieces give."""
    incoming, acks, rest = Incoming(), [], b""
    for piece in pieces:
        got, other = incoming.feed(piece)
        acks += got
        rest += other
    return acks, rest


@given(st.lists(st.one_of(pubacks, others), max_size=8), st.lists(st.integers(0, 100_000), max_size=20))
def test_any_cut_gives_the_same(items, places):
    """However TCP cuts the stream, the acknowledgements and the other packets are the same, whole and in order."""
    data = b"".join(item for item, _ in items)
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    acks = [ack for _, ack in items if ack is not None]
    assert run(pieces) == (acks, b"".join(item for item, ack in items if ack is None))


@given(st.lists(pubacks, min_size=1, max_size=3))
def test_byte_by_byte(items):
    """A stream that comes a byte at a time is read as well."""
    data = b"".join(item for item, _ in items)
    assert run([bytes([byte]) for byte in data]) == ([ack for _, ack in items], b"")


@pytest.mark.parametrize("first", [0x00, 0x10, 0x21, 0x41, 0x50, 0x62, 0x80, 0xC0, 0xF0, 0xF3])
def test_what_nobody_asked_for_is_refused_at_once(first):
    """A packet of a kind, or with flags, that no broker may send us is not waited for, whatever its length promises."""
    with pytest.raises(ProtocolError, match=f"0x{first:02x}"):
        Incoming().feed(bytes([first, 0xFF, 0x7F]))


@given(st.lists(st.binary(max_size=400), max_size=40))
def test_garbage_is_refused_or_waits(pieces):
    """Random bytes raise ProtocolError or nothing, and no more is kept than the longest packet."""
    incoming = Incoming()
    try:
        for piece in pieces:
            incoming.feed(piece)
            assert len(incoming._rest) <= LONGEST + 400
    except ProtocolError:
        return


def test_an_endless_packet_is_refused_at_its_announcement():
    """A packet that would fill the memory is refused before its body has come."""
    incoming = Incoming()
    with pytest.raises(ProtocolError, match=f"{LONGEST + 1} bytes"):
        incoming.feed(b"\x90" + length(LONGEST + 1))
    assert run([packet(3, 0, bytes(LONGEST))])[1] == packet(3, 0, bytes(LONGEST))


@pytest.mark.parametrize("size", [LONGEST + 1, 1_000_000])
@pytest.mark.parametrize("piece", [1000, 65_536, 2_000_000])
def test_a_message_that_is_too_long_is_left_out(size, piece):
    """What a broker of 3.1.1 sends all the same is passed over, however it is cut; its neighbours count."""
    small, ack = packet(3, 0, b"\x00\x01t"), packet(4, 0, b"\x00\x05")
    data = small + packet(3, 1, bytes(size)) + ack + small + packet(3, 0, bytes(size)) + small
    incoming, acks, others = Incoming(), [], b""
    for at in range(0, len(data), piece):
        some, other = incoming.feed(data[at : at + piece])
        acks, others = acks + some, others + other
        assert len(incoming._rest) < 16
    assert (acks, others) == ([Ack(5, 0)], small * 3)


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=9), st.binary(max_size=300))), st.booleans(), st.integers(1, 400)
)
def test_messages_are_heard_whole(messages, v5, piece):
    """Who listens gets each message of QoS 0 as it was sent, however it is cut; acknowledgements between them count."""
    data = b"".join(
        publish(topic_part(topic), payload, None, v5=v5) + b"\x40\x02\x00\x07" for topic, payload in messages
    )
    incoming, acks = Incoming(v5), []
    for at in range(0, len(data), piece):
        some, others = incoming.feed(data[at : at + piece])
        assert others == b""
        acks += some
    assert incoming.messages == messages
    assert acks == [Ack(7, 0)] * len(messages)


@given(st.binary(max_size=30), st.booleans())
def test_a_message_is_heard_or_left_to_the_client(body, v5):
    """Whatever is in it: a topic that is none, properties longer than the packet; nothing is lost."""
    incoming = Incoming(v5)
    acks, others = incoming.feed(packet(3, 0, body))
    assert (acks, len(incoming.messages) + (others == packet(3, 0, body))) == ([], 1)


@pytest.mark.parametrize("size", [0, 1, 127])
def test_properties_are_passed_over(size):
    """The broker may add some to a message; more of them than it ever does are the client's."""
    incoming = Incoming(True)
    incoming.feed(packet(3, 0, b"\x00\x01t" + length(size) + bytes(size) + b"payload"))
    assert incoming.messages == [("t", b"payload")]
    assert incoming.feed(long := packet(3, 0, b"\x00\x01t" + length(300) + bytes(300))) == ([], long)


@pytest.mark.parametrize("size", EDGES)
def test_lengths(size):
    """A length has as few bytes as it may, also at the edges."""
    assert variable(size) == length(size)


@pytest.mark.parametrize("head", [b"\x40\x80\x80\x80\x80", b"\x30\xff\xff\xff\xff\x01"])
def test_a_length_of_five_bytes_is_no_mqtt(head):
    """A length that goes on after four bytes is refused."""
    with pytest.raises(ProtocolError, match="four bytes"):
        Incoming().feed(head)


@pytest.mark.parametrize("size", [0, 1])
def test_an_acknowledgement_needs_a_packet_id(size):
    """A PUBACK without room for its id is refused."""
    with pytest.raises(ProtocolError, match="packet id"):
        Incoming().feed(packet(4, 0, bytes(size)))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x12\x34", 0),
        (b"\x12\x34\x10", 0x10),
        (b"\x12\x34\x87\x00", 0x87),
        (b"\x12\x34\x97\x08\x1f\x00\x05quota", 0x97),
    ],
)
def test_reasons(body, reason):
    """A PUBACK tells its reason with and without properties; one without a reason is success."""
    assert run([packet(4, 0, body)]) == ([Ack(0x1234, reason)], b"")


@pytest.mark.parametrize("flags", [4, 5, 6, 12])
def test_qos_2_is_not_asked_for(flags):
    """A message of QoS 2 would have to be remembered; nobody asked for one, so it is refused."""
    with pytest.raises(ProtocolError, match="QoS 2"):
        Incoming().feed(packet(3, flags, b"\x00\x01a\x00\x01"))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.one_of(st.binary(max_size=100), st.sampled_from([110, 120, 125, 16_370, 16_380, 16_400]).map(bytes)),
    st.one_of(st.none(), st.integers(1, 0xFFFF)),
    st.booleans(),
    st.booleans(),
)
def test_publish(topic, payload, number, v5, retain):
    """A PUBLISH reads as it was meant, in 5 and 3.1.1."""
    data = publish(topic_part(topic), payload, number, v5=v5, retain=retain)
    head = len(data) - (len(data) - 2 if len(data) < 130 else len(data) - 3 if len(data) < 16_387 else len(data) - 4)
    got = parse_publish(data[0] & 15, data[head:], 5 if v5 else 4, 0)
    assert data[:head] == bytes([data[0]]) + length(len(data) - head)
    assert (got.topic, got.payload, got.packet_id) == (topic, payload, number)
    assert (got.qos, got.retain) == (0 if number is None else 1, retain)
    assert Cursor(data[head:]).string() == topic.encode()


@pytest.mark.parametrize("size", [100, 127, 128, 129, 130, 16_383, 16_387, 16_388])
@pytest.mark.parametrize("payload", range(3))
def test_fits(size, payload):
    """What is said to fit has at most that many bytes, and a byte more does not fit."""
    topic = topic_part("a/b/c")
    body = bytes(next(n for n in range(size) if len(publish(topic, bytes(n + 1), 1, v5=True)) > size) - 1 + payload)
    assert fits(topic, body, size) == (len(publish(topic, body, 1, v5=True)) <= size)
    assert fits(topic, body, None)


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize("cut", [1, 3, 7, 100_000, 1 << 20])
def test_of_a_message_that_is_too_long_the_topic_is_told(v5, cut):
    """However its bytes are cut; what follows is heard as ever, and nothing of it is held."""
    incoming = Incoming(v5)
    props = b"\x00" if v5 else b""
    head = packet(3, 0, b"\x00\x05a/b/c" + props + bytes(LONGEST))
    data = head + packet(3, 0, b"\x00\x01t" + props + b"next")
    edges = [*range(0, 40, cut), 40, *range(100_000, len(data), max(cut, 50_000))]
    for first, last in itertools.pairwise([*dict.fromkeys(sorted({0, *edges, len(data)}))]):
        assert incoming.feed(data[first:last]) == ([], b"")
        assert len(incoming._rest) < 60
    assert incoming.messages == [("a/b/c", TOO_LONG), ("t", b"next")]
