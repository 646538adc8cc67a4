"""The newest bytes of a port: what came and what was sent, bounded, and only where somebody wants them."""

from gateway.ingest.tail import MOST_BYTES, MOST_PIECES, Piece, Tail


def test_nothing_is_kept_unless_it_is_wanted():
    """A gateway without a page keeps no bytes; one whose page was taken away gives them back."""
    tail = Tail()
    tail.take(b"21.5\r\n", 1.0)
    assert not tail.pieces
    tail.keep(kept=True)
    tail.take(b"21.5\r\n", 2.0)
    tail.take(b"R\r", 3.0, sent=True)
    assert list(tail.pieces) == [Piece(2.0, b"21.5\r\n", False), Piece(3.0, b"R\r", True)]
    tail.keep(kept=False)
    assert not tail.pieces


def test_the_newest_bytes_are_kept_and_no_more():
    """Beyond the bounds the oldest go; of one huge piece its end stays."""
    tail = Tail()
    tail.keep(kept=True)
    for n in range(100):
        tail.take(bytes([n]) * 1000, float(n))
    assert sum(len(piece.data) for piece in tail.pieces) <= MOST_BYTES
    assert tail.pieces[-1].data == bytes([99]) * 1000
    tail.take(b"a" * MOST_BYTES + b"b", 100.0)
    assert [len(piece.data) for piece in tail.pieces] == [MOST_BYTES]
    assert tail.pieces[0].data.endswith(b"b")


def test_many_small_pieces_are_bounded_too():
    """A board that sends byte by byte fills no memory with times."""
    tail = Tail()
    tail.keep(kept=True)
    for n in range(3 * MOST_PIECES):
        tail.take(b"x", float(n))
    assert len(tail.pieces) == MOST_PIECES
