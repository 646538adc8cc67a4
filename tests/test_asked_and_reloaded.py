"""A gateway of which much is asked at once: reloads, loans, backups, in any order, while its boards talk."""

import random
import signal
import time

import pytest

from gateway.control.caller import Unheard, ask
from simulators import Board
from simulators.modbus import Unit, modbus_line
from tests.street import running, until

BUS = (
    '[[boards]]\nname = "bus"\nport = "{}"\nbaud = 9600\nformat = "modbus"\nunits = [{{ id = 1, name = "1" }}, '
    '{{ id = 2, name = "2" }}]\nregisters = [{{ name = "t", kind = "input", at = 1, factor = 0.1 }}]\nevery = "{}ms"\n'
)
NAMES = ("a", "b", "bus-1", "bus-2")


@pytest.mark.slow
def test_anything_in_any_order(tmp_path, mosquitto, judge, budget):
    """Boards come, go and change, alone and on a shared line; passwords change; files are wrong; ports are lent and
    taken back; the spool is held. Nothing ends in an error, no number is missing, the ledger balances in each document,
    and in the end each board is online.
    """
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance, secret, state = random.Random(seed), tmp_path / "secret", tmp_path / "state"
    secret.write_text("a")
    secret.chmod(0o600)
    units = {number: Unit(input={1: 230 + number}) for number in (1, 2)}
    a, b = Board(kind="kv", sensors=2, rate=100, name="a"), Board(kind="csv", sensors=3, rate=100, name="b")

    with a, b, modbus_line(units) as line:

        def text(pick=lambda *some: some[0]):
            tables = [
                f'[[boards]]\nname = "{board.name}"\nport = "{board.path}"\nmax_line = "{pick(2, 3)}kB"\n'
                for board in (a, b)
            ]
            kept = [one for one in (*tables, BUS.format(line.path, pick(200, 300))) if pick(True, True, True, False)]
            return (
                f'[gateway]\nid = "gw"\ntags = {{ x = "{pick(1, 2)}" }}\n[mqtt]\nurl = "mqtt://127.0.0.1:'
                f'{mosquitto.port}"\nusername = "u"\npassword_file = "secret"\n{"".join(kept)}'
            )

        with running(tmp_path, text()) as gateway:

            def reload(words):
                gateway.file.write_text(words)
                gateway.process.send_signal(signal.SIGHUP)

            def asked(**request):
                try:
                    return ask([state], request)
                except Unheard as error:
                    assert "no board" in str(error)
                    return {"done": True}

            acts = [
                *[lambda: reload(text(lambda *some: chance.choice(some)))] * 4,
                *[lambda: asked(do="release", board=chance.choice(NAMES), seconds=chance.choice([1, 2, 3600]))] * 3,
                *[lambda: asked(do="take_back", board=chance.choice(NAMES))] * 3,
                lambda: asked(do=chance.choice(["hold", "let_go"])),
                lambda: secret.write_text(chance.choice("abc")),
                lambda: reload("nonsense"),
            ]
            until(lambda: len(judge.sensors) == 7, "all are heard")
            end = time.monotonic() + min(budget, 60)
            while time.monotonic() < end:
                chance.choice(acts)()
                time.sleep(0.3 * chance.random())
            reload(text())
            told = [f"gateway/gw/{name}/status" for name in NAMES]
            until(lambda: all(topic in judge.documents for topic in told), "all boards are read")
            until(lambda: all(asked(do="take_back", board=name)["done"] for name in NAMES), "all are taken back")
            until(lambda: {judge.documents[topic]["state"] for topic in told} == {"online"}, "all are online", 30)
            assert gateway.stop() == 0
    for sensor in judge.sensors:
        seen = {row["seq"] for row in judge.of(*sensor)}
        assert seen == set(range(1, max(seen) + 1)), sensor
    assert all(one["balanced"] for topic, one in judge.history if topic == "gateway/gw/status")
    assert {e["event"] for e in gateway.events() if e["level"] == "error"} <= {"config.refused"}
