"""Many gateways at one broker: the inventory is right, one that is lost is seen, and readings come once."""

import contextlib
import json
import signal
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from .fleet import started
from .street import until
from .test_consumer import member
from .watching import in_a_pipe


class Inventory:
    """What `gateway watch --all --json` says: states by gateway, and when each was said."""

    def __init__(self, process):
        self.rows, self.at = {}, {}
        self._lines = process.stdout
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._lines:
            one = json.loads(line)
            if one["kind"] == "gateway":
                self.rows[one["gateway"]] = one
                self.at[one["gateway"], one["state"]] = time.monotonic()

    def states(self):
        """How many gateways are in each state."""
        rows = list(self.rows.values())
        return {state: sum(one["state"] == state for one in rows) for state in {one["state"] for one in rows}}


@contextlib.contextmanager
def inventory(port):
    """Of the fleet at a broker."""
    with in_a_pipe(["--url", f"mqtt://127.0.0.1:{port}", "--all", "--json"]) as process:
        yield Inventory(process)


@contextlib.contextmanager
def fleet(port, *parts):
    """Processes of gateways: (how many, name, further options) each. Those that still run are ended."""
    processes = []
    try:
        for count, name, *more in parts:
            processes.append(started(port, count, "--name", name, *more))
        yield processes
    finally:
        for one in processes:
            one.kill()
            one.communicate()


def ended(process):
    """Stops gateways; gives what each has sent of each sensor."""
    process.send_signal(signal.SIGTERM)
    return json.loads(process.communicate(timeout=60)[0].splitlines()[-1])["sent"]


def written(folder):
    """What is in the consumers' database: gateway -> (rows, and the highest number of a sensor)."""
    with closing(sqlite3.connect(folder / "readings.db", timeout=60)) as database:
        query = "SELECT gateway, count(*), max(seq) FROM readings GROUP BY gateway"
        return {gateway: (count, most) for gateway, count, most in database.execute(query)}


def test_a_small_fleet(mosquitto, tmp_path):
    """Three gateways in a process are three in the inventory, with boards and rate; stopped, they say so."""
    with fleet(mosquitto.port, (3, "light", "--rate", "40")) as (lights,), inventory(mosquitto.port) as seen:
        until(lambda: seen.states() == {"online": 3}, "all are there")
        assert {one["boards"]["online"] for one in seen.rows.values()} == {1}
        assert min(ended(lights).values()) > 0
        until(lambda: seen.states() == {"offline": 3}, "all have stopped")


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_two_hundred_gateways_at_one_broker(mosquitto, tmp_path):
    """200 are in the inventory; one that is killed is lost at once, one that hangs within 1.5 keep-alives, and comes
    back; two consumers have each reading once.
    """
    parts = [(66, "a"), (66, "b"), (66, "c"), (1, "killed"), (1, "hangs")]
    with (
        member(tmp_path, 1, mosquitto.port), member(tmp_path, 2, mosquitto.port),
        fleet(mosquitto.port, *((*one, "--rate", "4") for one in parts)) as processes,
        inventory(mosquitto.port) as seen,
    ):  # fmt: skip
        until(lambda: seen.states() == {"online": 200}, "all are there", 30)
        *many, killed, hangs = processes
        began = time.monotonic()
        hangs.send_signal(signal.SIGSTOP)
        killed.kill()
        until(lambda: seen.rows["killed-0"]["state"] == "lost", "the killed one is lost", 5)
        until(lambda: seen.rows["hangs-0"]["state"] == "lost", "the one that hangs is lost", 60)
        assert seen.at["hangs-0", "lost"] - began < 1.5 * 30 + 5
        assert seen.states() == {"online": 198, "lost": 2}
        hangs.send_signal(signal.SIGCONT)
        until(lambda: seen.rows["hangs-0"]["state"] == "online", "it is back", 30)
        sent = {name: most for process in (*many, hangs) for name, most in ended(process).items()}
        wanted = {name: (4 * most, most) for name, most in sent.items()}
        until(lambda: {name: written(tmp_path).get(name) for name in sent} == wanted, "all are written", 60)
        count, most = written(tmp_path)["killed-0"]
        assert 4 * (most - 1) <= count <= 4 * most
        until(lambda: seen.states() == {"offline": 199, "lost": 1}, "all have stopped", 20)
    for number in (1, 2):
        assert f"Sending PUBLISH to readings-{number} " in mosquitto.log
