"""A reload that concerns the broker: keys and passwords are changed, with no restart and nothing lost."""

import contextlib
import signal
import socket
import subprocess
import time
from itertools import pairwise

import pytest

from simulators import Board
from tests.brokers import Mosquitto, free_port
from tests.certificates import Authority
from tests.street import Judge, configuration, running, until

STATUS = "gateway/gw/status"


@contextlib.contextmanager
def reloading(folder, text):
    """A gateway that runs, and a call that has it read its configuration again and gives the status line that the
    service manager gets then: the log tells of one in 10 s.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(folder / "notify"))
        channel.settimeout(10)

        def heard(start):
            while not (said := channel.recv(4000).decode()).startswith(start):
                pass
            return said.partition("STATUS=")[2]

        def reload():
            gateway.process.send_signal(signal.SIGHUP)
            heard("RELOADING=1")
            return heard("READY=1")

        with running(folder, text, environment={"NOTIFY_SOCKET": str(folder / "notify")}) as gateway:
            heard("READY=1")
            yield gateway, reload


def told(gateway, event):
    return [one for one in gateway.events() if one["event"] == event]


def nothing_is_lost(judge):
    """The judge has each number of each sensor, from 1 on."""
    for board, sensor in judge.sensors:
        seen = sorted({row["seq"] for row in judge.of(board, sensor)})
        assert seen == list(range(1, seen[-1] + 1))


@pytest.fixture
def guarded(tmp_path):
    """A mosquitto whose second listener wants a password, with the folder of its accounts."""
    ports = []

    def account(word):
        subprocess.run(
            ["mosquitto_passwd", "-b", "-c", tmp_path / "accounts", "gw", word], check=True, capture_output=True
        )

    account("first")
    ports.append(free_port())
    broker = Mosquitto(tmp_path, [
        "per_listener_settings true", "allow_anonymous true", f"listener {ports[0]} 127.0.0.1",
        "allow_anonymous false", f"password_file {tmp_path / 'accounts'}", "max_queued_messages 0",
    ])  # fmt: skip
    broker.start()
    judge = Judge(broker.port)
    yield broker, ports[0], account, judge
    judge.close()
    broker.kill()


def secret(folder, name, word):
    (folder / name).write_text(word)
    (folder / name).chmod(0o600)


def test_a_password_is_changed(tmp_path, mosquitto, judge):
    """In the file: a reload connects with the new one at once. Under another name: the same. Where nothing has changed
    the connection stays. Nothing is lost, the window goes on, and no password is told.
    """
    secret(tmp_path, "password", "first")
    with Board(kind="kv", sensors=1, rate=100, name="a") as a:
        text = configuration(mosquitto.port, {"a": a.path}, mqtt='username = "gw"\npassword_file = "password"')
        with reloading(tmp_path, text) as (gateway, reload):
            until(lambda: len(judge.features) > 50, "readings flow")
            assert reload() == "reading 1 boards"
            assert not told(gateway, "broker.lost")
            secret(tmp_path, "password", "second")
            assert reload() == "reading 1 boards"
            until(lambda: told(gateway, "broker.recovered"), "it is connected anew", 3)
            assert mosquitto.log.count("u'gw'") == 2
            seen = len(judge.features)
            until(lambda: len(judge.features) > seen + 50, "readings flow again")
            secret(tmp_path, "elsewhere", "second")
            gateway.file.write_text(text.replace('"password"', '"elsewhere"'))
            secret(tmp_path, "password", "third")
            assert reload() == "reading 1 boards"
            seen = len(judge.features)
            until(lambda: len(judge.features) > seen + 50, "what is in the file is the same")
            assert [one["why"] for one in told(gateway, "broker.lost")] == [
                "it was connected anew, since a reload has changed the way to the broker, or what this gateway shows it"
            ]
            assert gateway.stop() == 0
            log = gateway.log.read_text()
            assert "first" not in log and "second" not in log
    nothing_is_lost(judge)
    rows = judge.of("a", "T1")
    ordered = sorted({row["seq"]: row["n"] for row in rows}.items())
    assert all(after >= before for (_, before), (_, after) in pairwise(ordered)), "the window goes on"


@pytest.mark.slow
def test_a_password_is_changed_on_both_sides(tmp_path, guarded):
    """The broker throws out who has the old one; it is back within seconds, by a reload, and nothing is lost."""
    broker, port, account, judge = guarded
    secret(tmp_path, "password", "first")
    with Board(kind="kv", sensors=1, rate=100, name="a") as a:
        text = configuration(port, {"a": a.path}, mqtt='username = "gw"\npassword_file = "password"')
        with reloading(tmp_path, text) as (gateway, reload):
            until(lambda: len(judge.features) > 50, "readings flow")
            account("second")
            broker.signal(signal.SIGHUP)
            until(lambda: told(gateway, "broker.lost"), "it is thrown out")
            secret(tmp_path, "password", "second")
            assert reload() == "reading 1 boards"
            seen = len(judge.features)
            until(lambda: len(judge.features) > seen + 50, "readings flow again", 15)
            until(lambda: judge.documents[STATUS]["spooled"] == 0, "and all that waited")
            assert gateway.stop() == 0
    nothing_is_lost(judge)


def test_a_wrong_password_and_then_the_right_one(tmp_path, guarded):
    """Without a connection a reload tries at once, and does not wait for the next attempt."""
    _, port, _, judge = guarded
    secret(tmp_path, "password", "wrong")
    with Board(kind="kv", sensors=1, rate=100, name="a") as a:
        text = configuration(port, {"a": a.path}, mqtt='username = "gw"\npassword_file = "password"')
        with reloading(tmp_path, text) as (gateway, reload):
            until(lambda: told(gateway, "broker.refused"), "it is refused")
            secret(tmp_path, "password", "first")
            began = time.monotonic()
            assert reload() == "reading 1 boards"
            until(lambda: judge.features, "readings flow", 8)
            assert time.monotonic() - began < 8, "10 s are the least that it waits otherwise"
            until(lambda: judge.documents[STATUS]["spooled"] == 0, "and all that waited")
            assert gateway.stop() == 0
    nothing_is_lost(judge)


@pytest.mark.slow
def test_another_broker(tmp_path, mosquitto):
    """What `url` names is where it goes from now on, what was on its way too; the one of before is told that we are
    gone. `prefix` and `payload` count later, and that is said.
    """
    (tmp_path / "second").mkdir()
    second = Mosquitto(tmp_path / "second")
    second.start()
    one, two = Judge(mosquitto.port), Judge(second.port)
    with Board(kind="kv", sensors=1, rate=100, name="a") as a:
        with reloading(tmp_path, configuration(mosquitto.port, {"a": a.path})) as (gateway, reload):
            until(lambda: len(one.features) > 50, "readings flow")
            text = configuration(second.port, {"a": a.path}, mqtt='prefix = "x"\npayload = "rows"')
            gateway.file.write_text(text)
            assert reload() == "reading 1 boards"
            until(lambda: len(two.features) > 50, "they flow there", 5)
            assert told(gateway, "config.reloaded")[-1]["later"] == ["mqtt.prefix", "mqtt.payload"]
            until(lambda: one.documents[STATUS]["state"] == "offline", "the will")
            assert two.documents[STATUS]["broker"]["url"] == f"mqtt://127.0.0.1:{second.port}"
            assert gateway.stop() == 0
    seen = {row["seq"] for judge in (one, two) for row in judge.of("a", "T1")}
    assert seen == set(range(1, max(seen) + 1))
    one.close()
    two.close()
    second.kill()


def test_certificates_are_rotated(tmp_path):
    """A new certificate and key in the files: a reload shows the broker the new one; with a file that does not hold
    nothing changes, and log and status say why. Nothing is lost.
    """
    ca = Authority(tmp_path / "ca")
    server, server_key = ca.issue("server")
    port = free_port()
    broker = Mosquitto(tmp_path, [
        "per_listener_settings true", "allow_anonymous true", f"listener {port} 127.0.0.1", f"cafile {ca.certificate}",
        f"certfile {server}", f"keyfile {server_key}", "require_certificate true", "use_identity_as_username true",
        "max_queued_messages 0",
    ])  # fmt: skip
    broker.start()
    judge = Judge(broker.port)
    mine, key = tmp_path / "mine.crt", tmp_path / "mine.key"

    def shown(name):
        for made, place in zip(ca.issue(name), (mine, key), strict=True):
            place.write_bytes(made.read_bytes())
            place.chmod(0o600)

    shown("old")
    with Board(kind="kv", sensors=1, rate=100, name="a") as a:
        text = configuration(port, {"a": a.path}).replace("mqtt://127.0.0.1", "mqtts://127.0.0.1")
        text = text.replace(
            "[mqtt]", f'[mqtt]\nca_file = "{ca.certificate}"\ncert_file = "mine.crt"\nkey_file = "mine.key"'
        )
        with reloading(tmp_path, text) as (gateway, reload):
            until(lambda: len(judge.features) > 50, "readings flow")
            assert "u'old'" in broker.log
            good = key.read_bytes()
            key.write_bytes(b"no key")
            assert "the one before goes on: mqtt.key_file" in reload()
            (refused,) = until(lambda: told(gateway, "config.refused"), "it is refused")
            assert "holds no private key in PEM" in refused["problems"][0]
            fault = until(lambda: judge.documents[STATUS]["faults"].get("config"), "the status says so")
            assert "the one before goes on: mqtt.key_file" in fault["text"]
            key.write_bytes(good)
            assert reload() == "reading 1 boards"
            until(lambda: not judge.documents[STATUS]["faults"], "it is right again")
            assert not told(gateway, "broker.lost")
            shown("new")
            assert reload() == "reading 1 boards"
            until(lambda: "u'new'" in broker.log, "it shows the new one", 5)
            seen = len(judge.features)
            until(lambda: len(judge.features) > seen + 50, "readings flow again")
            assert gateway.stop() == 0
    nothing_is_lost(judge)
    judge.close()
    broker.kill()


def test_the_password_of_our_own_broker(tmp_path):
    """It is that of the start: a reload with another one in the file disturbs nobody, and counts after a restart."""
    port = free_port()
    secret(tmp_path, "password", "first")
    with Board(kind="kv", sensors=1, rate=100, name="a") as a:
        mqtt = f'listen = "127.0.0.1:{port}"\nusername = "gw"\npassword_file = "password"'
        text = configuration(port, {"a": a.path}, mqtt=mqtt).replace(f'"mqtt://127.0.0.1:{port}"', '"embedded"')
        with reloading(tmp_path, text) as (gateway, reload):
            until(lambda: told(gateway, "broker.connected"), "it is connected")
            secret(tmp_path, "password", "second")
            assert reload() == "reading 1 boards"
            words = ["-p", str(port), "-u", "gw", "-P", "first", "-t", "gateway/+/+/+/features", "-C", "9"]
            heard = subprocess.run(["mosquitto_sub", *words], capture_output=True, text=True, timeout=20).stdout
            assert heard.count('"seq"') == 9
            assert not told(gateway, "broker.lost")
            assert gateway.stop() == 0


def test_tags_alone_touch_no_port(tmp_path, mosquitto, judge):
    """They count from the next messages on, and each board is read on with its window."""
    with Board(kind="kv", sensors=1, rate=100, name="a") as a:
        text = configuration(mosquitto.port, {"a": a.path})
        with reloading(tmp_path, text) as (gateway, reload):
            until(lambda: len(judge.features) > 50, "readings flow")
            gateway.file.write_text(text.replace('id = "gw"', 'id = "gw"\ntags = { site = "north" }'))
            assert reload() == "reading 1 boards"
            until(lambda: judge.features[-1].get("tags") == {"site": "north"}, "they are there")
            (event,) = told(gateway, "config.reloaded")
            assert (event["changed"], event["opened"], event["gone"], event["later"]) == (["a"], [], [], [])
            assert gateway.stop() == 0
    rows = judge.of("a", "T1")
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(after["n"] >= before["n"] for before, after in pairwise(rows))
    assert judge.documents["gateway/gw/a/status"]["reopened"] == 0
