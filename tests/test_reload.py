"""SIGHUP: the configuration is read again; what is right is taken over, and what is as before is not touched."""

import contextlib
import fcntl
import os
import signal
import socket

import pytest

from gateway.config import changes, load
from simulators import Board

from .street import Judge, configuration, running, until

BOARD = '\n[[boards]]\nname = "{}"\nport = "/dev/{}"\n'


def config(folder, text):
    """A checked configuration."""
    file = folder / "gateway.toml"
    file.write_text(text)
    return load(file)


@pytest.mark.parametrize(
    ("before", "now", "gone", "changed", "opened", "later"),
    [
        ("", "", (), (), (), ()),
        ("", BOARD.format("b", "b"), (), (), ("b",), ()),
        (BOARD.format("b", "b"), "", ("b",), (), (), ()),
        (BOARD.format("b", "b"), BOARD.format("b", "c"), (), ("b",), (), ()),
        (BOARD.format("b", "b"), BOARD.format("c", "b"), ("b",), (), ("c",), ()),
        ("[gateway]\ntags = {}", '[gateway]\ntags = { site = "x" }', (), ("a",), (), ()),
        ("", "[mqtt]\nurl = 'mqtt://other'\nversion = '3.1.1'", (), (), (), ()),
        ("", "[mqtt]\nprefix = 'x'\npayload = 'rows'\nevery = '1s'", (), (), (), ("mqtt.prefix", "mqtt.payload")),
        ("", "[mqtt]\nurl = 'embedded'", (), (), (), ("mqtt",)),
        ("", "[features]\nuse = ['mean']", (), (), (), ()),
        ("", "[spool]\nat_risk = '2s'\n[compute]\nworkers = 3", (), (), (), ("compute.workers", "spool.at_risk")),
        ("", BOARD.format("found", "auto").replace("/dev/auto", "auto"), (), (), (), ('boards with port = "auto"',)),
    ],
)
def test_what_a_new_file_changes(tmp_path, before, now, gone, changed, opened, later):
    """Boards come, go, and have other settings; what is read at the start is named."""
    one, two = (config(tmp_path, BOARD.format("a", "a") + text) for text in (before, now))
    found = changes(one, two)
    assert (found.gone, found.later) == (gone, later)
    assert [tuple(board.name for board in some) for some in (found.changed, found.opened)] == [changed, opened]


@pytest.mark.slow
def test_a_reload_touches_what_has_changed(tmp_path, mosquitto):
    """One board is changed and one goes; the third keeps its port, its run and its numbers, with the new features.

    The one that went comes back later, and its numbers go on.
    """
    judge = Judge(mosquitto.port)
    with Board(kind="kv", sensors=1, rate=50, name="a") as a, Board(kind="kv", sensors=1, rate=50, name="b") as b:
        with Board(kind="kv", sensors=1, rate=50, name="c") as c:
            ports = {"a": a.path, "b": b.path, "c": c.path}
            with running(tmp_path, configuration(mosquitto.port, ports)) as gateway:
                until(lambda: len(judge.sensors) == 3, "all boards are read")
                held = descriptors(gateway.process.pid)
                del ports["c"]
                text = configuration(mosquitto.port, ports, extra='[features]\nuse = ["median"]\nwindow = 5')
                gateway.file.write_text(text.replace(f'port = "{b.path}"', f'port = "{b.path}"\nmax_line = "1kB"'))
                gateway.process.send_signal(signal.SIGHUP)
                (told,) = until(lambda: [e for e in gateway.events() if e["event"] == "config.reloaded"], "it is told")
                assert (told["changed"], told["opened"], told["gone"], told["later"]) == (["b"], [], ["c"], [])
                until(lambda: judge.of("a", "T1")[-1].get("median") is not None, "the new features")
                until(lambda: judge.of("b", "T1")[-1].get("median") is not None, "of the changed board, too")
                now = descriptors(gateway.process.pid)
                assert all(now[os.path.realpath(one.path)] == held[os.path.realpath(one.path)] for one in (a, b))
                assert os.path.realpath(c.path) not in now
                gateway.process.send_signal(signal.SIGHUP)  # what was kept of c goes
                until(lambda: len([e for e in gateway.events() if e["event"] == "config.reloaded"]) == 2, "again")
                seen = len(judge.of("c", "T1"))
                gateway.file.write_text(configuration(mosquitto.port, ports | {"c": c.path}))
                gateway.process.send_signal(signal.SIGHUP)
                until(lambda: len(judge.of("c", "T1")) > seen + 5, "c is back")
                assert gateway.stop() == 0
    for board in "abc":
        rows = judge.of(board, "T1")
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        assert len({row["run"] for row in rows}) == 1
    judge.close()


def test_a_changed_board_loses_nothing(tmp_path, mosquitto, judge):
    """Its port stays open, whatever else of its table has changed, and each of its lines is a reading; with another
    rate it is opened anew. Both are told.
    """
    with Board(kind="kv", sensors=1, rate=200, name="a") as a, Board(kind="kv", sensors=1, rate=200, name="b") as b:
        text = configuration(mosquitto.port, {"a": a.path, "b": b.path}, each='format = "kv"')
        table = f'port = "{b.path}"\n'
        with running(tmp_path, text) as gateway:
            until(lambda: len(judge.features) > 200, "readings flow")
            held = descriptors(gateway.process.pid)
            reloads = [f'{table}max_line = "{number}kB"\ntags = {{ number = "{number}" }}\n' for number in range(1, 9)]
            for number, one in enumerate(reloads, 1):
                gateway.file.write_text(text.replace(table, one))
                gateway.process.send_signal(signal.SIGHUP)
                want = {"number": str(number)}
                until(lambda: judge.of("b", "T1")[-1].get("tags") == want, "it is taken over")  # noqa: B023
            assert descriptors(gateway.process.pid).items() >= {
                (path, fd) for path, fd in held.items() if path.startswith("/dev/pts/")
            }
            last, topic = judge.of("b", "T1")[-1]["seq"], "gateway/gw/b/status"
            document = until(lambda: (d := judge.documents[topic])["readings"] >= last and d, "it is counted", 40)
            assert (document["refused"], document["reopened"]) == ({}, 0)
            assert document["noise"] == judge.documents["gateway/gw/a/status"]["noise"], "what both say as they begin"
            (told,) = [e for e in gateway.events() if e["event"] == "config.reloaded"][:1]
            assert (told["changed"], told["opened"], told["gone"]) == (["b"], [], [])
            gateway.file.write_text(text.replace(table, f"{table}baud = 9600\n"))
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda: judge.documents["gateway/gw/b/status"]["baud"] == 9600, "it is opened anew")
            assert gateway.stop() == 0
    rows = judge.of("a", "T1")
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_board_that_goes_and_is_back_at_once(tmp_path, mosquitto, judge):
    """Its document is taken back, and is there again at once, whatever was told of it before."""
    with Board(kind="kv", sensors=1, rate=50, name="a") as a, Board(kind="kv", sensors=1, rate=50, name="b") as b:
        both = configuration(mosquitto.port, {"a": a.path, "b": b.path})
        with running(tmp_path, both) as gateway:
            topic = "gateway/gw/b/status"
            until(lambda: judge.documents.get(topic, {}).get("state") == "online", "it is told of")
            until(lambda: judge.documents[topic]["sensors"], "with its sensor")
            since = judge.documents[topic]["since"]
            for text in (configuration(mosquitto.port, {"a": a.path}), both):
                held = descriptors(gateway.process.pid)
                gateway.file.write_text(text)
                gateway.process.send_signal(signal.SIGHUP)
                until(lambda: descriptors(gateway.process.pid).keys() != held.keys(), "it is taken over")  # noqa: B023
            until(lambda: judge.documents.get(topic, {}).get("since", since) != since, "it is told of again", 5)
            assert gateway.stop() == 0


def descriptors(pid):
    """What a process has open, and since when: path -> number of the descriptor."""
    folder = f"/proc/{pid}/fd"
    return {os.path.realpath(f"{folder}/{fd}"): fd for fd in os.listdir(folder)}


@pytest.mark.parametrize(
    "text", ["no TOML", "[gateway]\nidd = 'x'\n[mqtt]\nversion = 7", "x = " + "[" * 5000 + "]" * 5000]
)
def test_a_reload_with_an_error(tmp_path, mosquitto, text):
    """The configuration before stays; all problems are told in one event."""
    judge = Judge(mosquitto.port)
    with Board(kind="kv", sensors=1, rate=50, name="a") as board:
        with running(tmp_path, configuration(mosquitto.port, {"a": board.path})) as gateway:
            until(lambda: judge.features, "readings flow")
            gateway.file.write_text(text)
            gateway.process.send_signal(signal.SIGHUP)
            (told,) = until(lambda: [e for e in gateway.events() if e["event"] == "config.refused"], "it is told")
            assert len(told["problems"]) == (3 if "idd" in text else 1)
            seen = len(judge.features)
            until(lambda: len(judge.features) > seen + 20, "readings flow on")
            assert gateway.stop() == 0
    judge.close()


@pytest.mark.slow
def test_a_reload_whose_file_hangs(tmp_path):
    """The opening of the file does not return: that is told after 5 s, and the next SIGHUP reads the file."""
    text = configuration(1, {"a": "/dev/ttyX0"})
    with running(tmp_path, text) as gateway:
        until(lambda: [e for e in gateway.events() if e["event"] == "service.started"], "it runs")
        with held(gateway.file):
            gateway.process.send_signal(signal.SIGHUP)
            (told,) = until(lambda: [e for e in gateway.events() if e["event"] == "config.refused"], "it is told")
            assert told["problems"] == ["it could not be read within 5 s; see that its disk answers, reload again"]
            gateway.file.rename(tmp_path / "hangs")
            gateway.file.write_text(text)
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda: [e for e in gateway.events() if e["event"] == "config.reloaded"], "it is read")
        assert gateway.stop() == 0


@contextlib.contextmanager
def held(file):
    """A lease on the file: whoever opens it waits, for up to 45 s."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    lease = os.open(file, os.O_RDONLY)
    try:
        fcntl.fcntl(lease, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(lease)
        signal.signal(signal.SIGIO, before)


def test_a_reload_while_the_file_is_a_pipe(tmp_path):
    """It is refused, and the next SIGHUP reads the file that is there again."""
    with running(tmp_path, configuration(1, {"a": "/dev/ttyX0"})) as gateway:
        until(lambda: [e for e in gateway.events() if e["event"] == "service.started"], "it runs")
        gateway.file.rename(tmp_path / "aside")
        os.mkfifo(gateway.file)
        gateway.process.send_signal(signal.SIGHUP)
        (told,) = until(lambda: [e for e in gateway.events() if e["event"] == "config.refused"], "it is told", 4)
        assert "is a pipe or a device and no file" in told["problems"][0]
        (tmp_path / "aside").rename(gateway.file)
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: [e for e in gateway.events() if e["event"] == "config.reloaded"], "it is read", 4)
        assert gateway.stop() == 0


def test_the_service_manager_is_told(tmp_path, mosquitto):
    """RELOADING with the time, then READY."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(10)
        with Board(kind="kv", sensors=1, rate=50, name="a") as board:
            text = configuration(mosquitto.port, {"a": board.path})
            with running(tmp_path, text, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as gateway:
                assert b"READY=1" in channel.recv(1000)
                gateway.process.send_signal(signal.SIGHUP)
                lines = dict(line.split("=") for line in channel.recv(1000).decode().splitlines())
                assert lines["RELOADING"] == "1" and int(lines["MONOTONIC_USEC"]) > 0
                assert channel.recv(1000) == b"READY=1\nSTATUS=reading 1 boards"
                gateway.file.write_text("[gateway]\nidd = 1\n[mqtt]\nversion = 7\n" + "[[boards]]\nname = 'a'\n")
                gateway.process.send_signal(signal.SIGHUP)
                assert b"RELOADING=1" in channel.recv(1000)
                ready, status = channel.recv(1000).decode().splitlines()
                assert ready == "READY=1"
                assert "read again and is not taken, the one before goes on: gateway.idd: no such key" in status
                assert status.endswith("(and 2 more)")
                assert gateway.stop() == 0
