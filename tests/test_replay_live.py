"""What a replay prints is what the live run has published."""

import importlib.util
import json
import random

import pytest

from simulators import Board
from simulators.modbus import Unit, modbus_line
from tests.replays import FEATURES, check_alike, messages, replay

from .backfills import processes, rows
from .street import Gateway, Judge, configuration, until


def check_backfill(folder, capture, config, board, live):
    """The rows of a backfill are what the broker got, where Parquet is installed; what was left out has its row too."""
    if importlib.util.find_spec("pyarrow") is None:
        return
    done = processes(capture, "-o", folder / "lake", "-c", config, "--board", board)
    found = rows(folder / "lake")
    assert done["rows"] == len(found) >= len(live) > 0
    for message in live:
        row = found[message["board"], message["sensor"], message["seq"]]
        again = {key: row.get(key) for key in message} | {"time": row["time"].isoformat()}
        check_alike(message, again | {key: message[key] for key in ("condensed", "tags") if key in message})


@pytest.mark.slow
def test_a_replay_is_the_live_run(tmp_path, mosquitto):
    """What the broker got of a board that boots, is garbled and unplugged is what its capture gives, field by field."""
    judge, file = Judge(mosquitto.port), tmp_path / "capture.jsonl"
    text = configuration(
        mosquitto.port, {}, FEATURES + '[[sensors]]\nmatch = "b/T2"\nevery = "100ms"\nwindow = 7\nspike = 3\n'
    )
    dice = random.Random(1)
    values = [dice.choice(["999", f"{dice.uniform(20, 70):.2f}", "21.5"]) for _ in range(30_000)]
    with Board("kv", sensors=3, rate=100, name="b", values=values) as board:
        text += f'[[boards]]\nname = "b"\nport = "{board.path}"\nsettle = "300ms"\n'
        text += 'range = [-40, 60]\nout_of_range = "drop"\nstuck = "20ms"\n[spool]\nat_risk = "5s"\n'
        gateway = Gateway(tmp_path, text, program=("tests.taped", str(file)))
        try:
            until(lambda: len(judge.of("b", "T1")) > 100, "readings flow")
            board.fault("garble", 5)
            seen = len(judge.of("b", "T1"))
            until(lambda: len(judge.of("b", "T1")) > seen + 50, "readings flow")
            board.fault("unplug", 0.3)
            seen = len(judge.of("b", "T1"))
            until(lambda: len(judge.of("b", "T1")) > seen + 100, "readings flow again")
            assert gateway.stop() == 0
        finally:
            gateway.kill()
            judge.close()
    until(lambda: judge.documents["gateway/gw/b/status"]["state"] == "offline", "the last document")
    again, summary = messages(file, "-c", gateway.file)
    assert {row["sensor"] for row in again} == {"T1", "T2", "T3"}
    for sensor in ("T1", "T2", "T3"):
        live, replayed = judge.of("b", sensor), [row for row in again if row["sensor"] == sensor]
        assert [row["seq"] for row in replayed] == [row["seq"] for row in live]
        for one, other in zip(live, replayed, strict=True):
            check_alike(one, other)
    assert any("condensed" in row for row in again) and summary["reopened"] == 1
    document = judge.documents["gateway/gw/b/status"]
    for key in ("bytes", "frames", "decoded", "noise", "refused", "values", "refused_values", "readings", "dropped"):
        assert summary[key] == document[key], key
    faster, _ = messages(file, "-c", gateway.file, "--speed", "20")
    for one, other in zip(again, faster, strict=True):
        check_alike(one, other)
    check_backfill(
        tmp_path, file, gateway.file, "b", [row for sensor in ("T1", "T2", "T3") for row in judge.of("b", sensor)]
    )


@pytest.mark.slow
def test_a_replay_is_the_live_conversation(tmp_path, mosquitto):
    """What the broker got of units that answer, are late, refuse or are dead is what their line's capture gives."""
    judge, file = Judge(mosquitto.port), tmp_path / "capture.jsonl"
    units = {number: Unit(input={1: 200 + number, 2: 500}) for number in (1, 2, 3, 4)}
    units[2].dead, units[4].late = True, 0.15
    with modbus_line(units, echo=True, pieces=4) as line:
        text = (
            configuration(mosquitto.port, {}, FEATURES)
            + f"""
[[boards]]
name = "bus"
port = "{line.path}"
baud = 9600
format = "modbus"
every = "100ms"
timeout = "400ms"
units = [{{ id = 1, name = "a" }}, {{ id = 2, name = "b" }}, {{ id = 3, name = "c" }}, {{ id = 4, name = "d" }}]
registers = [
    {{ name = "t", kind = "input", at = 1, factor = 0.1 }},
    {{ name = "hum", kind = "input", at = 2, factor = 0.1, unit = "%" }},
]
also = ["hum"]
[spool]
at_risk = "5s"
"""
        )
        gateway = Gateway(tmp_path, text, program=("tests.taped", str(file)))
        try:
            until(lambda: len(judge.of("bus-a", "t")) > 20, "readings flow", 40)
            units[3].exception = 2
            seen = len(judge.of("bus-a", "t"))
            until(lambda: len(judge.of("bus-a", "t")) > seen + 10, "readings flow", 40)
            units[3].exception, units[2].dead, units[1].input[1] = 0, False, 215
            until(lambda: judge.of("bus-b", "t") and len(judge.of("bus-c", "t")) > 20, "all answer", 40)
            assert gateway.stop() == 0
        finally:
            gateway.kill()
            judge.close()
    until(lambda: judge.documents["gateway/gw/bus-d/status"]["state"] == "offline", "the last document", 40)
    lines = [json.loads(one) for one in replay(file, "-c", gateway.file, "--json").stdout.splitlines()]
    summaries = {one["summary"]["board"]: one["summary"] for one in lines if "summary" in one}
    again = [one for one in lines if "summary" not in one]
    assert {(row["board"], row["sensor"]) for row in again} == {(f"bus-{n}", s) for n in "abcd" for s in ("t", "hum")}
    for board, sensor in sorted({(row["board"], row["sensor"]) for row in again}):
        live = judge.of(board, sensor)
        replayed = [row for row in again if (row["board"], row["sensor"]) == (board, sensor)]
        assert [row["seq"] for row in replayed] == [row["seq"] for row in live]
        for one, other in zip(live, replayed, strict=True):
            check_alike(one, other)
    for board, summary in summaries.items():
        document = judge.documents[f"gateway/gw/{board}/status"]
        for key in ("bytes", "frames", "decoded", "noise", "refused", "values", "refused_values", "readings"):
            assert summary[key] == document[key], (board, key)
    assert summaries["bus-b"]["refused"]["timeout"] and summaries["bus-c"]["refused"]["exception"]
    faster = [
        json.loads(one) for one in replay(file, "-c", gateway.file, "--json", "--speed", "20").stdout.splitlines()
    ]
    for one, other in zip(lines, faster, strict=True):
        if "summary" in one:
            assert one == other
        else:
            check_alike(one, other)
    check_backfill(tmp_path, file, gateway.file, "bus", [row for n in "abcd" for row in judge.of(f"bus-{n}", "t")])
