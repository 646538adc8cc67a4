"""A bridge of brokers by docs/examples/bridge.conf: what a site's gateways write is at the central one."""

import re

import pytest

from .brokers import Mosquitto
from .street import ROOT, until
from .test_consumer import member
from .test_fleet import ended, fleet, inventory, written

BRIDGE = ROOT / "docs" / "examples" / "bridge.conf"


@pytest.fixture
def bridged(tmp_path):
    """A central broker, and one of a site with docs/examples/bridge.conf, at this machine's ports."""
    (tmp_path / "central").mkdir()
    (tmp_path / "site").mkdir()
    central = Mosquitto(tmp_path / "central", ["persistence true"])
    text = re.sub(r"(?m)^(max_queued_messages|persistence) .*\n", "", BRIDGE.read_text())
    text = text.replace("central.lan:1883", f"127.0.0.1:{central.port}").replace(
        "restart_timeout 1 30", "restart_timeout 1"
    )
    site = Mosquitto(tmp_path / "site", ["persistence true", *text.splitlines()])
    central.start()
    site.start()
    yield central, site
    site.kill()
    central.kill()


@pytest.mark.slow
def test_a_bridge_of_brokers(bridged, tmp_path):
    """Gateways of a site are in the central inventory, and all their readings come there, each once: also what they
    sent while the line was down, though the site's broker is restarted before it is back.
    """
    central, site = bridged
    with (
        member(tmp_path, 1, central.port), member(tmp_path, "guard", central.port),
        fleet(site.port, (3, "light", "--rate", "40"), (1, "stops", "--rate", "40")) as (lights, stops),
    ):  # fmt: skip
        with inventory(central.port) as seen:
            until(lambda: seen.states() == {"online": 4}, "all are there", 20)
            until(lambda: len(written(tmp_path)) == 4, "readings of all", 20)
            sent = ended(stops)
            until(lambda: seen.states() == {"online": 3, "offline": 1}, "one has stopped", 20)
        until(lambda: rows(sent).items() <= written(tmp_path).items(), "all of it is written", 20)
        before = written(tmp_path)
        central.stop()
        lines = site.log.count("Received PUBLISH from gateway-light-")
        until(lambda: site.log.count("Received PUBLISH from gateway-light-") > lines + 200, "readings meanwhile", 20)
        sent |= ended(lights)
        site.stop()
        site.start()
        central.start()
        with inventory(central.port) as seen:
            until(lambda: seen.states() == {"offline": 4}, "as it is at the site", 40)
        until(lambda: written(tmp_path) == rows(sent), "all that they sent is written", 40)
        assert written(tmp_path)["light-0"] > before["light-0"]


def rows(sent):
    """What is written when all is there that was sent."""
    return {name: (4 * most, most) for name, most in sent.items()}
