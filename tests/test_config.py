"""TOML -> checked values: what is given, what stands in for what is not, and the plan that is told of it."""

import socket
from pathlib import Path

import pytest

from gateway import config
from gateway.config import password, plan_for
from gateway.model import Board, FormatOptions, Plan, Port
from gateway.names import level
from gateway.sending import Sending
from tests.tables import BENCH, loaded


def test_the_least_that_runs(tmp_path: Path) -> None:
    """One board with a name and a port is a whole configuration; all else has the defaults of the contract."""
    made = loaded(tmp_path, BENCH)
    assert made.boards == (Board("bench", Port("/dev/ttyX0")),)
    assert (made.mqtt.url, made.mqtt.host, made.mqtt.port) == ("mqtt://localhost:1883", "localhost", 1883)
    assert (made.mqtt.version, made.mqtt.prefix, made.mqtt.payload, made.workers) == ("5", "gateway", "reading", None)
    assert made.features == Plan() == plan_for(made, "bench", "S1")
    assert level(made.id) == made.id != ""


def test_everything_given(tmp_path: Path) -> None:
    """Each key of the file arrives where the rest of the gateway looks for it, in s, bytes and tuples."""
    (tmp_path / "secret").write_text("p4ss\n")
    (tmp_path / "secret").chmod(0o600)
    made = loaded(
        tmp_path,
        """
        gateway = { id = "greenhouse-1", tags = { site = "north", row = "1" } }
        compute = { workers = 3, linger = "5ms" }
        features = { window = 100, use = ["slope", "median"], scale = [0, 100], max_window = 200 }
        [mqtt]
        url = "mqtt://[::1]"
        username = "u"
        password_file = "secret"
        version = "3.1.1"
        prefix = "site/gw"
        payload = "rows"
        every = "1m"
        listen = "0.0.0.0:1884"
        [[boards]]
        name = "bench"
        port = "socket://Moxa:4001"
        baud = 9600
        serial = "7e1"
        dtr = false
        rts = true
        settle = "1.5s"
        format = "csv"
        columns = ["T1", "", "T2"]
        unit = ["°C", "", "°F"]
        also = ["humidity"]
        none = [-127, 85.0, "--"]
        separator = ";"
        header = false
        decimal = ","
        tags = { row = "2" }
        max_line = "4KiB"
        max_sensors = 8
        silent = "10s"
        on_silence = ["reopen", "dtr"]
        """,
    )
    assert made.mqtt == config.Mqtt(
        "mqtt://[::1]:1883", False, "::1", 1883, ("0.0.0.0", 1884), "u", tmp_path / "secret", "3.1.1", "site/gw",
        "rows", "homeassistant",
    )  # fmt: skip
    options = FormatOptions(
        ("T1", "", "T2"), ("°C", "", "°F"), ("humidity",), (-127.0, 85.0, "--"), ";", False, ",", "", "",
        max_sensors=8,
    )  # fmt: skip
    port = Port("socket://moxa:4001", 9600, "7E1", False, True, 1.5)
    tags = (("site", "north"), ("row", "2"))
    assert made.boards == (Board("bench", port, "csv", options, tags, 4096, 8, 10.0, ("reopen", "dtr")),)
    assert (made.id, made.workers, made.linger, made.max_window) == ("greenhouse-1", 3, 0.005, 200)
    assert made.features == Plan((0.0, 100.0), None, 100, ("slope", "median"))
    assert made.sending == Sending(every=60.0)
    assert password.read(tmp_path / "secret") == "p4ss"


def test_a_board_of_several_lines(tmp_path: Path) -> None:
    """The keys of regex and block arrive; "" is an empty line, and none given is none."""
    made = loaded(
        tmp_path,
        BENCH
        + """
        format = "block"
        pattern = 'T=(?P<T>\\w+)'
        end = ""
        timeout = "10ms"
        base = 16
    """,
    )
    assert made.boards[0].options == FormatOptions(pattern=r"T=(?P<T>\w+)", start=None, end="", timeout=0.01, base=16)


def test_embedded_broker(tmp_path: Path) -> None:
    """With "embedded" the gateway connects to where its own broker listens, from this machine."""
    (tmp_path / "secret").write_text("p")
    secured = 'username = "u"\npassword_file = "secret"\n'
    mqtt = loaded(tmp_path, f'[mqtt]\nurl = "embedded"\nlisten = "0.0.0.0:1900"\n{secured}' + BENCH).mqtt
    assert (mqtt.embedded, mqtt.host, mqtt.port, mqtt.listen) == (True, "127.0.0.1", 1900, ("0.0.0.0", 1900))


def test_host_name_is_the_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an id the host name is it, made a plain topic level."""
    monkeypatch.setattr(socket, "gethostname", lambda: "pi/3+")
    assert loaded(tmp_path, BENCH).id == "pi-3"


def test_plan(tmp_path: Path) -> None:
    """`check` tells boards, ports, topics, features, workers and the most memory that windows take."""
    board = '[[boards]]\nname = "a/b"\nport = "/dev/ttyX1"\nmax_sensors = 10\n'
    text = '[gateway]\nid = "g"\n[features]\nmax_window = 100\n[[sensors]]\nmatch = "*"\nwindow = 7\n' + board
    waiting = {"computing": 20_000, "publishing": 100_000}
    made = config.plan(loaded(tmp_path, text), cores=3, waiting=waiting, state="/var/lib/x")
    assert made["topics"] == ["gateway/g/status"]
    assert made["boards"][0]["topics"] == ["gateway/g/a%2Fb/status", "gateway/g/a%2Fb/<sensor>/features"]
    assert made["workers"] == 3
    assert made["memory"] == {
        "windows_bytes": 10 * 100 * 90,
        "waiting_bytes": 20_000 * 260 + 100_000 * (80 + 4 * 8) + 10 * 9000,
        "custom_bytes": 0,
        "processes_bytes": 75_000_000 + 3 * 35_000_000,
        "web_bytes": 0,
        "most_bytes": 90_000 + 5_200_000 + 11_200_000 + 90_000 + 180_000_000,
    }
    said = "\n".join(config.lines(made))
    board, spool = "a/b: /dev/ttyX1, 115200 8N1, format auto", "/var/lib/x: at most 256"
    for part in (board, "localhost port 1883", "90.0 kB", "16.5 MB", spool):
        assert part in said
    auto = config.plan(loaded(tmp_path, '[gateway]\nid = "g"\n[[boards]]\nname = "b-"\nport = "auto"\n'))
    assert auto["boards"][0]["topics"][0] == "gateway/g/b-<id>/status"
    assert "one a core" in "\n".join(config.lines(auto))
