"""What is remembered of what was announced: it outlasts a run, whatever stands in its file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import remembered
from gateway.notes import write
from gateway.publish.home.known import LONGEST, MOST, MOST_KEYS, Known, known
from gateway.publish.home.nouns import Sensor

TODAY = 20_787


def sensor(name, unit="°C", keys=("mean",)):
    return Sensor(name, unit, "", keys)


def names(found, board="bench"):
    return [slot and slot.sensor.name for slot in found.boards[board]]


def of(*sensors, board="bench"):
    """Known: these have spoken today."""
    out = Known()
    for name in sensors:
        out.see(board, sensor(name), name, TODAY)
    return out


def test_it_outlasts_a_run():
    """What was kept is known again, to the last key."""
    before = of("S1", "Außen", "\u202e{{", "S3")
    before.topics = {"homeassistant/device/gateway-gw/config"}
    before.keep(["bench", "attic"], lambda board: False)
    assert before.changed
    after = known(json.loads(before.text()))
    assert not before.changed
    assert after == known(json.loads(after.text()))
    assert (after.boards, after.topics, after.sensors) == (before.boards, before.topics, 4)


def test_as_many_as_there_may_be_outlast_a_run(tmp_path):
    """The file of most sensors, with long names and most features, is read back whole."""
    before = Known()
    for number in range(MOST):
        name = f"{number:04}".ljust(LONGEST, "x")
        before.see(
            "bench", sensor(name, keys=tuple(f"a_feature_of_mine_{key}" for key in range(MOST_KEYS))), name, TODAY
        )
    write(tmp_path / remembered.ANNOUNCED, before.text())
    assert known(remembered.announced(tmp_path)).boards == before.boards


def test_only_news_is_news():
    """A sensor that goes on as it was changes nothing; another unit or other features do, and a day in the file."""
    found = of("S1")
    found.text()
    assert not found.see("bench", sensor("S1"), "S1", TODAY) and not found.changed
    assert not found.see("bench", sensor("S1"), "S1", TODAY + 1) and found.changed
    assert found.see("bench", sensor("S1", "°F"), "S1", TODAY)
    assert found.see("bench", sensor("S1", "°F", ("std",)), "S1", TODAY)


def test_a_sensor_that_is_called_otherwise_takes_its_place():
    """The board's own name says that it is the same one; so nobody is left behind under the old name."""
    found = known(json.loads(of("S1", "S2").text()))
    assert found.see("bench", sensor("boiler"), "S1", TODAY)
    assert names(found) == ["boiler", "S2"]
    assert found.see("bench", sensor("S1"), "S1", TODAY)
    assert names(found) == ["S1", "S2"]
    assert found.sensors == 2


def test_boards_that_leave_and_those_that_may_come():
    """What is read is known, what is not is forgotten, unless it may be plugged in again."""
    found = of("S1", board="usb-1")
    found.see("bench", sensor("S1"), "S1", TODAY)
    assert found.keep(["attic"], lambda board: board.startswith("usb-"))
    assert sorted(found.boards) == ["attic", "usb-1"]
    assert found.sensors == 1
    assert found.absent({"attic"}) == ["usb-1"]
    assert not found.keep(["attic"], lambda board: True)


def test_a_probe_that_was_replaced_is_forgotten_after_a_week_without_it():
    """Days on which its board was not heard either do not count; its place is for the next one."""
    found = of("old", "other")
    for day in range(1, 8):
        found.see("bench", sensor("other"), "other", TODAY + day)
        assert not found.forget_silent()
    assert not known(json.loads(of("old", "other").text())).forget_silent()
    found.see("bench", sensor("other"), "other", TODAY + 8)
    assert found.forget_silent()
    assert names(found) == [None, "other"]
    found.see("bench", sensor("new"), "new", TODAY + 8)
    assert names(found) == ["new", "other"]


def test_it_is_bounded():
    """So many sensors at most, of names that somebody may have given them; the rest is counted."""
    found = of("x" * (LONGEST + 1))
    assert (found.sensors, found.left_out) == (0, 1)
    for number in range(MOST + 5):
        found.see(f"b{number % 7}", sensor(f"S{number}"), f"S{number}", TODAY)
        found.see(f"b{number % 7}", sensor(f"S{number}"), f"S{number}", TODAY)
    assert (found.sensors, found.left_out) == (MOST, 6)
    assert known(json.loads(found.text())).sensors == MOST


def test_room_that_others_leave_is_taken():
    """Sensors that found none are announced as they speak once a board has gone."""
    found = Known()
    for number in range(MOST + 5):
        found.see("big" if number < 100 else "bench", sensor(f"S{number}"), f"S{number}", TODAY)
    assert found.left_out == 5
    found.keep(["bench"], lambda board: False)
    assert found.see("bench", sensor(f"S{MOST + 1}"), f"S{MOST + 1}", TODAY)
    assert (found.sensors, found.left_out) == (MOST - 99, 0)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.booleans(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(JSON, JSON)
def test_whatever_stands_in_the_file(topics, boards):
    """Rubbish is left out and nothing raises."""
    for text in (topics, {"version": 1, "topics": topics, "boards": boards}, {"version": 2}):
        found = known(text)
        assert known(json.loads(found.text())).boards == found.boards


@pytest.mark.parametrize(
    "topic",
    [
        "gateway/gw/status",
        "#",
        "homeassistant/device/other/config",
        "a\0/device/gateway-b/config",
        "homeassistant/device/gateway-b/#/config",
        "homeassistant/device/gateway-b/+/config",
    ],
)
def test_a_file_clears_nothing_but_what_is_ours(topic):
    """Whoever can write it has no other topic cleared for that."""
    assert not known({"version": 1, "topics": [topic], "boards": {}}).topics
