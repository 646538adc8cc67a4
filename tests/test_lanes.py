"""The lanes: order within a sensor, whatever comes back; counts that are right; who is shed; whose turn it is."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.publish.lane import JOINED, Lane, Piece
from gateway.publish.lanes import Lanes
from tests.conftest import examples
from tests.made import features

BOARDS, SENSORS = ("a", "b"), ("S1", "S2")
SENSOR = st.tuples(st.sampled_from(BOARDS), st.sampled_from(SENSORS))


def piece(first, last, board="bench", sensor="S1", condensed=None, **more):
    """Readings first…last of a sensor."""
    made = features(range(first, last + 1), board=board, sensor=sensor, **more)
    return Piece(made, 0, len(made), condensed or {})


def seqs(one):
    """The numbers of a piece's readings."""
    return list(one.features.seq[one.first : one.last])


class Street(RuleBasedStateMachine):
    """Lanes against a model of plain lists: what waits, what is on the wire, what was shed."""

    @initialize(most=st.sampled_from([5, 60, 10_000]))
    def begin(self, most):
        """Empty lanes."""
        self.lanes = Lanes(most, self.dropped)
        self.most = most
        self.next_seq = dict.fromkeys([(b, s) for b in BOARDS for s in SENSORS], 1)
        self.wire: list[Piece] = []
        self.waiting: dict[tuple[str, str], list[int]] = {key: [] for key in self.next_seq}
        self.shed: dict[str, int] = dict.fromkeys(BOARDS, 0)
        self.clock = 0.0

    def dropped(self, board, readings):
        """What the lanes say that they shed, taken off the model: the oldest of that board's lanes."""
        self.shed[board] += readings

    @rule(key=SENSOR, total=st.integers(1, 40), unit=st.sampled_from(["°C", "°F"]))
    def put(self, key, total, unit):
        """New readings come."""
        first = self.next_seq[key]
        self.next_seq[key] += total
        self.waiting[key] += range(first, first + total)
        before = {board: sum(len(self.waiting[board, s]) for s in SENSORS) for board in BOARDS}
        shed = dict(self.shed)
        self.lanes.put(piece(first, first + total - 1, *key, unit=unit))
        newly = {board: self.shed[board] - shed[board] for board in BOARDS}
        if sum(newly.values()):
            assert sum(before.values()) > self.most
            self.forget(newly)

    def forget(self, newly):
        """Takes what was shed off the model: it must be the oldest of each lane, whoever's turn it was."""
        for board, readings in newly.items():
            left = sum(len(self.waiting[board, s]) for s in SENSORS) - readings
            kept = {}
            for sensor in SENSORS:
                lane = self.lanes._lanes.get((board, sensor))
                kept[sensor] = [n for one in (lane.waiting if lane else ()) for n in seqs(one)]
                was = self.waiting[board, sensor]
                assert kept[sensor] == was[len(was) - len(kept[sensor]) :], "the oldest go first"
            assert sum(map(len, kept.values())) == left
            for sensor in SENSORS:
                self.waiting[board, sensor] = kept[sensor]

    @rule(most=st.integers(1, 30))
    def take(self, most):
        """The next piece goes on the wire: the oldest of its lane."""
        one = self.lanes.next(most, self.clock)
        if one is None:
            assert not any(self.waiting.values())
            return
        key = (one.features.board, one.features.sensor)
        assert 1 <= len(one) <= most
        assert seqs(one) == self.waiting[key][: len(one)]
        del self.waiting[key][: len(one)]
        self.wire.append(one)

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0, 1000))
    def acknowledged(self, which):
        """Any piece on the wire is done."""
        self.wire.pop(which % len(self.wire))

    @precondition(lambda self: self.wire)
    @rule(which=st.integers(0, 1000))
    def one_back(self, which):
        """The broker refused one piece: it goes back to its place."""
        self.return_to([self.wire.pop(which % len(self.wire))])

    @precondition(lambda self: self.wire)
    @rule()
    def all_back(self):
        """The connection is lost: everything on the wire goes back."""
        wire, self.wire = self.wire, []
        self.return_to(wire)

    def return_to(self, pieces):
        """Pieces go back, in the lanes and in the model."""
        self.lanes.back(pieces)
        for one in pieces:
            key = (one.features.board, one.features.sensor)
            self.waiting[key] = sorted(self.waiting[key] + seqs(one))

    @invariant()
    def counts_are_right(self):
        """What the lanes count is what the model holds, in all and by board; order holds in each lane."""
        assert self.lanes.waiting == sum(map(len, self.waiting.values()))
        for board in BOARDS:
            assert self.lanes.held(board) == sum(len(self.waiting[board, s]) for s in SENSORS)
        for key, lane in self.lanes._lanes.items():
            assert [n for one in lane.waiting for n in seqs(one)] == self.waiting[key]
            assert lane.queued == (lane in self.lanes._turns.get(lane.board, ()))
            assert (lane.board in self.lanes._boards) == bool(self.lanes._turns.get(lane.board))
            assert lane.queued or not lane.waiting, "what waits has its turn coming"

    def teardown(self):
        """Everything that waits is given up, and counted."""
        before = dict(self.shed)
        self.lanes.shed_all()
        for board in BOARDS:
            assert self.shed[board] - before[board] == sum(len(self.waiting[board, s]) for s in SENSORS)
        assert self.lanes.waiting == 0


Street.TestCase.settings = settings(max_examples=examples(50, 150), stateful_step_count=50, deadline=None)
TestStreet = Street.TestCase
TestStreet.__doc__ = "Whatever happens in whatever order, each lane keeps its order and every reading is counted once."


@given(st.lists(st.integers(1, 9), min_size=2, max_size=12), st.lists(st.integers(1, 9), max_size=6), st.randoms())
def test_pieces_come_back_in_any_order(totals, later, chance):
    """Whoever comes back first, the lane is in order again, before what has come meanwhile."""
    lanes = Lanes(10_000, lambda board, readings: None)
    numbers, taken = iter(range(1, 200)), []
    for total in totals:
        first = next(numbers)
        last = [first, *(next(numbers) for _ in range(total - 1))][-1]
        lanes.put(piece(first, last))
        taken.append(lanes.next(total, 0.0))
    for total in later:
        first = next(numbers)
        lanes.put(piece(first, [first, *(next(numbers) for _ in range(total - 1))][-1]))
    chance.shuffle(taken)
    for one in taken:
        lanes.back([one])
    order = []
    while (one := lanes.next(4, 0.0)) is not None:
        order += seqs(one)
    assert order == list(range(1, sum(totals) + sum(later) + 1))


def test_the_board_that_holds_most_is_shed():
    """The quiet board keeps what it has, and the loud one loses its oldest."""
    lost = []
    lanes = Lanes(100, lambda board, readings: lost.append((board, readings)))
    lanes.put(piece(1, 10, "quiet"))
    lanes.put(piece(1, 60, "loud"))
    lanes.put(piece(61, 100, "loud"))
    assert {board for board, _ in lost} == {"loud"}
    assert lanes.held("quiet") == 10
    assert lanes.held("loud") == 100 - sum(readings for _, readings in lost) <= 90
    kept = [n for one in lanes._lanes["loud", "S1"].waiting for n in seqs(one)]
    assert kept == list(range(101 - len(kept), 101))


def test_the_oldest_sensor_of_a_board_is_shed_first():
    """Within a board the oldest reading goes, whichever sensor's it is."""
    lost = []
    lanes = Lanes(20, lambda board, readings: lost.append(readings))
    lanes.put(piece(1, 10, sensor="new", mono=[100.0 + i for i in range(10)]))
    lanes.put(piece(1, 10, sensor="old", mono=[float(i) for i in range(10)]))
    lanes.put(piece(11, 14, sensor="new", mono=[110.0 + i for i in range(4)]))
    assert sum(lost) == 4
    assert seqs(lanes._lanes["bench", "old"].waiting[0])[0] == 5


def test_lanes_take_turns():
    """A sensor with a long backlog does not keep the others waiting."""
    lanes = Lanes(10_000, lambda board, readings: None)
    lanes.put(piece(1, 250, sensor="busy"))
    for sensor in ("x", "y", "z"):
        lanes.put(piece(1, 1, sensor=sensor))
    order = []
    while (one := lanes.next(10, 0.0)) is not None:
        order.append(one.features.sensor)
    assert order[:5] == ["busy", "x", "y", "z", "busy"]
    assert len(order) == 25 + 3


def test_a_lane_that_is_held_back_lets_the_others_go():
    """The broker refused one sensor's topic: it waits for its time, then one reading goes alone; nobody else waits."""
    lanes = Lanes(100, lambda board, readings: None)
    lanes.put(piece(1, 2, sensor="refused"))
    lanes.put(piece(1, 2, sensor="fine"))
    first = lanes.next(1, now=10.0)
    lanes.back([first])
    lanes.hold(first.lane, until=15.0)
    assert [lanes.next(1, 10.0).features.sensor for _ in range(2)] == ["fine", "fine"]
    assert lanes.next(1, 14.9) is None
    alone = lanes.next(5, 15.0)
    assert seqs(alone) == [1]
    assert lanes.next(5, 1e9) is None
    lanes.back([alone])
    alone = lanes.next(5, 15.0)
    assert seqs(alone) == [1]
    lanes.taken(alone)
    assert seqs(lanes.next(5, 15.0)) == [2]


def test_a_board_that_has_gone_is_forgotten_once_nothing_of_it_waits():
    """Then nothing is kept of it; it may come back, and what was on the wire too."""
    lanes = Lanes(100, lambda board, readings: None)
    lanes.put(piece(1, 3, board="a"))
    lanes.put(piece(1, 3, board="b"))
    on_wire = lanes.next(2, 0.0)
    lanes.forget("a")
    assert lanes.held("a") == 1
    assert len(lanes.take_all()) == 2
    lanes.forget("a")
    assert list(lanes._lanes) == [("b", "S1")]
    lanes.taken(on_wire)
    lanes.back([on_wire])
    lanes.put(piece(4, 4, board="b"))
    assert {seqs(one)[0] for one in (lanes.next(9, 0.0), lanes.next(9, 0.0))} == {1, 4}
    assert lanes.next(9, 0.0) is None


def test_small_pieces_are_joined():
    """A long wait costs no object a reading, and what is joined is what came."""
    lane = Lane("bench", "S1")
    for n in range(1, 1001):
        lane.put(
            piece(n, n, count=[n], value=[n / 8], columns=[[n + 0.5], [float("nan")], [-n], [n]], condensed={n: 1})
        )
    assert len(lane.waiting) == -(-1000 // JOINED)
    assert [n for one in lane.waiting for n in seqs(one)] == list(range(1, 1001))
    for one in lane.waiting:
        made = one.features
        assert list(made.value) == [n / 8 for n in made.seq]
        assert list(made.count) == list(made.seq)
        assert list(made.columns[0]) == [n + 0.5 for n in made.seq]
        assert list(made.columns[2]) == [-n for n in made.seq]
        assert len(made.quality) == len(made.n) == len(made.wall) == len(made.mono) == len(made)
        assert one.condensed == dict.fromkeys(made.seq, 1)


@pytest.mark.parametrize("other", [{"unit": "°F"}, {"keys": ("normalized", "feature", "mean", "max")}])
def test_what_differs_is_not_joined(other):
    """Readings of another unit or with other features stay in a piece of their own."""
    lane = Lane("bench", "S1")
    lane.put(piece(1, 1))
    lane.put(piece(2, 2, **other))
    assert len(lane.waiting) == 2


def test_a_backlog_that_never_ends_does_not_grow():
    """A lane that is always a little behind frees what has left: its columns stay as short as a piece may be."""
    lanes = Lanes(10_000, lambda board, readings: None)
    lanes.put(piece(1, 50))
    for n in range(51, 5000):
        lanes.put(piece(n, n))
        assert len(lanes.next(1, 0.0)) == 1
        assert all(len(one.features) <= JOINED for one in lanes._lanes["bench", "S1"].waiting)


def test_shed_readings_hand_on_what_was_condensed_before_them():
    """A subscriber misses what was shed, and not the condensed readings before it: the next message tells of those."""
    lanes = Lanes(4, lambda board, readings: None)
    lanes.put(piece(1, 1))
    assert seqs(lanes.next(1, 0.0)) == [1]
    for seq in (4, 7, 10, 13, 16):  # two are condensed before each
        lanes.put(piece(seq, seq, condensed={seq: 2}))
    told = []
    while (one := lanes.next(1, 0.0)) is not None:
        told += [(n, one.condensed.get(n, 0)) for n in seqs(one)]
    lost = {4, 7, 10, 13, 16} - {n for n, _ in told}
    assert lost
    for (before, _), (seq, condensed) in pairwise([(1, 0), *told]):
        assert seq - before - 1 - condensed == len(lost & set(range(before, seq)))


@pytest.mark.parametrize("shared", [True, False])
def test_a_skipped_reading_hands_on_too(shared):
    """So does a reading that is too large to be sent, if the next one waits already or is still to come."""
    lanes = Lanes(100, lambda board, readings: None)
    lanes.put(piece(5, 5, condensed={5: 4}))
    if shared:
        lanes.put(piece(6, 6))
    lanes.skipped(lanes.next(1, 0.0))
    if not shared:
        lanes.put(piece(6, 6, condensed={6: 1}))
    last = lanes.next(1, 0.0)
    assert (seqs(last), last.condensed[6]) == ([6], 4 if shared else 5)


def test_the_one_that_may_go_is_found_among_many():
    """However many lanes one board has, and others a single one."""
    lanes = Lanes(10**6, lambda *_: None)
    for board in "ABCDEFGHI":
        lanes.put(Piece(features([1], board=board, sensor="x"), 0, 1))
    for number in range(100):
        lanes.put(Piece(features([1], board="Z", sensor=f"s{number}"), 0, 1))
    assert lanes.next(1, 0.0, lambda lane: lane == ("Z", "s99")) is not None


def test_lanes_that_have_run_empty_leave_the_queue():
    """What waited in them was stored meanwhile: there is nothing to send, and nobody is looked for twice."""
    lanes = Lanes(10**6, lambda *_: None)
    for board, many in (("A", 3), ("B", 1)):
        for number in range(many):
            lanes.put(Piece(features([1], board=board, sensor=f"s{number}"), 0, 1))
    assert len(lanes.take_all()) == 4
    assert lanes.next(1, 0.0) is None
