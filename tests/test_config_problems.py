"""All that can be wrong with a configuration is told at once, a sentence each."""

import os
from pathlib import Path

import pytest

from gateway import config
from gateway.config import Wrong, problems, tables
from tests.tables import BENCH, the_one


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("buad = 9600", "boards[0].buad: no such key; did you mean 'baud'?"),
        ("PORTS = 1", "boards[0].PORTS: no such key; did you mean 'port'?"),
        ('"\\u001b[31m" = 1', 'boards[0]."\\x1b[31m": no such key; there are name, port, baud'),
        ("prefix = 1", "boards[0].prefix: no such key here; it is one of [mqtt]"),
        ("[feature]", "feature: no such table; did you mean 'features'?"),
        ('baud = "fast"', 'boards[0].baud: a whole number from 50 to 12000000, or "auto", was expected; found "fast"'),
        ("baud = true", "found true"),
        ("baud = 0", "found 0"),
        ("baud = 0x" + "f" * 9000, "found a number of more than 20 digits"),
        ('baud = "auto"\nask = { question = "a" }', 'boards[0].baud: "auto" is found by listening, and this'),
        ('serial = "9N1"', "boards[0].serial: data bits, parity and stop bits"),
        ('dtr = "off"', 'boards[0].dtr: true or false was expected; found "off"'),
        ("settle = 5", "boards[0].settle: a duration such as"),
        ('settle = "2h"', 'a duration from "0s" to "60s" was expected; found "2h"'),
        ('silent = "never"', 'or "auto", was expected'),
        ('on_silence = "reopen"', "boards[0].on_silence: a list of texts in quotes"),
        ('on_silence = ["reset"]', 'found "reset"'),
        ('on_silence = ["dtr", "dtr"]', "boards[0].on_silence: 'dtr' stands there twice"),
        ("max_line = 4000", 'boards[0].max_line: a size such as "4kB"'),
        ('max_line = "1GB"', "a size from 16 B to 1.0 MB was expected"),
        ('max_line = "4KB"', 'found "4KB"'),
        ('format = "cvs"', "found \"cvs\"; did you mean 'csv'?"),
        ('separator = ";"', 'boards[0].separator: format = "auto" does not take it; set format = "csv"'),
        ('format = "csv"\nafter = "x"', 'boards[0].after: format = "csv" does not take it; set format = "json"'),
        ('format = "csv"\nseparator = ","\ndecimal = ","', "cannot separate columns and be the decimal sign as well"),
        ('framing = "cobs"', 'boards[0].framing: format = "auto" does not take it; set format = "struct"'),
        ('format = "csv"\nseparator = "ab"', "one character that is no part of a number"),
        ('format = "csv"\nheader = 1', 'true, false or "auto" was expected; found 1'),
        ('columns = ["a", "", "", "a"]', 'the name "a" stands there twice'),
        ('columns = "a"', "boards[0].columns: a list of texts in quotes"),
        ('columns = ["a", "b", "c"]\nunit = ["°C", "K"]', "boards[0].unit: there are 2 units for 3 columns"),
        ("unit = 3", "boards[0].unit: a unit such as"),
        ("none = 85", "boards[0].none: a list of at most 100 numbers and texts"),
        ("none = [nan]", "boards[0].none: a number was expected; found nan"),
        ("range = [80, 20]", "boards[0].range: the lowest comes first: write [20, 80]"),
        ("range = [1, inf]", "a number was expected; found inf"),
        (
            f"range = [1, {'9' * 400}]",
            "a number from -1e+300 to 1e+300 was expected; found a number of more than 20 digits",
        ),
        ("range = [1]", "a list of two numbers"),
        ('out_of_range = "ignore"', '"flag", "drop" or "clamp" was expected'),
        ("spike = -1", "a number from 0 (never) to 1000 was expected"),
        ("stuck = 60", 'or "" for never, was expected'),
        ("tags = { a = 1 }", "boards[0].tags: text in quotes"),
        ("tags = 2000-01-01", "found a date or time"),
        ("[mqtt]\nurl = 'wss://h'", "mqtt.url: wss:// is not supported by this version; there is mqtt://"),
        ("[mqtt]\nurl = 'localhost'", '"mqtts://host:8883" or "embedded" was expected; found "localhost"'),
        ("[mqtt]\nurl = 'embeded'", "did you mean 'embedded'?"),
        ("[mqtt]\nurl = 'mqtt://h:99999'", "host and port"),
        ("[mqtt]\nurl = 'mqtt://h/topic'", "host and port"),
        ("[mqtt]\nlisten = '0.0.0.0:1883'", "mqtt.listen: \"0.0.0.0\" is open to the network, and so needs a password"),
        ("[mqtt]\nlisten = '1883'", "mqtt.listen: host and port"),
        ("[mqtt]\nversion = 4", 'mqtt.version: 5 or "3.1.1" was expected; found 4'),
        ("[mqtt]\nversion = 5.0", "mqtt.version: 5 or"),
        ("[mqtt]\nprefix = ''", "mqtt.prefix: a topic such as"),
        ("[mqtt]\nprefix = 'a/+'", "mqtt.prefix: a topic such as"),
        ("[mqtt]\nprefix = '#'", "mqtt.prefix: a topic such as"),
        ("[mqtt]\nprefix = '/a'", "mqtt.prefix: a topic such as"),
        ("[mqtt]\nprefix = 'a/'", "mqtt.prefix: a topic such as"),
        ("[mqtt]\nprefix = '$SYS'", "mqtt.prefix: a topic such as"),
        ("[mqtt]\npayload = 'row'", "did you mean 'rows'?"),
        ("[mqtt]\nusername = 'u'\npassword_file = '/nowhere/p'", "mqtt.password_file: there is no file"),
        (
            "[mqtt]\nusername = 'u'\npassword_file = '/run/credentials/nobody.service/p'",
            'mqtt.password_file: "/run/credentials/nobody.service/p" is there only while the service runs',
        ),
        ("[[mqtt]]", "mqtt: a table under [mqtt] was expected; found a list"),
        ("[gateway]\nid = 'a/b'", 'found "a/b"; "a-b" would do'),
        ("[gateway]\nid = '+'", "gateway.id: one plain topic level"),
        ('[gateway]\nid = "a\\u0007"', "gateway.id: text in quotes"),
        ("[gateway]\nid = '" + "x" * 65 + "'", "gateway.id: one plain topic level of at most 64 bytes"),
        ("[features]\nwindow = 0", "features.window: a whole number from 1 to 1000000 readings was expected; found 0"),
        ("[features]\nwindow = '30d'", 'a duration from "1ms" to "7d" was expected'),
        ("[features]\nwindow = '60'", "or a count of readings such as 100, was expected"),
        ("[features]\nwindow = 20000", "features.window: 20000 readings are more than features.max_window = 10000"),
        ("[features]\nscale = [5, 5]", "features.scale: its two ends must differ"),
        ("[features]\nuse = ['medan']", "found \"medan\"; did you mean 'median'?"),
        ("[features]\nuse = ['mean', 'mean']", "features.use: 'mean' stands there 2 times; leave one"),
        (
            "[features]\nuse = ['mena', 'min', 'qqq', 'feature', 'min', 'min']",
            "found \"mena\"; did you mean 'mean'? and \"qqq\"; and 'feature' is in every message without being asked "
            "for; take it out; and 'min' stands there 3 times; leave one",
        ),
        ("[features]\nuse = ['normalized']", "'normalized' is in every message without being asked for"),
        ("[features]\ncustom = ['a.b']", 'features.custom: "module:function", such as'),
        ("[features]\ncustom = ['a:b', 'a:b']", 'features.custom: "a:b" stands there twice'),
        ("[features]\ncustom = ['gateway.demo:b']", "features.custom: 'gateway' is the gateway's own package"),
        ("[features]\ndeadline = '0s'", 'features.deadline: a duration from "1ms" to "10s"'),
        ("[compute]\nmemory = '1MB'", "compute.memory: a size from 16.0 MB to"),
        ("[compute]\nworkers = 0", 'compute.workers: a whole number from 1 to 256, or "auto", was expected; found 0'),
        ("[compute]\nlinger = '1m'", 'a duration from "0s" to "10s" was expected'),
        ("[[sensors]]\nmatch = '*'\nname = 3", "sensors[0].name: text in quotes, at most 1000 printable characters"),
        ("[[sensors]]\nmatch = '*'\nunit = 3", "sensors[0].unit: a unit of at most 16 characters, such as"),
        ("[[sensors]]\nmatch = '*'\nunit = 'degrees Fahrenheit'", "sensors[0].unit: a unit of at most 16 characters"),
        ("[[sensors]]\nmatch = '*'\ngain = 0", "sensors[0].gain: a gain of 0 would make all values equal; 1 changes"),
        ("[[sensors]]\nmatch = '*'\ngain = nan", "sensors[0].gain: a number was expected; found nan"),
        ("[[sensors]]\nmatch = '*'\noffset = '1'", 'sensors[0].offset: a number was expected; found "1"'),
        ("[[sensors]]\nmatch = '*'\npoints = [1, 2]", "sensors[0].points: a list of points, [[what the board says,"),
        ("[[sensors]]\nmatch = '*'\npoints = [[1, 2], [3]]", "sensors[0].points: a list of points, [[what the board"),
        ("[[sensors]]\nmatch = '*'\npoints = [[1, inf]]", "sensors[0].points: a number was expected; found inf"),
        (
            "[[sensors]]\nmatch = '*'\npoints = [[1, 2], [3, 4], [3, 5]]",
            "sensors[0].points: what the board says must grow from point to point, and 3 comes after 3; sort the "
            "points by their first numbers, each of them once",
        ),
        (
            "[[sensors]]\nmatch = '*'\npoints = [[0, 1], [1e-200, 2]]",
            "sensors[0].points: 0.0 and 1e-200 are too near to each other; leave one of these points out",
        ),
        (f"[[sensors]]\nmatch = '*'\npoints = {[[n, n] for n in range(101)]}", "at most 100 points were expected"),
        (
            "columns = ['T1', 'T2']\n[[sensors]]\nmatch = 'bench/T1'\nname = 'T2'",
            'sensors[0].name: "T1" and "T2" of board "bench" would both be called "T2"; give each a name of its own',
        ),
        (
            "format = 'kv'\ncolumns = ['MSG=count', 'T1=in']\n[[sensors]]\nmatch = 'bench/in'\nname = 'x'\n"
            "[[sensors]]\nmatch = '*/y'\nname = 'x'",
            'sensors[1].name: "in" and "y" of board "bench" would both be called "x"; give each a name of its own',
        ),
        (
            "columns = ['T1', 'hum']\nunit = ['C', '%']\nalso = ['hum']\n[[sensors]]\nmatch = 'bench/*'\nunit = 'K'",
            'sensors[0].unit: "hum" of board "bench" comes in "%", which cannot become "K"; give that sensor a table '
            'of its own with unit = ""',
        ),
        (
            "columns = ['T1', 'T2']\nunit = ['C', 'F']\n[[sensors]]\nmatch = 'bench/T2'\nunit = '%'",
            'sensors[0].unit: "T2" of board "bench" comes in "°F", which cannot become "%"',
        ),
        ("[[sensors]]\nrange = [1, 2]", 'sensors[0].match: is missing; "board/sensor"'),
        ("[[sensors]]\nmatch = 'bench'", "sensors[0].match: \"board/sensor\", each with * and ?"),
        ("[[sensors]]\nmatch = 'bench/T[12'", 'no ] ends it: "bench/T[12"; write [[] for the character itself'),
        ("[[sensors]]\nmatch = 'bench/[!]'", "sensors[0].match: a [ begins a choice of characters"),
        ("[[sensors]]\nmatch = '*'\nwindow = 10001", "sensors[0].window: 10001 readings are more than"),
        ("[sensors]\nmatch = '*'", "sensors: a table under [[sensors]] was expected; found a table"),
        ("[[boards]]\nname = 'b'", "boards[1].port: is missing; a path such as"),
        ("[[boards]]\nport = '/dev/ttyX1'", "boards[1].name: is missing"),
        ("[[boards]]\nname = 'b'\nport = 'COM3'", 'boards[1].port: a path such as'),
        ("[[boards]]\nname = 'b'\nport = 'socket://h'", "boards[1].port: host and port"),
        ("[[boards]]\nname = 'bench'\nport = '/dev/ttyX1'", 'boards[1].name: "bench" is the name of boards[0] already'),
        ("[[boards]]\nname = 'b'\nport = '/dev//ttyX0'", 'leads to the same as "/dev/ttyX0", which is the port of'),
    ],
)  # fmt: skip
def test_one_sentence(text: str, sentence: str) -> None:
    """Each thing that can be wrong is one sentence: the place in the file, what was expected and found, the way out."""
    assert sentence in the_one(BENCH + text)


def test_no_boards() -> None:
    """Without a board nothing would run, and the sentence names the command that helps."""
    for text in ("", "boards = []"):
        assert "`gateway init`" in the_one(text)
    assert the_one("[boards]\nname = 'a'").startswith("boards: a table under [[boards]] was expected")


def test_two_auto_tables_and_two_links(tmp_path: Path) -> None:
    """Two tables may not take one port, be it "auto" twice or by two links to one device."""
    (tmp_path / "tty").touch()
    for link in ("one", "two"):
        (tmp_path / link).symlink_to("tty")
    board = "[[boards]]\nname = '{}'\nport = '{}'\n"
    assert "boards[1].port" in the_one(board.format("a", "auto") + board.format("b", "auto"))
    assert "leads to the same as" in the_one(board.format("a", tmp_path / "one") + board.format("b", tmp_path / "two"))
    assert "boards[1].port" in the_one(board.format("a", "socket://h:1") + board.format("b", "socket://H:1"))
    assert problems(board.format("a", "auto") + board.format("b", tmp_path / "two")) == []


def test_all_at_once() -> None:
    """Every key misspelt and every value of a wrong type gives one sentence each, in one go."""
    spelt = {name: [key for key in table.model_fields if key != "port"] for name, table in tables.TABLES.items()}
    lines = []
    for name, keys in spelt.items():
        lines.append(f"[[{name}]]" if name in ("boards", "sensors") else f"[{name}]")
        lines += [f"{key}x = 1" for key in keys]
        lines += [f"{key} = 1979-05-27" for key in keys]
    found = problems("\n".join(lines) + "\nport = 1")
    for name, keys in spelt.items():
        place = f"{name}[0]" if name in ("boards", "sensors") else name
        for key in keys:
            assert any(one.startswith(f"{place}.{key}x: no such key; did you mean '") for one in found), (place, key)
            assert any(one.startswith(f"{place}.{key}: ") for one in found), (place, key)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"a = = 1", "not TOML: invalid value (at line 1, column 5)"),
        (b"[gateway]\nid = 'x\ny", "not TOML"),
        (b"[gateway]\nid = x", "line 2, column"),
        (b"a = " + b"[" * 5000, "too deep"),
        (b"a = " + b"{a=" * 5000, "too deep"),
        (b"a = " + b"9" * 5000, "not TOML"),
        (b"ok = 1\nb = '\xff'", "line 2 is not UTF-8"),
        ("id = 'é'".encode("utf-16"), "not UTF-8"),
        (b"#" * 1_000_001, "over 1 MB"),
        (b"a = 1\x1b", "not TOML"),
    ],
)
def test_no_toml(data: bytes, sentence: str) -> None:
    """What is no TOML at all is one sentence with its line, and no traceback."""
    (found,) = problems(data, "x.toml")
    assert found.startswith('"x.toml": ')
    assert sentence in found
    assert found.isprintable()


def test_byte_order_mark_is_forgiven() -> None:
    """A file that an editor began with a byte order mark is read as if it had none."""
    assert problems(b"\xef\xbb\xbf" + BENCH.encode()) == []


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Not there, a directory, a path that is none, a pipe, a device, too long: one sentence each, and a way out."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_bytes(b"#" * 1_000_001)
    for path, sentence in [
        (tmp_path / "gateway.toml", "`gateway init` writes one"),
        (tmp_path, "is a directory"),
        (Path("a\0b"), "cannot be read"),
        (tmp_path / "pipe", "is a pipe or a device and no file"),
        (Path("/dev/zero"), "is a pipe or a device and no file"),
        (tmp_path / "long", "over 1 MB"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ]:
        with pytest.raises(Wrong) as caught:
            config.load(path)
        assert len(caught.value.problems) == 1
        assert sentence in str(caught.value)


def test_file_of_another_user(tmp_path: Path) -> None:
    """A file that this user may not read is one sentence."""
    file = tmp_path / "gateway.toml"
    file.write_text(BENCH)
    file.chmod(0)
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            if os.geteuid() == 0:  # who may read everything
                os.setuid(65534)
            config.load(file)
        except Wrong as wrong:
            os.write(writer, str(wrong).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader, "rb") as said:
        assert b"this user may not read it" in said.read()


def test_prefix_that_the_embedded_broker_cannot_serve():
    """A prefix that begins with a letter beyond ASCII is refused for the embedded broker, and fine for another."""
    board = '[[boards]]\nname = "b"\nport = "/dev/ttyS0"\n'
    assert any("mqtt.prefix" in one for one in problems(f'[mqtt]\nurl = "embedded"\nprefix = "é"\n{board}'))
    assert not problems(f'[mqtt]\nprefix = "é"\n{board}')


@pytest.mark.parametrize(
    "text",
    [
        "columns = ['T1', 'T2']\n[[sensors]]\nmatch = 'bench/T1'\nname = 'T2'\n"
        "[[sensors]]\nmatch = 'bench/T2'\nname = 'T1'",
        "[[sensors]]\nmatch = 'bench/T1'\nname = 'x'\n[[sensors]]\nmatch = 'hall/T2'\nname = 'x'",
        "[[sensors]]\nmatch = 'bench/T1'\nname = 'x'\n[[sensors]]\nmatch = 'bench/T1'\nname = 'x'",
        "columns = ['T1', 'T2']\n[[sensors]]\nmatch = 'bench/*'\nname = 'x'",
        "columns = ['T1', 'hum']\nunit = ['C', '%']\n[[sensors]]\nmatch = 'bench/*'\nunit = 'K'",
        "columns = ['T1', 'hum']\nunit = ['C', '%']\nalso = ['hum']\n[[sensors]]\nmatch = '*'\nunit = 'K'\n"
        "[[sensors]]\nmatch = '*/hum'\nunit = ''",
        "columns = ['sensor', 'value']\n[[sensors]]\nmatch = 'bench/x'\nname = 'value'",
        "[[sensors]]\nmatch = 'bench/[[]1'\nname = 'x'",
        "[[sensors]]\nmatch = '*'\npoints = []\nname = ''\nunit = ''",
    ],
)
def test_what_is_no_problem(text: str) -> None:
    """Names that are swapped, of two boards, or not surely of two sensors; units that can be had."""
    assert problems(BENCH + text) == []
