"""TOML -> checked values, and what is told of them before anything runs."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from gateway import config
from gateway.config import Config, password, plan_for, starting_configuration, treatments_for, words
from gateway.config.values import duration, size
from gateway.model import Board, FormatOptions, Plan, Port, Treatment
from gateway.names import level

BENCH = '[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\n'


def loaded(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    return config.load(file)


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
        "mqtt://[::1]:1883", False, "::1", 1883, ("0.0.0.0", 1884), "u", tmp_path / "secret", "3.1.1", "site/gw", "rows"
    )
    options = FormatOptions(
        ("T1", "", "T2"), ("°C", "", "°F"), ("humidity",), (-127.0, 85.0, "--"), ";", False, ",", "", ""
    )
    port = Port("socket://moxa:4001", 9600, "7E1", False, True, 1.5)
    tags = (("site", "north"), ("row", "2"))
    assert made.boards == (Board("bench", port, "csv", options, tags, 4096, 8, 10.0, ("reopen", "dtr")),)
    assert (made.id, made.workers, made.linger, made.max_window) == ("greenhouse-1", 3, 0.005, 200)
    assert made.features == Plan((0.0, 100.0), None, 100, ("slope", "median"), every=60.0)
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


def test_found_boards_alone_have_the_keys_of_their_table(tmp_path: Path) -> None:
    """A board with a table of its own has those of that table, none too; one that was found has those of "auto"."""
    made = loaded(
        tmp_path,
        """
        [[boards]]
        name = "bench"
        port = "/dev/ttyX0"
        [[boards]]
        name = "hall-"
        port = "auto"
        range = [0, 40]
        out_of_range = "drop"
        """,
    )
    assert plan_for(made, "bench", "S1") == Plan()
    assert plan_for(made, "hall-usb-a", "S1") == Plan(range=(0.0, 40.0), out_of_range="drop")


def test_last_match_of_each_key_wins(tmp_path: Path) -> None:
    """A sensor's plan comes from [features], its board's keys and each [[sensors]] that matches, key by key."""
    made = loaded(
        tmp_path,
        """
        mqtt.every = "10s"
        [[boards]]
        name = "bench"
        port = "/dev/ttyX0"
        range = [-10, 50]
        out_of_range = "drop"
        [[boards]]
        name = "hall-"
        port = "auto"
        spike = 6
        [[sensors]]
        match = "*/S*"
        window = 10
        range = [0, 40]
        stuck = "5m"
        [[sensors]]
        match = "bench/S1"
        range = []
        every = "0s"
        use = []
        scale = [0, 1]
        [[sensors]]
        match = "bench/s?"
        window = "5s"
        """,
    )
    base = Plan(every=10.0)
    assert plan_for(made, "bench", "temperature") == Plan(every=10.0, range=(-10.0, 50.0), out_of_range="drop")
    s2 = Plan(every=10.0, range=(0.0, 40.0), out_of_range="drop", window_s=None, window_n=10, stuck=300.0)
    assert plan_for(made, "bench", "S2") == s2
    s1 = Plan((0.0, 1.0), None, 10, (), None, "drop", 0.0, 300.0)
    assert plan_for(made, "bench", "S1") == s1
    assert plan_for(made, "bench", "s1").window_s == 5.0
    assert plan_for(made, "bench", "s1").window_n == 10_000
    assert plan_for(made, "hall-usb-FTDI_A1", "x") == Plan(every=10.0, spike=6.0)
    assert made.features == base


TREATED = """
[[boards]]
name = "oven"
port = "/dev/ttyX1"
[[sensors]]
match = "*/28*"
unit = "F"
points = [[0.5, 0], [99, 100]]
range = [0, 1]
[[sensors]]
match = "bench/28aa"
name = "inlet"
gain = 2
offset = -1
[[sensors]]
match = "bench/inlet"
window = 5
[[sensors]]
match = "bench/28aa"
unit = ""
points = []
"""


def test_what_is_done_with_values(tmp_path: Path) -> None:
    """By the board's own names, the last word on each key; what a name was given for is found by both names."""
    made = loaded(tmp_path, BENCH + TREATED)
    of = {board: treatments_for(made, board) for board in ("bench", "oven", "other/28")}
    assert of["bench"]("28aa") == Treatment("inlet", "", (), 2.0, -1.0)
    assert of["bench"]("inlet") == of["bench"]("29") == of["oven"]("29") == Treatment()
    assert of["oven"]("28aa") == of["bench"]("28bb") == Treatment("", "°F", ((0.5, 0.0), (99.0, 100.0)))
    assert plan_for(made, "bench", "inlet", "28aa") == Plan(range=(0.0, 1.0), window_s=None, window_n=5)
    assert plan_for(made, "bench", "inlet") == Plan(window_s=None, window_n=5)
    assert plan_for(made, "bench", "28aa") == Plan(range=(0.0, 1.0))
    lines = config.lines(config.plan(made))
    assert [line.removeprefix("sensors   ") for line in lines if line.startswith("sensors")] == [
        "*/28*: 2 points, in °F, their own range",
        "bench/28aa: times 2, plus -1, called inlet",
        "bench/inlet: their own window",
        "bench/28aa: as the board gives them",
    ]
    assert config.plan(made)["sensors"][0] == {
        "match": "*/28*",
        "unit": "°F",
        "points": [[0.5, 0.0], [99.0, 100.0]],
        "keys": ["range"],
    }


@pytest.mark.parametrize(
    ("match", "board", "may"),
    [
        ("bench/S1", "bench", True), ("bench/S1", "bench2", False), ("ben*", "bench", True), ("ben*", "b", False),
        ("*", "x", True), ("b[ea]nch/x", "bench", True), ("bench/a/b", "bench/a", True), ("bench2/x", "bench", False),
    ],
)  # fmt: skip
def test_a_board_that_no_table_reaches_has_no_treatments(tmp_path: Path, match: str, board: str, may: bool) -> None:
    """So that its values take the short way."""
    made = loaded(tmp_path, f'{BENCH}[[sensors]]\nmatch = "{match}"\noffset = 1\n[[sensors]]\nmatch = "*"\nuse = []')
    assert (treatments_for(made, board) is not None) is may


def test_warnings_of_names(tmp_path: Path) -> None:
    """A name that several may be meant to have; a calibration that goes by a name which was given here."""
    text = """
    [[sensors]]
    match = "bench/28*"
    name = "inlet"
    [[sensors]]
    match = "*/T1"
    name = "outlet"
    [[sensors]]
    match = "bench/outlet"
    offset = 1
    gain = 2
    [[sensors]]
    match = "bench/outlet"
    range = [0, 1]
    [[sensors]]
    match = "bench/28aa"
    offset = 1
    """
    found = [one for one in config.warnings(loaded(tmp_path, BENCH + text)) if one.startswith("sensors")]
    assert found == [
        'sensors[0].name: "bench/28*" may find several sensors of a board, and only the first that comes is called '
        '"inlet"; the others keep the board\'s own names',
        'sensors[2].match: "outlet" is the name that sensors[1] gives, and gain and offset go by the board\'s own '
        "names; move gain and offset there",
    ]
    other = text.replace("*/T1", "hall/T1") + BENCH.replace("bench", "hall").replace("X0", "X1")
    assert "move" not in " ".join(config.warnings(loaded(tmp_path, BENCH + other)))


def test_warnings(tmp_path: Path) -> None:
    """What runs and is unwise is told with the better way: usual names, open doors, rules that match nothing, …"""
    (tmp_path / "secret").write_text("p")
    (tmp_path / "secret").chmod(0o600)
    secured = 'username = "u"\npassword_file = "secret"\n'
    for text, warning in [
        ("", 'there is no "/dev/ttyX0" now'),
        ('[gateway]\nid = "raspberrypi"', 'many machines are called "raspberrypi"'),
        (
            f'[mqtt]\nurl = "mqtt://192.168.1.2"\n{secured}',
            "the password crosses the network to 192.168.1.2 unencrypted",
        ),
        (f'[mqtt]\nurl = "embedded"\nlisten = "0.0.0.0:1883"\n{secured}', "whoever reaches 0.0.0.0 can try to log in"),
        ('[[sensors]]\nmatch = "bnch/S1"', 'sensors[0].match: there is no board "bnch"'),
    ]:
        found = config.warnings(loaded(tmp_path, BENCH + text))
        assert any(warning in one for one in found), found
    fine = '[gateway]\nid = "g"\n[[sensors]]\nmatch = "b?nch/S1"\n[[sensors]]\nmatch = "*/x"\n' + BENCH
    (only,) = config.warnings(loaded(tmp_path, fine))
    assert "now" in only


def test_bare_port_has_a_stable_path(tmp_path: Path) -> None:
    """A bare ttyUSB number is warned of with the path that stays, by-id before by-path."""
    ours, theirs = os.openpty()
    device = os.ttyname(theirs)
    made = loaded(tmp_path, BENCH.replace("/dev/ttyX0", device) + '[gateway]\nid = "g"')
    (found,) = config.warnings(made, tmp_path)
    assert "/dev/serial/by-id or by-path stays" in found
    absent = config.warnings(loaded(tmp_path, BENCH.replace("ttyX0", "ttyUSB999") + '[gateway]\nid = "g"'), tmp_path)
    assert ["there is no" in absent[0], "may be another board after a restart" in absent[1]] == [True, True]
    for kind in ("by-path", "by-id"):
        (tmp_path / kind).mkdir()
        (link := tmp_path / kind / f"usb-{'x' * 90}").symlink_to(device)
        (found,) = config.warnings(made, tmp_path)
        assert found.endswith(f'write port = "{link}"'), "whole, to be copied"
    os.close(ours)
    os.close(theirs)


CUSTOM = '[features]\ncustom = ["own:f"]\n[[boards]]\nname = "b"\nport = "/dev/ttyS0"\n[[sensors]]\nmatch = "b/x*"\n'


def test_custom_features_cover_sensors(tmp_path: Path) -> None:
    """[features] covers all, the last match of [[sensors]] those that it names; all of them need a process."""
    more = 'custom = ["a.b:g", "own:f"]\n[[sensors]]\nmatch = "b/xy"\ncustom = []\n'
    made = loaded(tmp_path, CUSTOM + more)
    assert plan_for(made, "b", "S1").custom == ("own:f",)
    assert plan_for(made, "b", "x").custom == ("a.b:g", "own:f")
    assert plan_for(made, "b", "xy").custom == ()
    assert (made.custom, made.deadline, made.memory) == (("own:f", "a.b:g"), 0.5, 256_000_000)
    assert config.plan(made)["memory"]["custom_bytes"] == 512_000_000
    assert "own:f: a message waits for it at most 500ms" in "\n".join(config.lines(config.plan(made)))


def test_code_that_others_can_write(tmp_path: Path) -> None:
    """A feature's file, its package or the directory, writable by others, is warned of by its path; nothing is run."""
    tmp_path.chmod(0o755)
    (tmp_path / "own.py").write_text("raise SystemExit\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "__init__.py").touch()
    (tmp_path / "a" / "b.py").touch()
    made = loaded(tmp_path, CUSTOM + 'custom = ["a.b:g", "installed:f"]\n')
    written = lambda: [text for text in config.warnings(made) if text.startswith("features.custom")]  # noqa: E731
    assert written() == []
    files = (tmp_path / "own.py", tmp_path / "a" / "b.py", tmp_path / "a" / "__init__.py")
    for place in (*files, tmp_path / "a", tmp_path):
        before = place.stat().st_mode
        place.chmod(before | 0o002)
        (said,) = written()
        assert f'others can write "{place}"' in said and "chmod go-w" in said
        place.chmod(before)
    tmp_path.chmod(0o1777)  # as /tmp: what is there cannot be replaced
    assert written() == []


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
        "waiting_bytes": 20_000 * 260 + 100_000 * (80 + 4 * 8) + 10 * 5000,
        "custom_bytes": 0,
        "processes_bytes": 75_000_000 + 3 * 35_000_000,
        "most_bytes": 90_000 + 5_200_000 + 11_200_000 + 50_000 + 180_000_000,
    }
    said = "\n".join(config.lines(made))
    board, spool = "a/b: /dev/ttyX1, 115200 8N1, format auto", "/var/lib/x: at most 256"
    for part in (board, "localhost port 1883", "90.0 kB", "16.4 MB", spool):
        assert part in said
    auto = config.plan(loaded(tmp_path, '[gateway]\nid = "g"\n[[boards]]\nname = "b-"\nport = "auto"\n'))
    assert auto["boards"][0]["topics"][0] == "gateway/g/b-<id>/status"
    assert "one a core" in "\n".join(config.lines(auto))


def test_starting_configuration_without_boards(tmp_path: Path) -> None:
    """With no board found, the file that `init` writes takes whatever is plugged in."""
    text = starting_configuration([], "raspberrypi")
    made = loaded(tmp_path, text)
    assert [board.port.path for board in made.boards] == ["auto"]
    assert made.id == "raspberrypi"
    assert "# [[boards]]" in text


def test_starting_configuration_with_boards(tmp_path: Path) -> None:
    """Each board that was found has its table; names differ, a port that is there already is left out."""
    (tmp_path / "tty").touch()
    (tmp_path / "link").symlink_to("tty")
    found = [
        ("uno", str(tmp_path / "tty"), "Arduino Uno, serial number 1\nrange = 1"),
        ("uno", "/dev/ttyX1", "FTDI\x1b[31m"),
        ("same", str(tmp_path / "link"), "the first again"),
        ("", "/dev/ttyX2", ""),
        ("bad", "relative", "not a port"),
        ("bad", "auto", "not a port"),
    ]
    text = starting_configuration(found, "my/pi")
    made = loaded(tmp_path, text)
    assert [(one.name, one.port.path) for one in made.boards] == [
        ("uno", str(tmp_path / "tty")), ("uno-2", "/dev/ttyX1"), ("board", "/dev/ttyX2"),
    ]  # fmt: skip
    assert made.id == "my-pi"
    assert "# Arduino Uno, serial number 1\\nrange = 1\n[[boards]]" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20ms", 0.02), ("60s", 60.0), ("5m", 300.0), ("2h", 7200.0), ("7d", 604_800.0), ("1.5s", 1.5)],
)
def test_durations(text: str, seconds: float) -> None:
    """A duration is a number and its unit, in s."""
    assert duration(0, 1e9)(text) == seconds


@pytest.mark.parametrize(
    "value", ["60", "s", "1 s", "-1s", "1e3s", "\uff11s", "1S", "1us", "1s2", "", 1, 1.5, True, None, ["1s"]]
)
def test_no_durations(value: Any) -> None:
    """What only looks like a duration is refused."""
    with pytest.raises(words.Unfit):
        duration(0, 1e9)(value)


@pytest.mark.parametrize(
    ("text", "count"),
    [("16B", 16), ("4kB", 4000), ("4KiB", 4096), ("256MB", 256_000_000), ("1.5MiB", 1_572_864), ("1GB", 10**9)],
)
def test_sizes(text: str, count: int) -> None:
    """A size is a number and its unit: 1000ⁿ bytes, or 1024ⁿ with an i."""
    assert size(0, 10**12)(text) == count


def test_spans_and_amounts() -> None:
    """Bounds are told as the file spells them."""
    assert [words.span(s) for s in (0, 0.001, 60, 90, 7200, 604_800)] == ["0s", "1ms", "60s", "90s", "2h", "7d"]
    assert [words.amount(n) for n in (16, 4000, 204_800_000)] == ["16 B", "4.0 kB", "204.8 MB"]
