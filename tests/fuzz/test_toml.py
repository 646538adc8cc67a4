"""A configuration of any bytes: sentences come out, or a plan; never anything else, and never slowly."""

import contextlib
import random
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Wrong, board_of, lines, load, plan, plan_for, preset, problems, warnings
from gateway.config.presets import PACKAGED
from gateway.config.tables import TABLES
from tests.conftest import examples

from .hostile import corpus, many

FILES = (
    b"""[[boards]]
name = "bench"
port = "/dev/serial/by-id/usb-x"
""",
    """[gateway]
id = "greenhouse-1"
tags = { site = "north" }
[mqtt]
url = "mqtt://broker:1883"
username = "gateway"
version = "3.1.1"
prefix = "site/gateway"
payload = "rows"
every = "5s"
[[boards]]
name = "bench"
port = "/dev/serial/by-id/usb-x"
baud = 9600
serial = "7E1"
dtr = false
settle = "2s"
format = "csv"
columns = ["T1", "", "hum"]
unit = ["°C", "", "%"]
also = ["humidity"]
none = [-127, "--"]
separator = ";"
header = false
decimal = ","
max_line = "1kB"
max_sensors = 10
silent = "1m"
range = [-40, 85]
out_of_range = "clamp"
stuck = "10m"
spike = 5
[[boards]]
name = "shed"
port = "socket://10.0.0.5:4000"
format = "json"
records = "data.sensors"
after = "SENSOR ="
[[sensors]]
match = "bench/T*"
window = 100
use = ["mean", "median"]
scale = [0, 100]
[features]
window = "5m"
use = ["min", "max", "slope", "zscore"]
max_window = 5000
[compute]
workers = 2
linger = "20ms"
""".encode(),
    b"""[mqtt]
url = "embedded"
listen = "[::1]:1884"
[[boards]]
name = "usb"
port = "auto"
preset = "tmp117"
""",
)
PRESETS = tuple(path.read_bytes() for path in sorted(PACKAGED.glob("*.toml")))
KEYS = sorted({key for table in TABLES.values() for key in table.model_fields})
VALUES = (
    '0|-1|1e400|nan|inf|9223372036854775808|"\\u0000"|"\\u202e"|"é"|""|"auto"|"embedded"|"[*/x"|"a/b"|"*/*"|"/dev/null"|'
    '"socket://[::1"|"mqtt://u:canary@h"|"1s"|"1e9d"|"0B"|[]|[[]]|[1, 2]|["a", "a"]|{}|{ a = 1 }|1979-05-27|true|'
    '"../x"|"$SYS"|"#"|"+"|0x7f|"K"|["°C", "", "K"]|"' + "x" * 1001 + '"'
).split("|")
SNIPPETS = [
    b"[[boards]]",
    b"[mqtt]",
    b"[",
    b"]]",
    b'"""',
    b"'''",
    b"=",
    b"\\",
    b"\r",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"#",
]


def mutated(dice: random.Random, files: tuple[bytes, ...] = FILES) -> bytes:
    """A file that works, changed in one to six ways: a value, a key, a line, a byte, a cut."""
    rows = dice.choice(files).splitlines()
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(rows))
        key, equals, _ = rows[at].partition(b" = ")
        match dice.randrange(7):
            case 0 if equals:
                rows[at] = key + b" = " + dice.choice(VALUES).encode()
            case 1 if equals:
                rows[at] = dice.choice(KEYS).encode() + rows[at][len(key) :]
            case 2:
                rows.insert(at, dice.choice(rows))
            case 3 if len(rows) > 1:
                del rows[at]
            case 4:
                place = dice.randrange(len(rows[at]) + 1)
                rows[at] = rows[at][:place] + dice.choice(SNIPPETS) + rows[at][place + dice.choice([0, 1, 4]) :]
            case 5:
                rows.insert(at, f"{dice.choice(KEYS)} = {dice.choice(VALUES)}".encode())
            case _:
                rows[at] = bytes(byte ^ (1 << dice.randrange(8)) if dice.random() < 0.05 else byte for byte in rows[at])
    data = b"\n".join(rows)
    return data[: dice.randrange(len(data) + 1)] if dice.random() < 0.05 else data


def judged(file: Path, data: bytes) -> bool:
    """Whether `data` is a configuration. Holds what is promised of it: sentences, or a plan with its warnings."""
    file.write_bytes(data)
    found = problems(data, file)
    try:
        config = load(file)
    except Wrong as wrong:
        assert wrong.problems == found != []
        assert all(one.isprintable() and len(one) < 1500 and "canary" not in one for one in found), found
        return False
    assert found == []
    assert all(one.isprintable() for one in (*warnings(config, file), *lines(plan(config))))
    for board in config.boards:
        plan_for(config, board.name or "x", "S1")
    return True


def test_mutated_files(tmp_path):
    """Thousands of files that are nearly right: each runs, or says why not; none raises, none takes long."""
    dice, right, total = random.Random(89), 0, examples(500, 10_000)
    began = time.thread_time()
    for turn in range(total):
        data = mutated(dice)
        try:
            right += judged(tmp_path / "gateway.toml", data)
        except Exception as error:
            raise AssertionError(f"number {turn}: {data!r}") from error
    assert 0.02 * total < right < 0.9 * total, "both kinds are tried"
    assert time.thread_time() - began < 0.05 * total


def test_mutated_presets(tmp_path):
    """The same of presets: each can be used, or each of its sentences says in which file something is wrong."""
    dice, right, total = random.Random(90), 0, examples(500, 10_000)
    file = tmp_path / "mine.toml"
    began = time.thread_time()
    for turn in range(total):
        data = mutated(dice, PRESETS)
        file.write_bytes(data)
        try:
            board_of(preset("mine", tmp_path))
            right += 1
        except Wrong as wrong:
            assert wrong.problems
            assert all(one.startswith(f'"{file}": ') and one.isprintable() for one in wrong.problems), wrong.problems
        except Exception as error:
            raise AssertionError(f"number {turn}: {data!r}") from error
    assert 0.02 * total < right < 0.9 * total, "both kinds are tried"
    assert time.thread_time() - began < 0.05 * total


@many(100, 3000)
@given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(SNIPPETS), max_size=30).map(b"".join)))
def test_any_bytes(data):
    """Bytes that are no TOML at all."""
    assert all(one.isprintable() for one in problems(data))


@pytest.mark.parametrize("find", corpus("toml"), ids=lambda path: path.name)
def test_what_was_found(tmp_path, find):
    """What once raised, or took long, does so no more."""
    began = time.thread_time()
    judged(tmp_path / "gateway.toml", find.read_bytes())
    assert time.thread_time() - began < 2.0


GLOBS = st.text(st.sampled_from("*?[]!-/ab"), max_size=30)


@many(100, 3000)
@given(GLOBS, st.text(st.sampled_from("ab/"), max_size=30))
def test_globs(pattern, name):
    """Whatever glob the configuration lets through matches quickly, and raises nothing."""
    text = f'[[boards]]\nname = "a"\nport = "/dev/x"\n[[sensors]]\nmatch = "{pattern}"\nwindow = 5\n'
    with contextlib.suppress(Wrong):
        config = _loaded(text)
        began = time.thread_time()
        plan_for(config, name, name)
        assert time.thread_time() - began < 0.1


def _loaded(text: str):
    from gateway.config.checked import checked
    from gateway.config.load import _document

    document, found = _document(tomllib.loads(text), Path("gateway.toml"))
    if document is None:
        raise Wrong(found)
    return checked(document, Path("gateway.toml"))
