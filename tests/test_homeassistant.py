"""A real Home Assistant at a real mosquitto: what it makes of what the gateway tells it, in good times and bad."""

import itertools
import json
import os
import pty
import signal
import subprocess
import threading

import pytest

from gateway.publish.home.measures import CLASSES, OF_QUANTITY, OWN_KIND, PER_SECOND, PLAIN, SPREADS
from gateway.publish.home.nouns import Board as Told
from gateway.publish.home.nouns import Place, Sensor
from gateway.publish.home.pages import pages
from gateway.publish.naming import Naming
from gateway.shown import shown
from simulators import Board
from tests.brokers import Mosquitto
from tests.homes.running import PROGRAM, HomeAssistant, Missing, installed
from tests.street import Gateway, until

from .test_home_pages import GOLDEN, HOSTILE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.outside,
    pytest.mark.timeout(1200),
    pytest.mark.xdist_group("homeassistant"),
]
SILENT = 3.0  # s
ODD = "T '{{ 1/0 }} <b>"
CLEARING = "No device components to cleanup"  # it says so of its own clearing, once for each entity of a device
KEYS = {"normalized", "feature", "mean", "std", "min", "max", "quality"}


@pytest.fixture(scope="module")
def python():
    """A Python that has Home Assistant."""
    try:
        return installed()
    except Missing as error:
        pytest.skip(str(error))


def check(python, messages):
    """What it has to say against them."""
    program = PROGRAM.with_name("schema.py")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [python, program], input=json.dumps(messages), capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_takes_the_golden_messages(python):
    """By its own schema, key for key; and the check bites."""
    golden = json.loads((GOLDEN / "expected.json").read_text())
    assert check(python, golden) == []
    bench = golden["homeassistant/device/gateway-greenhouse-1/bench/config"]
    bench["components"]["S3--value"]["unit_of_measurement"] = "%"
    bench["components"]["S3--mean"]["colour"] = "red"
    assert len(check(python, golden)) == 2


def test_it_takes_every_measure(python):
    """Each unit of each class, each quantity, and each feature of it, together."""
    kinds = {(unit, "") for _, units in CLASSES.values() for unit in units.split()} | {
        (unit, quantity) for quantity, unit in OF_QUANTITY
    }
    odd = {("ppm", "gas"), ("%", ""), ("", ""), ("furlong", ""), ("lux", "light"), ("%RH", "humidity"), (" \x00", "")}
    keys = (*PLAIN, *SPREADS, *PER_SECOND, *OWN_KIND, "my_own")
    slots = [Sensor(f"S{n}", unit, of, keys) for n, (unit, of) in enumerate(sorted(kinds | odd))]
    slots.append(Sensor(HOSTILE, "°C", "", keys, alarm=True))
    found = pages("ha", Place(Naming("gw", "gateway", "run")), "1", [Told("b", tuple(slots))])
    assert len(slots) > 70
    assert check(python, {topic: json.loads(text) for topic, text in found.messages.items()}) == []


class Json:
    """A board that says what no simulated one does: a hostile name, another quantity, a value that is none."""

    def __init__(self):
        self._ours, theirs = pty.openpty()
        self.path, self._theirs = os.ttyname(theirs), theirs
        self.broken = False
        self._over = threading.Event()
        self._talking = threading.Thread(target=self._talk)
        self._talking.start()

    def _talk(self):
        for number in itertools.count():
            if self._over.wait(0.2):
                return
            probe = -127 if self.broken else 21.5 + number % 7 / 10
            values = {ODD: 40.25, "probe": probe, "humidity": 48.5, "pressure": 1013.25}
            os.write(self._ours, json.dumps(values).encode() + b"\n")

    def close(self):
        self._over.set()
        self._talking.join()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture(scope="module")
def scene(python, tmp_path_factory):
    """A broker, a gateway with two boards, and Home Assistant, which has found them."""
    folder = tmp_path_factory.mktemp("scene")
    broker, odd = Mosquitto(folder), Json()
    broker.start()
    with Board(kind="kv", sensors=3, rate=5, name="bench") as bench:
        text = f"""
            [gateway]
            id = "greenhouse-1"
            [mqtt]
            url = "mqtt://127.0.0.1:{broker.port}"
            [[boards]]
            name = "bench"
            port = "{bench.path}"
            silent = "{SILENT:.0f}s"
            [[boards]]
            name = "odd"
            port = "{odd.path}"
            format = "json"
            also = ["humidity", "pressure"]
            none = [-127]
            [[sensors]]
            match = "odd/humidity"
            unit = "%"
            alarm = {{ above = 40 }}
            [[sensors]]
            match = "odd/pressure"
            unit = "hPa"
        """
        home = HomeAssistant(python, folder / "home", broker.port)
        made = Scene(broker, bench, odd, Gateway(folder, text), home, folder, text)
        try:
            home.start()
            yield made
        finally:
            home.stop()
            made.gateway.kill()
            broker.kill()
            odd.close()


class Scene:
    """All that there is. values: of Home Assistant's entities, the state of each sensor's value."""

    def __init__(self, broker, bench, odd, gateway, home, folder, text):
        self.broker, self.bench, self.odd, self.gateway, self.home = broker, bench, odd, gateway, home
        self._folder, self._text = folder, text

    BENCH = tuple(f"sensor.greenhouse_1_bench_t{number}" for number in (1, 2, 3))
    ODD = tuple(f"sensor.greenhouse_1_odd_{name}" for name in ("probe", "humidity", "pressure"))

    def restart(self):
        """A new gateway in the place of one that has been killed."""
        self.gateway = Gateway(self._folder, self._text)

    def values(self, entities):
        states = self.home.states()
        return [states.get(entity) for entity in entities]

    def fresh(self, entities, patience=60):
        """Until each of them has a number."""
        assert self.gateway.process.poll() is None, self.gateway.log.read_text()
        until(lambda: all(map(number, self.values(entities))), f"{entities} have values", patience)

    def away(self, entities, patience):
        """Until each of them is unavailable."""
        until(lambda: set(self.values(entities)) == {"unavailable"}, f"{entities} are unavailable", patience)


def number(state):
    return state is not None and state.lstrip("-").replace(".", "", 1).isdigit()


def test_every_sensor_is_there_with_class_unit_and_a_number(scene):
    """Values are enabled, features are there and off, boards are below their gateway; nothing is complained of."""
    scene.fresh(scene.BENCH + scene.ODD, 120)
    seen = scene.home.look()
    kinds = {
        entity: (one.get("device_class"), one.get("unit_of_measurement"), one.get("state_class"))
        for entity, one in seen["states"].items()
    }
    for entity in scene.BENCH:
        assert kinds[entity] == ("temperature", "°C", "measurement")
    assert kinds["sensor.greenhouse_1_odd_humidity"] == ("humidity", "%", "measurement")
    assert kinds["sensor.greenhouse_1_odd_pressure"] == ("pressure", "hPa", "measurement")
    states = scene.home.states()
    assert states["binary_sensor.greenhouse_1_odd_humidity_alarm"] == "on"
    assert states["binary_sensor.greenhouse_1_bench_status"] == "on"
    assert states["binary_sensor.greenhouse_1_bench_problem"] == "off"
    assert states["binary_sensor.greenhouse_1_status"] == "on"
    assert states["sensor.greenhouse_1_boards"] == "2"
    devices = {one["name"]: one for one in seen["devices"].values()}
    (top,) = [key for key, one in seen["devices"].items() if one["name"] == "greenhouse-1"]
    assert devices["bench"]["via"] == devices["odd"]["via"] == top
    of_t1 = [one for one in seen["entities"].values() if "--bench--T1--" in one["unique_id"]]
    assert {one["unique_id"].rpartition("--")[2] for one in of_t1 if one["disabled"]} == KEYS
    assert len(seen["entities"]) == 10 + 2 * 3 + 7 * 8 + 1  # of the gateway, two boards, seven sensors, an alarm
    assert scene.home.complaints() == []


def test_a_hostile_name_is_a_name(scene):
    """It is shown, and nothing in it is run."""
    scene.fresh(scene.BENCH + scene.ODD, 120)
    odd = [one for one in scene.home.look()["states"].values() if "1/0" in one.get("friendly_name", "")]
    assert [(one["state"], one["friendly_name"]) for one in odd] == [("40.25", f"odd {shown(ODD)}")]


def test_a_probe_that_fails_is_unavailable_and_its_neighbours_stay(scene):
    """A sensor's own mark for an error is its own trouble."""
    scene.fresh(scene.BENCH + scene.ODD, 120)
    scene.odd.broken = True
    scene.away(scene.ODD[:1], 15)
    assert all(map(number, scene.values(scene.ODD[1:] + scene.BENCH)))
    scene.odd.broken = False
    scene.fresh(scene.ODD)


def test_a_board_that_is_unplugged_is_unavailable_and_the_others_stay(scene):
    """Within its silence time; and it is back when it is plugged in again, under whatever number."""
    scene.fresh(scene.BENCH + scene.ODD, 120)
    scene.bench.unplug()
    scene.away(scene.BENCH, SILENT + 2)
    assert all(map(number, scene.values(scene.ODD)))
    assert scene.home.states()["binary_sensor.greenhouse_1_bench_status"] == "off"
    scene.home.stop()
    scene.home.start()
    scene.fresh(scene.ODD)
    assert set(scene.values(scene.BENCH)) == {"unavailable"}, "no old value after a restart of Home Assistant"
    scene.bench.plug()
    scene.fresh(scene.BENCH)


def test_a_gateway_that_is_killed_takes_all_with_it_and_brings_all_back(scene):
    """No value is shown while nobody vouches for it, over restarts of Home Assistant and of the gateway."""
    scene.fresh(scene.BENCH + scene.ODD, 120)
    scene.gateway.kill()
    scene.away(scene.BENCH + scene.ODD, 10)
    assert scene.home.states()["binary_sensor.greenhouse_1_status"] == "off"
    scene.home.stop()
    scene.home.start()
    until(
        lambda: scene.home.states().get("binary_sensor.greenhouse_1_status") == "off", "it has heard of the gateway", 60
    )
    seen = []
    until(
        lambda: seen.append(scene.values(scene.BENCH + scene.ODD)) or len(seen) > 100,
        "it was looked at for a while",
        60,
    )
    assert {state for states in seen for state in states} <= {"unavailable", None}
    scene.restart()
    scene.fresh(scene.BENCH + scene.ODD)
    assert scene.home.complaints() == []


def test_rubbish_on_our_topics_stops_nobody(scene):
    """Null, other types and no JSON in status and last: entities go on when what is right is back."""
    scene.fresh(scene.BENCH + scene.ODD, 120)
    base = "gateway/greenhouse-1/bench"
    for payload in ("null", "[]", '{"state": null, "sensors": null, "value": null}', "x", '{"value": "x"}'):
        for topic in (f"{base}/status", f"{base}/T1/last"):
            subprocess.run(
                ["mosquitto_pub", "-p", str(scene.broker.port), "-r", "-t", topic, "-s"],
                input=payload.encode(), check=True, timeout=10,
            )  # fmt: skip
    scene.fresh(scene.BENCH, 90)
    assert scene.home.complaints() == []


def test_a_sensor_that_is_called_otherwise_leaves_the_others_alone(scene):
    """The old name's entities go, the new name's come, and those beside them are not touched."""
    scene.fresh(scene.BENCH + scene.ODD, 120)
    renamed = scene._text + '[[sensors]]\nmatch = "bench/T1"\nname = "boiler"\n'
    scene.gateway.file.write_text(renamed)
    scene.gateway.process.send_signal(signal.SIGHUP)
    scene.fresh(("sensor.greenhouse_1_bench_boiler",))
    until(lambda: scene.values(scene.BENCH[:1]) == [None], "the old one is gone", 20)
    assert all(map(number, scene.values(scene.BENCH[1:])))
    scene.gateway.file.write_text(scene._text)
    scene.gateway.process.send_signal(signal.SIGHUP)
    scene.fresh(scene.BENCH)
    until(lambda: scene.values(("sensor.greenhouse_1_bench_boiler",)) == [None], "and back", 20)
    assert not [one for one in scene.gateway.events() if one["event"] == "discovery.overwritten"]
    assert scene.home.complaints() == []


def test_a_device_that_is_deleted_there_comes_back_and_one_that_leaves_goes(scene):
    """What is emptied is announced again; what leaves the configuration takes its entities along."""
    scene.fresh(scene.BENCH + scene.ODD, 120)
    topic = "homeassistant/device/gateway-greenhouse-1/bench/config"
    subprocess.run(["mosquitto_pub", "-p", str(scene.broker.port), "-r", "-t", topic, "-n"], check=True, timeout=10)
    until(lambda: set(scene.values(scene.BENCH)) == {None}, "it is gone", 30)
    scene.fresh(scene.BENCH)
    assert [one["emptied"] for one in scene.gateway.events() if one["event"] == "discovery.overwritten"] == [True]
    assert scene.gateway.stop() == 0
    first, _, rest = scene._text.partition("[[boards]]")
    scene._text = f"{first}[[boards]]{rest.partition('[[boards]]')[2]}"
    scene.restart()
    until(lambda: set(scene.values(scene.BENCH)) == {None}, "the board has left", 60)
    scene.fresh(scene.ODD)
    assert not [line for line in scene.home.complaints() if CLEARING not in line]
