"""Whose turn it is: live readings always first; what comes back from the disk at its pace, in half of the window."""

from gateway.publish.lane import Piece
from gateway.publish.spool.nouns import Block
from gateway.publish.turns import Turns
from gateway.publish.window import Flight, Window
from tests.blocks_made import source
from tests.made import features


def turns(*, rows=False, most=1000):
    """Turns, and what they shed."""
    shed = []
    return Turns(most, lambda board, readings: shed.append(readings), rows=rows), shed


def back(number, rows, first=1):
    """A block that comes back."""
    made = features(range(first, first + rows))
    return Piece(made, 0, rows, block=Block(number, ("bench", "S1"), rows, source("bench", "S1"), rows))


def live(first, rows):
    """Readings that come in."""
    return Piece(features(range(first, first + rows)), 0, rows)


def test_live_readings_go_first():
    made, _ = turns()
    made.replay.put(back(1, 50))
    made.put(live(1, 3), now=0.0)
    first = made.next(Window(20), 500, now=10.0)
    assert (first.block, len(first)) == (None, 3)
    assert made.next(Window(20), 500, now=10.0).block is not None


def test_a_flooding_board_takes_no_whole_window():
    """However much the others have waiting, all boards' turns fit in one window; a board alone may have all of it."""
    made, _ = turns(most=100_000)
    window = Window(20)
    made.put(live(1, 5000), now=0.0)
    assert len(made.next(window, 500, now=1.0)) == 20
    for board in ("a", "b", "c"):
        made.put(Piece(features(range(1, 1001), board=board), 0, 1000), now=2.0)
    sent = [made.next(window, 500, now=3.0) for _ in range(4)]
    assert {piece.features.board for piece in sent} == {"bench", "a", "b", "c"}
    assert [len(piece) for piece in sent] == [5, 5, 5, 5]
    many = Window(2)
    assert len(made.next(many, 500, now=3.0)) == 1


def test_the_disk_fills_half_of_the_window_at_most():
    for rows in (False, True):
        made, _ = turns(rows=rows)
        for number in range(1, 40):
            made.replay.put(back(number, 5, first=number * 5))
        window, now = Window(20), 100.0
        while (piece := made.next(window, 1, now)) is not None:
            for at in range(len(piece)):
                window.add(
                    Flight(Piece(piece.features, piece.first + at, piece.first + at + 1, block=piece.block), "t")
                )
            now += 1.0
        assert len(window.flights) == 10
        made.put(live(1, 1), now)
        assert made.next(window, 1, now).block is None


def test_a_window_of_one_is_enough():
    made, _ = turns()
    made.replay.put(back(1, 2))
    assert len(made.next(Window(1), 500, 10.0)) == 1


def test_what_comes_back_keeps_to_the_pace():
    made, _ = turns()
    for number in range(1, 200):
        made.replay.put(back(number, 50, first=number * 50))
    sent, now = 0, 1000.0
    made.next(Window(100), 500, now)
    for _ in range(1000):
        now += 0.001
        while (piece := made.next(Window(100), 500, now)) is not None:
            sent += len(piece)
    assert 0.8 * made.pace.rate <= sent <= 1.2 * made.pace.rate


def test_only_live_readings_are_shed():
    made, shed = turns(most=100)
    for number in range(1, 10):
        made.replay.put(back(number, 50, first=number * 50))
    assert shed == []
    made.put(live(1, 150), now=0.0)
    assert sum(shed) >= 50
    assert made.replay.waiting == 450


def test_each_piece_goes_back_to_where_it_came_from():
    made, _ = turns()
    assert made.of(live(1, 1)) is made.live
    assert made.of(back(1, 1)) is made.replay


def test_a_flood_leaves_the_disk_a_tenth():
    """Where live readings never end, one message in ten is from the disk, and no more."""
    made, _ = turns(most=10**6)
    window, live_sent, back_sent = Window(20), 0, 0
    made.put(live(1, 50_000), now=0.0)
    for turn in range(500):
        if turn == 100:
            made.replay.put(back(1, 5000))
        piece = made.next(window, 500, now=1.0 + turn)
        if piece.block is None:
            live_sent += len(piece)
        else:
            back_sent += len(piece)
        assert back_sent <= live_sent / 9
    assert back_sent >= (live_sent - 2000) / 10


def test_live_readings_do_not_starve_the_disk():
    """Live messages hold more than half of the window all the time, on a slow link: the other half is the disk's."""
    turns, window = Turns(1000, lambda board, readings: None, rows=False), Window(limit=20)
    for _ in range(12):
        window.add(Flight(Piece(features([1]), 0, 1), "t"))
    block = Block(1, ("bench", "S1"), 100, source(), 100)
    turns.replay.put(Piece(features(range(1, 101)), 0, 100, block=block))
    piece = turns.next(window, 500, 1000.0)
    assert piece is not None and 1 <= len(piece) <= 8
