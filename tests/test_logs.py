"""The log: a vocabulary, two looks, bounds, and a reader that may stop reading."""

import ast
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

import gateway
from gateway.log import lines as logs
from gateway.log.limit import Limit
from gateway.log.lines import EVENTS, Unheard, in_the_vocabulary, log
from gateway.log.outlet import Outlet, onto

GATEWAY = Path(gateway.__file__).parent
DOCS = GATEWAY.parent / "docs/logs.md"


@pytest.fixture
def outlet() -> Iterator[list[Outlet]]:
    """Outlets put here are closed, and the log is as it was before `setup`."""
    before = structlog.get_config()
    made: list[Outlet] = []
    yield made
    for one in made:
        one.close()
    structlog.configure(**before)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_page_is_the_vocabulary() -> None:
    """docs/logs.md has the events of the program, with the same levels and fields, in the same order, and a meaning."""
    rows = re.findall(r"(?m)^\| `(\S+)` \| (\w+) \| (.*?) \| (.+) \|$", DOCS.read_text())
    listed = [(event, level, frozenset(re.findall(r"`(\w+)`", fields))) for event, level, fields, _ in rows]
    assert listed == [(name, event.level, event.fields) for name, event in EVENTS.items()]
    assert all(meaning.strip() for *_, meaning in rows)


def test_a_recovery_has_the_level_of_its_loss() -> None:
    """Whoever sees a trouble in the log sees its end as well; and each trouble has one."""
    for event in EVENTS.values():
        assert all(EVENTS[trouble].level == event.level for trouble in event.ends)
    ends = {name for name, event in EVENTS.items() if event.ends}
    ended = {trouble for event in EVENTS.values() for trouble in event.ends}
    assert ended >= {
        name for name in EVENTS if name.endswith((".lost", "_lost", ".offline", ".silent", ".lent", ".shedding"))
    }
    troubles = {name for name, event in EVENTS.items() if event.level == "warning"}
    assert troubles - ended - ends == {
        "config.unwise",
        "cluster.lacks",
        "control.failed",
        "web.said",
        "port.note",
        "custom.missed",
        "custom.worn",
        "discovery.overwritten",
        "retained.overwritten",
    }  # which do not pass


def test_no_event_has_a_field_of_the_line_itself() -> None:
    """Fields do not hide what every line has."""
    assert not {"time", "level", "event", "held"} & {field for event in EVENTS.values() for field in event.fields}


def logged() -> Iterator[tuple[str, set[str]]]:
    """The events and fields that stand in the program, wherever the function that logs came from."""
    for file in GATEWAY.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name.strip("_") in ("log", "event") and re.fullmatch(r"\w+\.\w+", str(node.args[0].value)):
                yield str(node.args[0].value), {str(given.arg) for given in node.keywords}


def test_what_the_program_logs_is_in_the_vocabulary() -> None:
    """Every event that is logged somewhere is one of the table, with just its fields."""
    said = list(logged())
    assert said, "an empty search would pass"
    for event, fields in said:
        assert (event, fields) == (event, set(EVENTS[event].fields) if event in EVENTS else None)


def test_unknown_events_fail_where_they_are_logged() -> None:
    """Before `setup`, which is how tests run, an event, a field or a level that is not in the table raises."""
    log("board.format", board="b", format="kv")
    wrong: list[tuple[str, dict[str, int]]] = [
        ("pool.begun", {}), ("board.format", {}), ("board.format", {"board": "b", "format": "kv", "x": 1}),
    ]  # fmt: skip
    for event, fields in wrong:
        with pytest.raises(Unheard):
            log(event, **fields)
    with pytest.raises(Unheard):
        logs.get_logger().error("board.format", board="b", format="kv")


def test_captured_events_are_values() -> None:
    """What is logged can be tested like a return value, and is held against the vocabulary all the same."""
    with structlog.testing.capture_logs(processors=[in_the_vocabulary]) as said:
        log("board.online", board="bench", port="/dev/x", baud=9600)
    assert said == [{"event": "board.online", "log_level": "info", "board": "bench", "port": "/dev/x", "baud": 9600}]


def test_json_lines(outlet: list[Outlet]) -> None:
    """Not on a terminal each event is one JSON object: UTC time, level, event, then the fields."""
    stream = io.StringIO()
    outlet.append(logs.setup(stream))
    log("board.offline", board="é°", port="/dev/x", why=OSError(5, "I/O error"))
    outlet[0].close()
    (line,) = lines(stream)
    assert list(line) == ["time", "level", "event", "board", "port", "why"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "warning", "event": "board.offline", "board": "é°", "port": "/dev/x", "why": "[Errno 5] I/O error",
    }  # fmt: skip


def test_pretty_on_a_terminal(outlet: list[Outlet], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a line is for people, in colours unless NO_COLOR is set; `pretty` decides where it is given."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    for no_color in (False, True):
        if no_color:
            monkeypatch.setenv("NO_COLOR", "1")
        ours, theirs = os.openpty()
        with open(theirs, "w") as terminal, open(ours, "rb", buffering=0) as seen:
            outlet.append(logs.setup(terminal))
            log("board.format", board="b", format="kv")
            outlet[-1].close()
            said = seen.read(1000)
        assert b"board.format" in said
        assert (b"\x1b[" in said) != no_color
    stream = io.StringIO()
    outlet.append(logs.setup(stream, pretty=True))
    log("board.format", board="b", format="kv")
    outlet[-1].close()
    assert re.search(r"Z \[info +\] board.format +board=b +format=kv\n", stream.getvalue())


ANY = st.text(st.characters(exclude_categories=()))


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | ANY,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers()),
    max_leaves=8,
))  # fmt: skip
def test_any_value_is_shown_safely(value: Any) -> None:
    """Whatever a field holds, its line is JSON without NaN, and nothing in it moves a cursor or ends a line."""
    made = logs.safe(None, "", {"event": "x", "value": value})
    text = json.dumps(made, ensure_ascii=False, allow_nan=False)
    assert text.isprintable()
    text.encode()


@pytest.mark.parametrize("pretty", [False, True])
def test_escape_sequences_never_reach_the_log(outlet: list[Outlet], pretty: bool) -> None:
    """ANSI and C1 controls, bidi marks, NUL and line ends in what a board says are written as escapes."""
    stream = io.StringIO()
    outlet.append(logs.setup(stream, pretty=pretty))
    bad = "a\x1b[31m\x9b2J\u202e\0\r\nb" + "x" * 10_000
    log("board.refusing", board=bad, why=bad, refused=1, frames=2, sample=bad.encode())
    outlet[0].close()
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.rstrip("\n").isprintable()
    assert len(text) < 3000
    assert "x1b[31m" in text


@pytest.mark.slow
def test_storm(outlet: list[Outlet]) -> None:
    """100,000 events of three kinds give few lines at once, and the last of each kind with how many were held."""
    stream = io.StringIO()
    outlet.append(logs.setup(stream))
    for number in range(100_000):
        log("street.shedding", board=f"b{number % 2}", waiting=number)
    log("service.stopping", reason="SIGTERM")
    outlet[0].close()
    told = lines(stream)
    assert len(told) <= 10
    assert sum(1 + line.get("held", 0) for line in told) == 100_001
    assert {line.get("waiting") for line in told} >= {99_998, 99_999}
    assert [line["event"] for line in told].count("service.stopping") == 1


READER_STOPS = """
import sys, time
from gateway.log import lines as logs
from gateway.log.limit import Limit
logs.setup(limit=Limit(burst=10**9, apart=0))
slowest = 0.0
for number in range(3000):
    before = time.perf_counter()
    logs.log("ledger.unbalanced", laws=[f"{number}", *["x" * 400] * 40])
    slowest = max(slowest, time.perf_counter() - before)
    if number % 100 == 0:
        time.sleep(0.001)  # lets the writing thread run
print(slowest, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("closed", [False, True])
def test_reader_that_does_not_read(closed: bool) -> None:
    """A pipe that nobody reads, or that was closed, holds nobody up: neither who logs nor the end of the process."""
    reader, writer = os.pipe()
    child = subprocess.Popen([sys.executable, "-c", READER_STOPS], stderr=writer, stdout=subprocess.PIPE, text=True)
    if closed:
        os.close(reader)
    said, _ = child.communicate(timeout=30)
    assert child.returncode == 0
    assert float(said) < 0.5
    if not closed:
        os.set_blocking(writer, False)
        with pytest.raises(BlockingIOError):  # it was full indeed
            os.write(writer, bytes(65_536))
        os.close(reader)
    os.close(writer)


def test_reader_that_reads_again() -> None:
    """What came while nobody read is told when somebody does: each line there, or counted in the next of its kind."""
    reader, writer = os.pipe()
    with open(writer, "w") as stream, open(reader, "rb") as seen:
        outlet = Outlet(onto(stream), json.dumps, Limit(burst=10**9, apart=0))
        for number in range(2000):
            outlet.put({"event": "x", "board": f"b{number % 3}", "number": number, "text": "x" * 900})
        told: list[dict[str, Any]] = []
        while sum(1 + line.get("held", 0) for line in told) < 2000:
            told.append(json.loads(seen.readline()))
        assert {line["number"] for line in told} >= {1997, 1998, 1999}
        outlet.close()


def test_broken_pipe_is_survived() -> None:
    """Lines that could not be written are counted in the first of their kind that can."""
    tries = []

    def write(line: bytes) -> None:
        tries.append(line)
        if len(tries) <= 3:
            raise BrokenPipeError

    outlet = Outlet(write, json.dumps, Limit(burst=10**9, apart=0))
    deadline = time.monotonic() + 10
    for number in range(5):
        outlet.put({"event": "x", "number": number})
        while len(tries) <= number and time.monotonic() < deadline:
            time.sleep(0.001)
    outlet.close()
    assert [json.loads(line).get("held") for line in tries] == [None, 1, 2, 3, None]
