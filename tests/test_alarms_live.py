"""Alarms and dead-bands in a street of real processes: a board on a pseudo-terminal, `gateway run`, mosquitto."""

import json
import signal

import pytest

from simulators import Board

from .faults.disks import spooled
from .faults.test_planted import retained
from .street import configuration, running, until

TOPIC = "gateway/gw/oven/temperature/alarm"
HOT = '[[sensors]]\nmatch = "*"\nalarm = { above = 71, clear = 2 }\n'
PATIENT = '[spool]\nat_risk = "60s"\n'  # on a busy machine some readings would come by way of the disk


def text(port, board, extra=HOT + PATIENT, mqtt=""):
    """A configuration with one board, which sends plain numbers."""
    return configuration(port, {"oven": board.path}, extra, mqtt, 'format = "plain"')


def say(board, *values):
    """The board says these, a line each."""
    board.write("".join(f"{value}\n" for value in values).encode())


def begin(board, gateway, *values, start=1):
    """The same once it is read, by the so manyth start; what comes before the first end of line is half a line."""
    until(lambda: [event["event"] for event in gateway.events()].count("board.online") == start, "it is read", 30)
    say(board, "", *values)


def alarms(judge):
    """(state, value) of all that came on the alarm's topic, one after the other; of a repetition the first."""
    found = [(one["state"], one["value"]) for topic, one in judge.history if topic == TOPIC]
    return [one for at, one in enumerate(found) if at == 0 or found[at - 1] != one]


@pytest.mark.parametrize("payload", ["reading", pytest.param("rows", marks=pytest.mark.slow)])
def test_an_alarm_begins_and_ends(tmp_path, mosquitto, judge, payload):
    """At the limit it has not begun, `clear` behind it it has ended; both readings come although `every` is an hour.

    Topic, readings, status and log say the same.
    """
    mqtt = f'every = "1h"\npayload = "{payload}"'
    with Board(name="oven") as board, running(tmp_path, text(mosquitto.port, board, mqtt=mqtt)) as gateway:
        begin(board, gateway, 20.5)
        until(lambda: alarms(judge) == [(None, 20.5)], "the first", 20)
        say(board, 71, 71.1, 75, 69.5)
        until(lambda: alarms(judge)[1:] == [("above", 71.1)], "it has begun")
        until(lambda: judge.documents["gateway/gw/oven/status"]["alarms"] == 1, "the status says so")
        assert judge.documents["gateway/gw/oven/status"]["sensors"]["temperature"]["alarm"] == "above"
        until(lambda: judge.documents["gateway/gw/status"]["alarms"] == 1, "the gateway's too")
        say(board, 69)
        until(lambda: alarms(judge)[2:] == [(None, 69.0)], "it has ended")
        until(lambda: judge.documents["gateway/gw/oven/status"]["alarms"] == 0, "the status says so")
        until(lambda: len(rows(judge)) == 3, "the readings by which it changed")
        assert gateway.stop() == 0
        events = [one for one in gateway.events() if one["event"].startswith("alarm.")]
    assert rows(judge) == [(1, 20.5, None, 0), (3, 71.1, "above", 1), (6, 69.0, None, 2)]
    assert [(one["event"], one["sensor"], one["state"]) for one in events] == [
        ("alarm.raised", "temperature", "above"),
        ("alarm.cleared", "temperature", "above"),
    ]


def rows(judge):
    """(seq, value, alarm, condensed) of each reading that came."""
    found = []
    for one in judge.features:
        each = [dict(zip(one["columns"], row, strict=True)) for row in one["rows"]] if "rows" in one else [one]
        found += [(row["seq"], row["value"], row.get("alarm"), row.get("condensed") or 0) for row in each]
    return found


@pytest.mark.slow
def test_a_band_with_a_heartbeat(tmp_path, mosquitto, judge):
    """What differs by the band is sent at once, and the same value when the heartbeat has passed; all is counted."""
    how = '[[sensors]]\nmatch = "*"\nband = 0.5\nheartbeat = "3s"\n'
    with Board(name="oven") as board, running(tmp_path, text(mosquitto.port, board, how + PATIENT)) as gateway:
        begin(board, gateway, 20.0, 20.4, 19.6, 20.5, 20.1, 20.0)
        until(lambda: len(judge.features) == 3, "those that differ", 20)
        began = judge.features[-1]["seq"]

        def beats():
            say(board, 20.0)
            return len(judge.features) > 3

        until(beats, "the heartbeat", 10)
        assert gateway.stop() == 0
        until(lambda: judge.documents["gateway/gw/status"]["state"] == "offline", "the last document")
    assert [row[1] for row in rows(judge)] == [20.0, 20.5, 20.0, 20.0]
    status, last = judge.documents["gateway/gw/status"], judge.features[-1]
    assert last["seq"] - began - 1 == last["condensed"]
    assert status["condensed"] + status["acknowledged"] == status["readings"] and status["balanced"]


def away(judge, mosquitto, board, gateway):
    """The broker goes, and an alarm begins, ends and begins meanwhile."""
    begin(board, gateway, 20)
    until(lambda: alarms(judge) == [(None, 20.0)], "the first", 20)
    mosquitto.stop()
    until(lambda: [event for event in gateway.events() if event["event"] == "broker.lost"], "it is away", 20)
    say(board, 72, 60, 73)
    until(lambda: [event for event in gateway.events() if event["event"] == "alarm.raised"], "it has begun", 20)


AWAY = [(1, 20.0, None, 0), (2, 72.0, "above", 0), (3, 60.0, None, 0), (4, 73.0, "above", 0)]


@pytest.mark.slow
@pytest.mark.parametrize("mosquitto", [["persistence true"]], indirect=True)  # or it forgets the judge's session
def test_after_an_outage_the_newest_state_is_there(tmp_path, mosquitto, judge):
    """What began and ended meanwhile is in the readings; the topic is told of how it is now."""
    with Board(name="oven") as board, running(tmp_path, text(mosquitto.port, board, HOT)) as gateway:
        away(judge, mosquitto, board, gateway)
        mosquitto.start()
        until(lambda: alarms(judge)[1:] == [("above", 73.0)], "the newest state", 30)
        until(lambda: len(judge.features) == 4, "the readings", 30)
        assert gateway.stop() == 0
    assert sorted(rows(judge)) == AWAY


@pytest.mark.slow
@pytest.mark.parametrize("mosquitto", [["persistence true"]], indirect=True)  # or it forgets the judge's session
def test_readings_from_the_disk_have_their_alarm(tmp_path, mosquitto, judge):
    """Those of a run before too; what is retained is as that run could tell it last, until this one has a reading."""
    with Board(name="oven") as board:
        with running(tmp_path, text(mosquitto.port, board, HOT)) as gateway:
            away(judge, mosquitto, board, gateway)
            assert gateway.stop() == 0
        assert spooled(tmp_path / "state") == 3
        mosquitto.start()
        with running(tmp_path, text(mosquitto.port, board, HOT)) as gateway:
            until(lambda: len(judge.features) == 4, "the readings", 30)
            assert sorted(rows(judge)) == AWAY
            assert len([one for one in judge.features if one.get("replayed")]) == 3
            assert alarms(judge) == [(None, 20.0)]
            begin(board, gateway, 74, start=2)
            until(lambda: alarms(judge)[1:] == [("above", 74.0)], "it is told of", 20)
            assert gateway.stop() == 0


@pytest.mark.slow
def test_what_a_killed_run_has_left_is_put_right(tmp_path, mosquitto, judge):
    """The alarm of the run before stays retained until the next one knows better: with its first reading, here."""
    with Board(name="oven") as board:
        with running(tmp_path, text(mosquitto.port, board)) as gateway:
            begin(board, gateway, 80)
            until(lambda: alarms(judge) == [("above", 80.0)], "it has begun", 20)
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait(5)
        assert json.loads(retained(mosquitto.port)[TOPIC])["state"] == "above"
        with running(tmp_path, text(mosquitto.port, board)) as gateway:
            begin(board, gateway, 20, start=2)
            until(lambda: alarms(judge)[1:] == [(None, 20.0)], "it is put right", 20)
            assert gateway.stop() == 0
    assert json.loads(retained(mosquitto.port)[TOPIC])["state"] is None


@pytest.mark.slow
def test_a_reload(tmp_path, mosquitto, judge):
    """Other limits let an alarm go on until a value ends it; without one its topic is cleared, and where a board goes.

    What holds for sending alone leaves the windows as they are.
    """
    with Board(name="oven") as board, running(tmp_path, text(mosquitto.port, board)) as gateway:

        def reload(new):
            reloads = lambda: len([one for one in gateway.events() if one["event"] == "config.reloaded"])  # noqa: E731
            before = reloads()
            gateway.file.write_text(new)
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda: reloads() > before, "it is read again", 20)

        begin(board, gateway, 72, 73)
        until(lambda: alarms(judge) == [("above", 72.0)], "it has begun", 20)
        reload(text(mosquitto.port, board, HOT.replace("71", "80") + PATIENT))
        say(board, 79)
        until(lambda: len(judge.features) == 3, "a reading in the new hysteresis")
        assert (judge.features[-1]["alarm"], judge.features[-1]["n"]) == ("above", 3)
        say(board, 78)
        until(lambda: alarms(judge)[1:] == [(None, 78.0)], "it has ended")
        say(board, 90)
        until(lambda: alarms(judge)[2:] == [("above", 90.0)], "it has begun")
        reload(text(mosquitto.port, board, PATIENT))
        until(lambda: TOPIC not in judge.documents, "the topic is cleared")
        say(board, 91)
        until(lambda: len(judge.features) == 6, "a reading without an alarm")
        assert "alarm" not in judge.features[-1] and judge.features[-1]["n"] == 6
        reload(text(mosquitto.port, board))
        say(board, 92)
        until(lambda: judge.documents.get(TOPIC, {}).get("value") == 92.0, "it is watched again")
        reload(text(mosquitto.port, board).replace('"oven"', '"kiln"'))
        until(lambda: not {TOPIC, TOPIC.replace("alarm", "last")} & set(judge.documents), "both are cleared")
        assert gateway.stop() == 0
    kept = retained(mosquitto.port)
    assert not [topic for topic in kept if "/oven/" in topic], kept
