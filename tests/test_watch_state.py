"""What is known of a watched gateway after what has arrived, whoever wrote it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.watch.known import natural
from gateway.watch.seen import HOLES, Seen
from gateway.watch.state import State
from tests.watched import AT, RUN, TIME, WALL, board, heard, only, reading, row, seen, status, topic

# numbers


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 3)), max_size=200))
def test_missing_is_what_the_contract_says(numbers):
    """In order, missing = seq - next lower seq - 1 - condensed, summed; whatever came before the first is none."""
    whole, last, missing = Seen(), None, 0
    for number, condensed in sorted(dict(numbers).items()):
        condensed = min(condensed, number - (last or 0) - 1)
        assert whole.see(number, condensed)
        missing += 0 if last is None else number - last - 1 - condensed
        last = number
    assert whole.missing == missing


@given(st.permutations(range(5, 30)), st.integers(0, 25))
def test_what_comes_late_is_missing_no_more(numbers, count):
    """However they come, each number is new once, and at the end none is missing."""
    whole = Seen()
    assert whole.see(4, 0)
    assert all(whole.see(number, 0) for number in numbers)
    assert whole.missing == 0
    assert not any(whole.see(number, 0) for number in numbers[:count])


def test_what_was_not_listened_to_is_not_missing():
    """After an outage of ours what lies between is nobody's loss; it is new when it comes all the same."""
    whole = Seen()
    whole.see(10, 0)
    whole.joining = True
    whole.see(20, 0)
    assert whole.missing == 0
    assert whole.see(15, 2) and not whole.see(14, 0)
    assert whole.missing == 0
    whole.see(22, 0)
    assert whole.missing == 1


def test_holes_are_bounded():
    """A sensor that loses every second reading costs no memory; what is missing is counted on."""
    whole = Seen()
    for number in range(1, 1000, 2):
        whole.see(number, 0)
    assert (whole.missing, len(whole.holes)) == (499, HOLES)
    assert not whole.see(2, 0)


# readings


def test_a_reading_is_shown():
    """Its value, its features, and how long it took by two clocks."""
    one = row(heard(status(), board(), reading(1)))
    assert (one.board, one.value, one.unit, one.quality, one.stale) == ("bench", 21.0, "°C", "ok", "")
    assert one.features == {"normalized": 0.5, "feature": 2.5, "mean": 20.5, "std": 0.5}
    assert one.late == pytest.approx(0.010)


def test_rows_are_readings():
    """payload = "rows" is the same: columns are keys."""
    columns = ["seq", "time", "value", "quality", "n", "condensed", "mean"]
    rows = [[7, TIME, 1.5, "ok", 1, None, 1.0], [10, TIME, 2.5, "spike", 2, 1, None], ["x"], [1, 2, 3, 4, 5, 6, 7]]
    head = {"gateway": "g", "board": "b", "sensor": "S1", "run": RUN, "unit": "°C", "columns": columns, "rows": rows}
    state = heard((topic("b", "S1", "features"), json.dumps(head).encode()))
    one = row(state)
    assert (one.value, one.quality, one.features, one.missing) == (2.5, "spike", {"mean": None}, 1)
    assert only(state).received == 2


def test_duplicates_are_dropped_and_gaps_counted():
    """By (run, seq), of each sensor and run for itself."""
    state = heard(*(reading(seq) for seq in (1, 2, 2, 5, 1)), reading(1, sensor="S2"), reading(3, run="other"))
    gateway = only(state)
    assert (gateway.received, gateway.duplicates, gateway.missing) == (5, 2, 2)


def test_condensed_readings_are_not_missing():
    """`every` leaves readings out, and says how many."""
    assert only(heard(reading(1), reading(5, condensed=3))).missing == 0


def test_the_rate_is_that_of_whole_seconds():
    """Not of the one in which we came, nor of the one that goes on; nothing for 5 s is 0."""
    state = State("gateway")
    for seq in range(1, 101):
        heard(reading(seq), state=state, at=AT + 0.75 + seq / 10)
    gateway = only(state)
    assert gateway.rate(AT + 10.8) == gateway.rate(AT + 9.0) == 10.0
    assert gateway.rate(AT + 17.0) == 0.0
    assert only(heard(reading(1))).rate(AT + 0.5) == 1.0


def test_replayed_readings_fill_the_gap_and_are_not_the_newest():
    """After an outage what is live comes beside what lay on the disk."""
    state = heard(status(), reading(1), reading(9), *(reading(seq, replayed=True) for seq in range(2, 9)))
    assert (only(state).missing, row(state).value, len(row(state).recent)) == (0, 29.0, 2)


def test_the_retained_reading_is_shown_until_a_newer_one_comes():
    """`last` is what was the newest before we came, with its age by its own time; it counts as no reading."""
    where, payload = reading(7, time="2026-11-29T23:32:20.000Z")
    state = heard(status(), (where.replace("features", "last"), payload))
    assert (row(state).value, row(state).age, only(state).received) == (27.0, 60.0, 0)
    heard(reading(8), state=state)
    assert (row(state).value, row(state).age) == (28.0, 0.0)


def test_a_line_of_values_is_of_now():
    """The retained value, which may be of long ago, is not drawn beside those that come."""
    state = heard((topic("bench", "S1", "last"), reading(7)[1]))
    assert list(row(state).recent) == [27.0]
    heard(reading(20), reading(21), state=state)
    assert list(row(state).recent) == [40.0, 41.0]


def test_a_sensor_that_has_not_spoken_is_there():
    """A board's document names its sensors."""
    one = row(heard(status(), board(sensors={"S1": {"state": "silent", "last": None, "unit": "°C"}})))
    assert (one.value, one.stale) == (None, "silent")


def test_an_alarm_is_shown():
    """From its topic, which is retained, and from readings."""
    document = json.dumps({"state": "above", "since": TIME, "value": 71.3}).encode()
    state = heard(reading(1), (topic("bench", "S1", "alarm"), document))
    assert row(state).alarm == "above"
    heard((topic("bench", "S1", "alarm"), json.dumps({"state": None}).encode()), state=state)
    assert row(state).alarm == ""
    assert row(heard(reading(2, alarm="below"), state=state)).alarm == "below"


# what is not of now


@pytest.mark.parametrize(
    ("messages", "link", "stale"),
    [
        ([status(), board()], {}, ""),
        ([status(state="offline", reason="stopped"), board()], {}, "offline"),
        ([status(state="offline", reason="lost"), board()], {}, "lost"),
        ([status(), board(state="silent")], {}, "silent"),
        ([status(), board(state="lent")], {}, "lent"),
        ([status(), board(sensors={"S1": {"state": "failed"}})], {}, "failed"),
        ([status(), board()], {"away": 3.0}, "unheard"),
    ],
)
def test_a_value_that_is_not_of_now_says_why(messages, link, stale):
    """A gateway that stopped or was lost, a board that is away, a sensor that failed, no broker."""
    assert row(heard(reading(1), *messages), **link).stale == stale


def test_a_board_that_is_gone_takes_its_sensors_along():
    """Its retained document was taken back."""
    state = heard(status(), board(), reading(1), reading(5), reading(1, board="other"))
    heard((topic("bench", "status"), b""), state=state)
    assert [one.board for one in seen(state).rows] == ["other"]
    assert (seen(state).boards, only(state).missing) == ([], 0)


def test_a_sensor_that_is_called_otherwise_is_gone():
    """Its retained reading was taken back; one that still speaks is there again."""
    state = heard(status(), reading(1), reading(1, sensor="S2"), (topic("bench", "S2", "last"), b""))
    assert [one.sensor for one in seen(state).rows] == ["S1"]
    assert row(heard(reading(2, sensor="S2"), state=state), "S2").missing == 0


def test_a_short_document_says_nothing_of_sensors():
    """Where the broker takes no longer one, what an older one said of them does not stay."""
    state = heard(status(), board(sensors={"S1": {"state": "failed"}}), reading(1))
    assert row(state).stale == "failed"
    assert row(heard(board(sensors={}, truncated=True), state=state)).stale == ""


def test_numbers_in_names_are_numbers():
    """S9 comes before S10, whatever boards are called."""
    names = ["S10", "S9", "s1", "10", "9x", "", "x9y10", "x9y9"]
    assert sorted(names, key=natural) == ["", "9x", "10", "s1", "S9", "S10", "x9y9", "x9y10"]
    heard(*(reading(1, board=one, sensor=other) for one in names for other in names))


def test_what_is_new_is_told():
    """For `--json`: the message, how many are missing before it, and how late it is."""
    state = State("gateway")
    state.hear(*reading(1), AT, WALL)
    ((kind, gateway, what),) = state.hear(*reading(4), AT, WALL)
    assert (kind, gateway, what["missing"], what["late_s"]) == ("reading", "g", 2, pytest.approx(0.01))
    assert what["message"]["seq"] == 4
    assert state.hear(*reading(4), AT, WALL) == []
