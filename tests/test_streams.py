"""What is retained of sensors: the newest reading, the alarm; what is told of it again, and what is taken back."""

from gateway.publish.broker import Limits
from gateway.publish.packets import Ack
from gateway.publish.streams import AT_ONCE, OfSensors
from gateway.sending import Alarm, Sending
from tests.made import features
from tests.outboxes import outbox, sent

HOT = Alarm(above=30.0, clear=5.0)


class Sensors:
    """An outbox with a broker that takes all; what holds for its sensors can be changed."""

    def __init__(self, alarm=HOT, **how):
        self.how, self.there, self.seq = Sending(alarm=alarm, **how), True, 0
        of = OfSensors(lambda board: {}, lambda board, sensor: self.how, lambda board, sensor: self.there)
        self.box, self.accounts = outbox(of=of)
        self.box.opened(Limits(), v5=True)

    def say(self, *values, sensor="S1", **more):
        """So many readings in one batch; gives what was published of retained topics meanwhile."""
        first, self.seq = self.seq + 1, self.seq + len(values)
        self.box.put([features(range(first, self.seq + 1), value=values, sensor=sensor, **more)])
        return self.told()

    def told(self):
        """What is published of retained topics now: (last level, document, or None where it is taken back)."""
        found = [publish for publish in sent(self.box) if not publish.topic.endswith("/features")]
        self.box.acked([Ack(number, 0) for number in self.box.window.flights], 0.0)
        assert all(publish.retain and publish.qos == 1 for publish in found)
        return [(one.topic.rpartition("/")[2], one.json if one.payload else None) for one in found]

    def alarm(self, *values, **more):
        """The alarm documents of these readings, without `last`."""
        return [document for kind, document in self.say(*values, **more) if kind == "alarm"]


def test_a_sensors_alarm_is_told_with_its_first_reading_and_when_it_changes():
    """With the time and the value of the reading by which it changed; and not otherwise."""
    s = Sensors()
    assert s.alarm(20.0) == [{"state": None, "since": "2026-11-18T11:06:41.123Z", "value": 20.0}]
    assert s.alarm(29.0, 30.0) == []
    assert s.alarm(29.0, 31.0, 32.0) == [{"state": "above", "since": "2026-11-18T11:06:45.123Z", "value": 31.0}]
    assert s.alarm(26.0, 40.0) == []
    assert s.alarm(25.0) == [{"state": None, "since": "2026-11-18T11:06:49.123Z", "value": 25.0}]


def test_a_run_that_begins_above_says_nothing_before_it_knows():
    """What the run before has left at the broker stays until `for` has passed, or a value is back."""
    s = Sensors(Alarm(above=30.0, hold=2.0))
    assert s.alarm(31.0) == s.alarm(31.0) == []
    assert [one["state"] for one in s.alarm(31.0)] == ["above"]
    s = Sensors(Alarm(above=30.0, hold=2.0))
    assert s.alarm(31.0) == []
    assert [(one["state"], one["value"]) for one in s.alarm(31.0, 20.0, 31.0)] == [(None, 20.0)]


def test_it_is_said_again():
    """Equal to what was said, for whoever has written there; nothing of a sensor without an alarm."""
    s = Sensors()
    first = s.alarm(31.0)
    s.box.streams.again(0.0)
    assert s.told() == [("alarm", first[0])]
    s = Sensors(None)
    s.say(31.0)
    s.box.streams.again(0.0)
    assert s.told() == []


def test_many_are_said_again_in_portions():
    """So that nothing else waits for all of them; with a new connection from the beginning."""
    s = Sensors()
    for number in range(AT_ONCE + 10):
        s.say(31.0, sensor=f"S{number}")
    streams, waiting = s.box.streams, s.box.documents
    assert (len(waiting), streams.again(0.0), len(waiting)) == (0, True, AT_ONCE)
    assert (streams.again(0.0), len(waiting)) == (False, AT_ONCE + 10)
    assert streams.again(0.0)
    s.box.opened(Limits(), v5=True)
    assert streams.again(0.0)


def test_after_an_outage_the_newest_state_is_told():
    """One document a sensor, whatever it has been meanwhile, and also where nothing has changed."""
    s = Sensors()
    s.say(20.0)
    s.say(20.0, sensor="S2")
    s.box.closed(0.0, cut=False)
    for seq, value in ((3, 31.0), (4, 20.0), (5, 32.0)):
        s.box.put([features([seq], value=[value])])
    s.box.opened(Limits(), v5=True)
    s.box.streams.again(0.0)
    found = [(document["state"], document["value"]) for kind, document in s.told() if kind == "alarm"]
    assert sorted(found, key=str) == [("above", 32.0), (None, 20.0)]


def test_how_many_are_on():
    """By board and sensor, as the status has it."""
    s = Sensors(Alarm(above=30.0, below=10.0))
    assert s.box.streams.alarms("bench") == {}
    s.say(31.0)
    s.say(9.0, sensor="S2")
    s.say(20.0, sensor="S3")
    assert s.box.streams.alarms("bench") == {"S1": "above", "S2": "below"}
    s.say(9.0)
    s.say(11.0, sensor="S2")
    assert s.box.streams.alarms("bench") == {"S1": "below"}
    assert {key: (one.word, one.value, one.unit) for key, one in s.box.streams.raised("bench").items()} == {
        "S1": ("below", 9.0, "°C")
    }


def test_an_alarm_that_is_taken_out_of_the_configuration():
    """Its topic is cleared; one that stays as it is keeps its state, and says nothing."""
    s = Sensors()
    s.say(31.0)
    s.box.streams.renew()
    assert s.told() == []
    assert s.alarm(26.0) == []
    s.how = Sending()
    s.box.streams.renew()
    assert s.told() == [("alarm", None)]
    assert s.box.streams.alarms("bench") == {}
    assert s.alarm(40.0) == []
    s.how = Sending(alarm=HOT)
    s.box.streams.renew()
    assert [one["state"] for one in s.alarm(40.0)] == ["above"]


def test_other_limits_count_from_the_next_reading_on():
    """An alarm that is on goes on, until a value ends it by the new ones, which is sent whatever `every` says."""
    s = Sensors(every=1e9)
    s.say(31.0)
    s.how = Sending(alarm=Alarm(above=40.0, clear=5.0), every=1e9)
    s.box.streams.renew()
    assert s.alarm(36.0) == []
    assert [one["value"] for one in s.alarm(34.0)] == [34.0]
    s.say(41.0)
    s.how = Sending(alarm=Alarm(below=10.0), every=1e9)
    s.box.streams.renew()
    before = s.accounts["bench"].condensed
    assert [(one["state"], one["value"]) for one in s.alarm(60.0)] == [(None, 60.0)]
    assert s.accounts["bench"].condensed == before


def test_a_board_that_is_gone():
    """Both are taken back, and what of it is still computed brings neither again; when it is back it begins anew."""
    s = Sensors()
    s.say(31.0)
    s.there = False
    s.box.streams.renew()
    assert sorted(s.told()) == [("alarm", None), ("last", None)]
    assert s.box.streams.alarms("bench") == {}
    assert s.say(20.0, 40.0, mono=[50.0, 51.0]) == []
    s.box.streams.again(0.0)
    assert s.told() == []
    s.there = True
    assert [kind for kind, _ in s.say(40.0)] == ["alarm", "last"]


def test_a_sensor_that_is_called_otherwise():
    """It is noticed when the alarms are said again."""
    s = Sensors(None)
    s.say(20.0)
    s.there = False
    s.box.streams.again(0.0)
    assert s.told() == [("last", None)]


def test_a_board_that_is_forgotten():
    """Nothing of it is left, at the broker or here."""
    s = Sensors()
    s.say(31.0)
    s.box.forget("bench")
    assert sorted(s.told()) == [("alarm", None), ("last", None)]
    s.box.streams.again(0.0)
    assert s.told() == []


def test_readings_of_before_the_clock_was_set():
    """The alarm's time is put right when it is said again."""
    s = Sensors()
    s.box.put([features([1], value=[31.0])], unset_until=9e9)
    assert dict(s.told())["alarm"]["clock"] == "unsynced"
    s.box.streams.again(1_795_000_000.0)
    assert dict(s.told())["alarm"] == {
        "state": "above", "since": "2026-11-18T11:06:41.000Z", "value": 31.0, "clock": "corrected"
    }  # fmt: skip
