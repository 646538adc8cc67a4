"""Between the lanes, the window and the disk: nothing is in two places, and nothing newer passes what may come back."""

import random

from gateway.publish.crossing import Crossing
from gateway.publish.lane import Piece
from gateway.publish.lanes import Lanes
from gateway.publish.window import Flight, Window
from tests.made import features


class Places:
    """Lanes, a window, and what was told of copies."""

    def __init__(self):
        self.lanes, self.window = Lanes(10_000, lambda *_: None), Window(50)
        self.crossing = Crossing(self.lanes, self.window)
        self.uncopied, self.promoted = [], []
        self.crossing.uncopied, self.crossing.promoted = self.uncopied.append, self.promoted.append

    def put(self, first, rows, sensor="S1", board="bench"):
        made = features(range(first, first + rows), sensor=sensor, board=board)
        self.lanes.put(Piece(made, 0, rows))

    def send(self, most=1):
        piece = self.lanes.next(most, 0.0)
        if piece is None:
            return None
        flight = Flight(piece, "t")
        self.window.add(flight)
        return flight


def test_what_waits_leaves_and_what_is_on_the_wire_stays():
    p = Places()
    p.put(1, 10)
    flights = [p.send(), p.send()]
    waiting, found = p.crossing.begin(6.0, 1000)
    assert found == flights
    assert [piece.features.seq[piece.first : piece.last].tolist() for piece in waiting] == [[3, 4, 5, 6]]
    assert (p.crossing.moving("bench"), p.lanes.held("bench")) == (4, 4)
    p.crossing.end([waiting], (dict(zip([7, 8], found, strict=True)), [9]))
    assert p.promoted == [9]
    assert (p.crossing.moving("bench"), p.crossing.copied("bench")) == (0, 2)
    assert p.crossing.oldest() == 7.0


def test_no_more_is_begun_than_asked_for_and_the_oldest_first():
    p = Places()
    p.put(1, 50)
    for _ in range(5):
        p.send()
    waiting, flights = p.crossing.begin(100.0, 3)
    assert (len(flights), waiting) == (3, [])
    p.crossing.end([], (dict(enumerate(flights)), []))
    waiting, flights = p.crossing.begin(100.0, 10)
    assert (len(flights), sum(map(len, waiting))) == (2, 8)
    p.crossing.end([waiting], (dict(enumerate(flights, 10)), [20]))
    assert p.crossing.copied("bench") == 5


def test_a_flood_drives_nobody_else_to_the_disk():
    """What is half as old as it may be goes with what is too old, of the same sensor; others stay on their way."""
    p = Places()
    p.put(1, 8)
    p.put(5, 4, sensor="S2")
    p.put(4, 4, sensor="S3")
    on_wire = [p.send(), p.send(), p.send()]
    waiting, flights = p.crossing.begin(6.0, 1000, late=4.0)
    assert [flight.piece.features.sensor for flight in flights] == ["S1", "S3"]
    assert {piece.features.sensor: list(piece.features.seq[piece.first : piece.last]) for piece in waiting} == {
        "S1": [2, 3, 4, 5, 6],
        "S3": [5, 6],
    }
    assert on_wire[1] not in flights
    p.crossing.end([waiting], None)


def test_a_disk_that_refuses_gives_all_back_in_order():
    p = Places()
    p.put(1, 10)
    p.put(1, 5, sensor="S2")
    waiting, flights = p.crossing.begin(4.0, 1000)
    assert p.send() is None, "what is newer waits"
    p.crossing.end([waiting], None)
    sent = [p.send().piece for _ in range(15)]
    assert [one.features.seq[one.first] for one in sent if one.features.sensor == "S1"] == list(range(1, 11))
    assert flights == []


def test_a_slow_disk_keeps_nobody_waiting_and_the_order():
    """What was on its way goes first, from memory; when the disk has it at last nobody needs that."""
    p = Places()
    p.put(1, 10)
    waiting, _ = p.crossing.begin(4.0, 1000)
    p.crossing.let_go(waiting)
    assert (p.crossing.moving("bench"), p.lanes.held("bench")) == (0, 10)
    assert [p.send().piece.features.seq[at] for at in range(5)] == [1, 2, 3, 4, 5]
    p.crossing.end([waiting], ({}, [7]))
    assert (p.uncopied, p.promoted, p.lanes.held("bench")) == ([7], [], 5)


def test_a_slow_disk_is_used_all_the_same():
    """What could not be sent meanwhile leaves memory for what the disk has at last; of the rest nothing is doubled."""
    p = Places()
    p.put(1, 4)
    p.put(1, 4, sensor="S2")
    waiting, _ = p.crossing.begin(4.0, 1000)
    p.crossing.let_go(waiting)
    p.put(5, 2)
    assert p.send().piece.features.sensor == "S1"
    p.crossing.end([[piece] for piece in waiting], ({}, [7, 8]))
    assert (p.uncopied, p.promoted, p.lanes.held("bench")) == ([7], [8], 5)


def test_what_is_newer_stays_with_what_is_older():
    """Where something of a block was sent while the disk was slow, its rest and the sensor's later blocks wait on."""
    p = Places()
    p.put(1, 200)
    p.put(201, 200)
    p.put(1, 4, sensor="S2")
    waiting, _ = p.crossing.begin(500.0, 1000)
    assert [len(piece) for piece in waiting] == [200, 200, 4]
    p.crossing.let_go(waiting)
    assert p.send().piece.features.sensor == "S1"
    p.crossing.end([[piece] for piece in waiting], ({}, [7, 8, 9]))
    assert (p.uncopied, p.promoted, p.lanes.held("bench")) == ([7, 8], [9], 399)


def test_a_slow_disk_that_refuses_at_last_changes_nothing():
    p = Places()
    p.put(1, 10)
    waiting, _ = p.crossing.begin(4.0, 1000)
    p.crossing.let_go(waiting)
    sent = [p.send().piece for _ in range(5)]
    p.crossing.end([waiting], None)
    sent += [p.send().piece for _ in range(5)]
    assert [one.features.seq[one.first] for one in sent] == list(range(1, 11))


def test_what_went_alone_is_waited_for_whatever_the_disk_does():
    """A lane of which one reading is on trial at the broker is not freed by what comes back from the disk."""
    p = Places()
    p.put(1, 10)
    p.lanes.hold(Piece(features([1]), 0, 1).lane, 0.0)
    assert p.send() is not None
    waiting, _ = p.crossing.begin(4.0, 1000)
    p.crossing.end([waiting], None)
    assert p.send() is None


def test_an_answer_meanwhile_leaves_the_copy_to_nobody():
    p = Places()
    p.put(1, 1)
    p.send()
    _, flights = p.crossing.begin(9.0, 10)
    p.window.flights.clear()
    p.crossing.end([], ({5: flights[0]}, []))
    assert (p.uncopied, p.promoted) == ([5], [])


def test_a_cut_meanwhile_makes_the_copy_all_there_is():
    p = Places()
    p.put(1, 3)
    flight = p.send(3)
    _, flights = p.crossing.begin(9.0, 10)
    p.window.flights.clear()
    flight.piece.tried = True
    p.lanes.back([flight.piece])
    p.crossing.end([], ({5: flights[0]}, []))
    assert (p.uncopied, p.promoted, p.lanes.held("bench")) == ([], [5], 0)


def test_a_part_of_it_that_is_shed_meanwhile_is_not_counted_twice():
    p = Places()
    p.put(1, 3)
    flight = p.send(3)
    _, flights = p.crossing.begin(9.0, 10)
    p.window.flights.clear()
    flight.piece.tried = True
    p.lanes.back([flight.piece])
    p.lanes._shed(1)
    p.crossing.end([], ({5: flights[0]}, []))
    assert (p.uncopied, p.promoted, p.lanes.held("bench")) == ([5], [], 2)


def test_copies_that_have_vanished_are_made_again():
    p = Places()
    p.put(1, 2)
    flights = [p.send(), p.send()]
    p.crossing.end([], ({1: flights[0], 2: flights[1]}, []))
    p.crossing.vanished({2})
    assert (p.crossing.copied("bench"), p.crossing.oldest()) == (1, 2.0)
    assert p.crossing.begin(9.0, 10)[1] == [flights[1]]


def test_whatever_happens_each_reading_is_in_one_place():
    """Also in order: what only the disk has lies there as it came, the older under the lower numbers."""
    dice = random.Random(3)
    p, put, gone, copy, under_way, late = Places(), 0, 0, 0, None, False
    seqs = {}  # the first of each block
    for _ in range(3000):
        what = dice.choice(["put", "send", "send", "ack", "begin", "late", "end", "cut"])
        if what == "put":
            p.put(put + 1, 3)
            put += 3
        elif what == "send":
            p.send(dice.choice([1, 2, 5]))
        elif what == "ack" and p.window.flights:
            gone += len(p.window.acknowledged(next(iter(p.window.flights))).piece)
        elif what == "begin" and under_way is None:
            under_way = p.crossing.begin(put - dice.randint(0, 9), dice.choice([4, 1000]))
        elif what == "late" and under_way is not None and not late:
            late = True
            p.crossing.let_go(under_way[0])
        elif what == "end" and under_way is not None:
            waiting, flights = under_way
            blocks = [waiting[at : at + 2] for at in range(0, len(waiting), 2)]
            failed = dice.random() < 0.3
            numbers = range(copy, copy + len(flights) + len(blocks))
            pieces = [*([flight.piece] for flight in flights), *blocks]
            kept = {n: sum(map(len, some)) for n, some in zip(numbers, pieces, strict=True)}
            copies = dict(zip(numbers, flights, strict=False))
            seqs |= {n: some[0].features.seq[some[0].first] for n, some in zip(numbers, pieces, strict=True)}
            copy, before = copy + len(kept), len(p.promoted)
            p.crossing.end(blocks, None if failed else (copies, list(numbers)[len(flights) :]))
            gone += sum(kept[n] for n in p.promoted[before:])
            under_way, late = None, False
        elif what == "cut":
            flights = list(p.window.clear())
            for flight in flights:
                flight.piece.tried = True
            p.promoted += [flight.copy for flight in flights if flight.copy is not None]
            gone += sum(len(flight.piece) for flight in flights if flight.copy is not None)
            p.lanes.back(flight.piece for flight in flights if flight.copy is None)
        on_wire = sum(len(flight.piece) for flight in p.window.flights.values())
        assert p.lanes.held("bench") + on_wire + p.crossing.moving("bench") + gone == put
        lies = [seqs[number] for number in sorted(p.promoted)]
        assert lies == sorted(lies)


def test_a_board_that_is_let_go_meanwhile_takes_nobody_along():
    """Its last reading is acknowledged while it gets its copy, and a reload forgets it: the others' readings stay."""
    p = Places()
    p.put(1, 1, board="gone")
    flight = p.send()
    p.put(1, 3)
    waiting, found = p.crossing.begin(6.0, 1000)
    assert found == [flight] and len(waiting) == 1
    assert p.window.acknowledged(next(iter(p.window.flights))) is flight
    p.lanes.forget("gone")
    p.crossing.let_go(waiting)
    assert p.lanes.held("bench") == 3
    p.crossing.end([waiting], None)
    assert p.lanes.held("bench") == 3 and p.crossing.moving("bench") == 0
