"""The status documents as metrics: names, values, hostile labels, bounds; held against the format's grammar."""

import json
import re
import time
from datetime import datetime
from pathlib import Path

import pytest

from gateway.model import Drop, Why
from gateway.telling.faults import Faults
from gateway.telling.status import SensorLook, board_document, gateway_document
from gateway.web.metric_names import BOARD, GATEWAY, HELP
from gateway.web.metrics import LONGEST, TYPE, exposed, label

from .exposition import complaints, parsed
from .looks import board, look

ROOT = Path(__file__).parent.parent
HOSTILE = [
    'a"b',
    "a\\",
    "a\nb 1\n# TYPE x counter",
    "}",
    '{x="1"} 5',
    "\x00\r\t",
    "°C \u202e",
    "💥",
    "",
    "a\ud800",
    "x" * 70_000,
]


def snapshot(boards=(), sensors=(), left_out=0):
    """What the gateway answers, with its documents as JSON brings them."""
    seen = look(*boards)
    faults = Faults(time.time, lambda: None)
    faults.tell("broker", "it is away")
    documents = {one.name: board_document(one, faults) for one in seen.boards}
    whole = {
        "gateway": gateway_document(seen, faults),
        "boards": documents,
        "sensors": list(sensors),
        "left_out": left_out,
    }
    return json.loads(json.dumps(whole))


def test_the_text_is_of_the_format_and_lint_has_nothing_to_say():
    """Grammar, families, names and units are Prometheus' own."""
    text = exposed(snapshot([board()], [["bench", "S1", "°C", 1795000000.5, 21.5]]))
    assert parsed(text)
    assert complaints(text) == []
    assert "version=0.0.4" in TYPE


def test_every_metric_that_is_named_is_written():
    """The families of the text are those of the table, each with its kind and its sentence."""
    text = exposed(snapshot([board()]))
    assert set(re.findall(r"(?m)^# TYPE (\w+)", text)) == set(HELP)


def test_each_number_is_the_document_s():
    """Whatever stands in a document under a metric's place is the metric's value."""
    whole = snapshot([board(), board("hall", state="silent")])
    found = parsed(exposed(whole))
    checked = 0
    for metric in GATEWAY:
        checked += agrees(found, metric, whole["gateway"], {})
    for metric in BOARD:
        for name, document in whole["boards"].items():
            checked += agrees(found, metric, document, {"board": name})
    assert checked > 60
    assert found["gateway_boards", frozenset({("state", "silent")})] == 1
    assert found["gateway_board_state", frozenset({("board", "hall"), ("state", "silent")})] == 1
    assert found["gateway_board_state", frozenset({("board", "hall"), ("state", "online")})] == 0
    assert found["gateway_fault_present", frozenset({("fault", "broker")})] == 1


def agrees(found, metric, document, labels):
    """How many samples of a metric were compared with its place in the document."""
    value = document
    for key in metric.place:
        value = value.get(key) if value else None
    if isinstance(value, dict):
        for reason, n in value.items():
            assert found[metric.name, frozenset({**labels, "reason": reason}.items())] == n
        return len(value)
    key = (metric.name, frozenset(labels.items()))
    if value is None:
        assert key not in found
        return 0
    if isinstance(value, str):
        assert abs(found[key] - datetime.fromisoformat(value).timestamp()) < 0.001
    else:
        assert found[key] == (len(value) if isinstance(value, list) else value * metric.times)
    return 1


def test_a_cluster_is_there_where_one_is_configured():
    """Its numbers are the document's, and whether it is used; without one there is no sample."""
    whole = snapshot([board()])
    assert not [name for name, _ in parsed(exposed(whole)) if name.startswith("gateway_cluster")]
    for state, connected in (("connected", 1), ("away", 0)):
        whole["gateway"]["pool"]["cluster"] = {
            "address": "tcp://h:1", "state": state, "workers": 4, "batches": 9, "returned": 3, "late": 2,
            "reason": None,
        }  # fmt: skip
        text = exposed(whole)
        assert complaints(text) == []
        found = {name: value for (name, _), value in parsed(text).items() if name.startswith("gateway_cluster")}
        assert found == {
            "gateway_cluster_connected": connected, "gateway_cluster_workers": 4, "gateway_cluster_batches_total": 9,
            "gateway_cluster_returned_total": 3, "gateway_cluster_late_total": 2,
        }  # fmt: skip


def test_reasons_are_there_from_the_start():
    """A rate over the gateway's reasons sees the first of each."""
    found = parsed(exposed(snapshot([])))
    for name, reasons in (("frames_refused", Why), ("values_refused", Why), ("readings_dropped", Drop)):
        assert all(found[f"gateway_{name}_total", frozenset({("reason", one)})] == 0 for one in reasons)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_label_and_nothing_else(name):
    """Quotes, ends of line, braces and what looks like a sample stay inside the label's value."""
    text = exposed(snapshot([board(name)], [[name, name, name, 1.0, 2.0]]))
    values = [dict(labels) for (metric, labels), _ in parsed(text).items() if metric == "gateway_sensor_value"]
    clean = name.encode(errors="replace").decode()
    assert len(values) == 1
    assert len(values[0]["sensor"]) <= LONGEST
    assert values[0]["sensor"] == clean or len(clean) > LONGEST


def test_long_names_stay_two():
    """Names that differ only behind the cut are told apart."""
    assert label("x" * 500) != label("x" * 499 + "y")


def test_names_that_become_one_give_one_series():
    """Two names that no UTF-8 tells apart would have a whole scrape refused."""
    found = parsed(exposed(snapshot([board()], [["b", "a\ud800", "", 1.0, 2.0], ["b", "a\ud801", "", 1.0, 3.0]])))
    assert [value for (name, _), value in found.items() if name == "gateway_sensor_value"] == [3.0]


def test_numbers_are_written_whole():
    """Counters beyond 2**53 aside, a number comes back as it was."""
    for value in (0.1, -1.5e-300, 123456789012.0, 1e300, 0.0):
        found = parsed(exposed(snapshot([], [["b", "s", "", 1.0, value]])))
        assert found["gateway_sensor_value", frozenset({("board", "b"), ("sensor", "s"), ("unit", "")})] == value


def test_a_thousand_sensors_take_little_time():
    """The text of 1,000 sensors is made in a few milliseconds: the best of five, on a busy machine."""
    sensors = {f"S{n}": SensorLook("ok", 90, 1_795_000_000.5, "°C") for n in range(1000)}
    whole = snapshot([board(sensors=sensors)], [["bench", name, "°C", 1.0, 21.5] for name in sensors])
    took = []
    for _ in range(5):
        began = time.process_time()
        text = exposed(whole)
        took.append(time.process_time() - began)
    assert text.count("gateway_sensor_value{") == 1000
    assert min(took) < 0.02


def test_the_documents_name_each_metric():
    """docs/metrics.md has a row for each, with its kind and its sentence."""
    page = (ROOT / "docs/metrics.md").read_text()
    rows = re.findall(r"(?m)^\| `(\w+)` \| (\w+) \| .*? ?\| (.+) \|$", page)
    assert {name: (kind, told) for name, kind, told in rows} == HELP
