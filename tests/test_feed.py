"""The rings, the feeder and the messages to the web process: pure, fed with what was computed."""

import json
import math
from array import array

import pytest

from gateway.feed.feeder import ALARMS, Feeder, Piece, Sources, Taped
from gateway.feed.protocol import MOST_HEAD, Garbled, Message, Stream, encoded, written
from gateway.feed.ring import BUCKETS, LARGEST, STEP, Ring
from gateway.feed.rings import Rings
from gateway.ledger import Refused
from gateway.model import Features

SENSORS = {"S1": {}, "S2": {}}  # of a document


def computed(board="bench", sensor="S1", values=(20.0,), at=1.0, unit="°C", mean=math.nan):
    """A piece of computed readings, one a second from `at` on."""
    n = len(values)
    mono = array("d", [at + i for i in range(n)])
    return Features(
        board, sensor, unit, ("normalized", "mean"), array("q", range(1, n + 1)), array("d", [1000 + t for t in mono]),
        mono, array("d", values), [None] * n, array("q", [1] * n), bytes([4] * n),
        [array("d", [0.5] * n), array("d", [mean] * n)],
    )  # fmt: skip


def feeder(documents=None, refused=None, taped=None, rings=None, now=2.0):
    """A feeder of a gateway that says this."""
    documents = documents if documents is not None else [{"frames": 1}, {"bench": {"sensors": SENSORS}}]
    sources = Sources(
        lambda: tuple(documents),
        lambda: (refused or {}).items(),
        lambda board: (taped or {}).get(board),
        lambda: (1000 + now, now),
        lambda: True,
        lambda board: {"S2": "above"},
    )
    return Feeder(sources, rings if rings is not None else Rings(lambda board, sensor: True))


def messages(parts):
    """What a peer reads of these bytes, its bodies as JSON."""
    return [(head, json.loads(body)) for head, body in Stream().feed(b"".join(parts))]


# the ring


def hour(ring, now):
    """The hour with None for what is empty."""
    start, columns = ring.hour(now)
    return start, [[None if one != one else one for one in column] for column in columns]


def test_a_ring_keeps_low_high_and_last_of_each_five_seconds():
    """Readings of one bucket become its lowest, highest and last; an empty bucket between two stays empty."""
    ring = Ring()
    ring.take([1.0, 2.0, 3.0], [20.0, 22.0, 21.0])
    ring.take([4.0], [19.0])
    ring.take([12.0, 13.0], [5.0, 4.0])
    assert hour(ring, 13.0) == (0.0, [[19.0, None, 4.0], [22.0, None, 5.0], [19.0, None, 4.0]])


def test_an_hour_goes_on_while_nothing_comes():
    """A sensor that fell silent has empty buckets up to now; after an hour of silence nothing is left."""
    ring = Ring()
    ring.take([1.0], [20.0])
    assert hour(ring, 21.0)[1][0] == [20.0, None, None, None, None]
    start, columns = hour(ring, 10_000.0)
    assert (start, len(columns[0])) == (10_000.0 - (BUCKETS - 1) * STEP, BUCKETS)
    assert set(columns[0]) == {None}


@pytest.mark.parametrize("gap", [1, 2, BUCKETS - 1, BUCKETS, BUCKETS + 1, 5 * BUCKETS])
def test_what_is_older_than_an_hour_is_gone(gap):
    """However long the pause between two readings, each bucket shows its own value or none."""
    ring = Ring()
    ring.take([0.0], [1.0])
    ring.take([gap * STEP], [2.0])
    start, (low, _, last) = hour(ring, gap * STEP)
    assert len(low) == min(gap + 1, BUCKETS)
    assert start == max(0, gap - BUCKETS + 1) * STEP
    assert last[-1] == 2.0
    assert [one for one in last[:-1] if one is not None] == ([1.0] if gap < BUCKETS else [])


def test_a_full_ring_has_its_hour_in_order():
    """After two hours the last one is there, oldest first."""
    ring = Ring()
    for number in range(2 * BUCKETS):
        ring.take([number * STEP], [float(number)])
    assert hour(ring, (2 * BUCKETS - 1) * STEP)[1][2] == [float(one) for one in range(BUCKETS, 2 * BUCKETS)]


def test_a_batch_over_several_buckets_is_divided():
    """One piece of readings that took long to come is put where each belongs."""
    ring = Ring()
    ring.take([3.0, 4.9, 5.0, 11.0], [1.0, 2.0, 3.0, 4.0])
    assert hour(ring, 11.0)[1] == [[1.0, 3.0, 4.0], [2.0, 3.0, 4.0], [2.0, 3.0, 4.0]]


def test_a_huge_value_is_kept_as_the_largest():
    """A value beyond 32 bits is no reason to stop."""
    ring = Ring()
    ring.take([0.0], [1e300])
    ring.take([6.0], [-1e300])
    assert hour(ring, 6.0)[1][2] == [pytest.approx(LARGEST), pytest.approx(-LARGEST)]


# the rings


def test_sensors_get_ids_that_hold():
    """A sensor keeps its id; one that comes back after its board left has another."""
    rings = Rings(lambda board, sensor: True)
    rings.feed([computed(), computed(sensor="S2"), computed()])
    first = [(one.id, one.sensor) for one in rings.all()]
    assert first == [(1, "S1"), (2, "S2")]
    rings.drop("bench")
    assert rings.gone == [1, 2]
    rings.feed([computed()])
    assert [one.id for one in rings.all()] == [3]


def test_sensors_beyond_the_most_are_counted_and_not_kept():
    """The memory of the rings is bounded, and what found no place is counted once."""
    rings = Rings(lambda board, sensor: True, most=2)
    for _ in range(3):
        rings.feed([computed(sensor=f"S{n}") for n in range(5)])
    assert len(rings.all()) == 2
    assert rings.left_out == 3


def test_who_left_makes_room_though_nobody_looks():
    """Sensors that are called otherwise, or were noise, keep no place: the hour of those that are there is whole."""
    there = {"S1", "S2"}
    rings = Rings(lambda board, sensor: sensor in there, most=2)
    rings.feed([computed(), computed(sensor="S2")])
    there |= {"S3"}
    rings.feed([computed(sensor="S3")])
    assert rings.left_out == 1
    there -= {"S1", "S2"}
    there |= {"S4"}
    rings.feed([computed(sensor="S4"), computed(sensor="S3")])
    assert [one.sensor for one in rings.all()] == ["S4", "S3"] and rings.left_out == 0


def test_names_without_end_cost_a_look_each():
    """A board that makes up a name with each line has the others looked through once for each, and never again."""
    asked = []
    rings = Rings(lambda board, sensor: asked.append(sensor) or True, most=2)
    rings.feed([computed(), computed(sensor="S2")])
    asked.clear()
    for _ in range(10):
        rings.feed([computed(sensor=f"N{n}") for n in range(5)])
    assert len(asked) == 50 + 5 * 2


def test_a_board_that_left_is_not_brought_back():
    """What a board had under way when a reload closed it makes no sensor."""
    rings = Rings(lambda board, sensor: board != "gone")
    rings.feed([computed("gone")])
    assert rings.all() == []


def test_another_unit_begins_another_hour():
    """Values in °F are not plotted behind those in °C, and the sensor is told anew under its id."""
    rings = Rings(lambda board, sensor: True)
    rings.feed([computed()])
    rings.look(True)
    rings.new.clear()
    rings.feed([computed(values=(70.0,), at=6.0, unit="°F")])
    assert [(one.id, one.unit) for one in rings.new] == [(1, "°F")]
    assert hour(rings.all()[0].ring, 6.0)[1][2] == [70.0]


# the feeder


def test_nothing_is_sent_twice():
    """Who looks is told all, then only what has changed."""
    online, silent = ({"state": state, "sensors": SENSORS} for state in ("online", "silent"))
    documents = [{"frames": 1}, {"bench": online, "hall": online}]
    told = feeder(documents)
    told.look(True)
    assert messages(told.documents()) == [
        ({"event": "documents"}, {"gateway": documents[0], "boards": documents[1], "left": []})
    ]
    assert told.documents() == []
    documents[1] = {"bench": silent}
    assert messages(told.documents()) == [
        ({"event": "documents"}, {"gateway": {"frames": 1}, "boards": {"bench": silent}, "left": ["hall"]})
    ]
    told.look(True)
    assert len(messages(told.documents())) == 1


def test_a_sensor_that_is_called_otherwise_now_is_gone():
    """What its board's document does not have any more is shown no more, on the page as in a scrape."""
    told = feeder([{}, {"bench": {"sensors": {"inlet": {}}}}])
    told.rings.feed([computed(), computed(sensor="inlet"), computed("away")])
    told.look(True)
    told.documents()
    gone, sensors = messages(told.values()[:2])
    assert gone == ({"event": "gone"}, {"ids": [1, 3]})
    assert [one["sensor"] for one in sensors[1]["sensors"]] == ["inlet"]
    [(_, snapshot)] = messages([told.answer({"ask": 1, "what": "snapshot"})])
    assert [one[1] for one in snapshot["sensors"]] == ["inlet"]


def test_only_the_newest_value_of_each_sensor_is_sent():
    """However many readings came between two ticks, a sensor is in the next one once, with its newest."""
    told = feeder()
    told.look(True)
    told.rings.feed([computed(values=(1.0, 2.0)), computed(values=(3.0,), at=7.0, mean=2.5)])
    sensors, (head, body) = Stream().feed(b"".join(told.values()))
    assert json.loads(sensors.body) == {"sensors": [{"id": 1, "board": "bench", "sensor": "S1", "unit": "°C"}]}
    assert head == {"event": "values", "time": 1002.0, "keys": [["normalized", "mean"]]}
    numbers = array("d")
    numbers.frombytes(body)
    assert numbers.tolist() == [1.0, 1007.0, 3.0, 4.0, 0.0, 0.0, 0.5, 2.5]
    assert told.values() == []
    told.rings.feed([computed(sensor="S2")])
    numbers = array("d")
    numbers.frombytes(Stream().feed(b"".join(told.values()))[1].body)
    assert numbers[4] == ALARMS["above"]


def test_nothing_is_gathered_while_nobody_looks():
    """Without a look no set of what changed grows."""
    told = feeder()
    told.rings.feed([computed()])
    assert told.rings.changed == set()


def test_the_hour_is_there_for_who_looks_first():
    """It is kept while nobody looks, so that a page is not empty when it opens."""
    told = feeder(now=3599.0)
    for minute in range(60):
        told.rings.feed([computed(values=(float(minute),), at=60.0 * minute)])
    told.look(True)
    [_, values] = told.values()
    assert b'"values"' in values
    [(_, body)] = Stream().feed(told.answer({"ask": 1, "what": "history", "id": 1}))
    numbers = array("f")
    numbers.frombytes(body)
    assert [one for one in numbers[2 * len(numbers) // 3 :] if one == one] == [float(minute) for minute in range(60)]


def test_refused_lines_are_told_when_there_are_new_ones():
    """The newest refused frames of a board go out once, and again with the next one."""
    lines = [Refused(0.0, "not_a_number", b"x\xff")]
    told = feeder(refused={"bench": lines})
    told.look(True)
    [_, (head, lines_told)] = messages(told.documents())
    assert head == {"event": "lines"}
    assert lines_told == {
        "board": "bench",
        "refused": [{"time": "1970-01-01T00:00:00.000Z", "why": "not_a_number", "hex": "78ff"}],
    }
    assert told.documents() == []
    lines.append(Refused(1.0, "too_long", b""))
    assert len(messages(told.documents())[0][1]["refused"]) == 2


def test_an_hour_is_answered_as_it_lies_in_memory():
    """The answer has the start by the wall clock, and three columns of 32-bit numbers."""
    told = feeder(now=13.0)
    told.rings.feed([computed(values=(1.0, 2.0), at=4.5)])
    [(head, body)] = Stream().feed(told.answer({"ask": 7, "what": "history", "id": 1}))
    assert head == {"answer": 7, "id": 1, "step": 5.0, "start": 1000.0}
    numbers = array("f")
    numbers.frombytes(body)
    assert [str(one) for one in numbers] == ["1.0", "2.0", "nan"] * 3


@pytest.mark.parametrize(
    "asked",
    [
        {"what": "history", "id": 99}, {"what": "history", "id": "1"}, {"what": "history"},
        {"what": "capture", "board": "x"}, {"what": "capture", "board": None}, {"what": "reboot"}, {},
    ],
)  # fmt: skip
def test_what_there_is_not_is_answered_so(asked):
    """Whatever is asked, there is an answer."""
    [(head, _)] = Stream().feed(feeder().answer({"ask": 1, **asked}))
    assert head == {"answer": 1, "none": True}


def test_a_tail_is_answered_with_its_times():
    """What came and what was sent go out with their lengths, the latter below zero."""
    pieces = [Piece(5.0, b"R\r", True), Piece(5.5, b"21.5\r\n", False)]
    told = feeder(taped={"bench": Taped({"port": "/dev/x", "started": 1000.0}, pieces)})
    [(head, body)] = Stream().feed(told.answer({"ask": 1, "what": "capture", "board": "bench"}))
    assert head["about"] == {"board": "bench", "port": "/dev/x", "started": 1000.0, "pieces": 2}
    assert body == array("d", [5.0, 5.5]).tobytes() + array("i", [-2, 6]).tobytes() + b"R\r21.5\r\n"


# the messages


def test_messages_come_through_whatever_the_cuts():
    """Fed byte by byte, or at once, the same messages come out."""
    sent = [Message({"event": "x"}, b"\x00" * 300), Message({"ask": 1, "what": "°"}), Message({}, b"y")]
    data = b"".join(written(*one) for one in sent)
    assert Stream().feed(data) == sent
    stream = Stream()
    assert [one for byte in data for one in stream.feed(bytes([byte]))] == sent


@pytest.mark.parametrize(
    "data",
    [b"\xff" * 8, (MOST_HEAD + 1).to_bytes(4, "big") + bytes(4), written({})[:8] + b"[]", written({})[:8] + b"{]"],
)
def test_what_is_no_message_is_told(data):
    """Sizes beyond all bounds, and heads that are no object, end the conversation."""
    with pytest.raises(Garbled):
        Stream().feed(data)


def test_half_a_character_in_a_name_stops_nothing():
    """A board may call a sensor by half a surrogate pair."""
    assert json.loads(encoded({"a\ud800": 1})) == {"a?": 1}
