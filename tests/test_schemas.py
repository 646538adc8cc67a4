"""The schemas in gateway/schemas/ hold for all that the code writes, the documentation shows, a live gateway sends."""

import json
import re
import signal
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telling import faults as telling
from gateway.telling.sized import will, written
from gateway.telling.status import absent, board_document, gateway_document, offline
from tests.looks import board, look
from tests.made import features
from tests.street import ROOT, configuration, running, until
from tests.test_messages import written as readings
from tests.watching import simulated

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not here; `sh .ci/setup test` brings it")
referencing = pytest.importorskip("referencing", reason="it comes with jsonschema")

FOLDER = ROOT / "gateway" / "schemas"
SCHEMAS = {file.stem: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}
REGISTRY = referencing.Registry().with_resources(
    (schema["$id"], referencing.Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
CHECKS = {name: jsonschema.Draft202012Validator(schema, registry=REGISTRY) for name, schema in SCHEMAS.items()}
OF_KEYS = {"rows": "rows", "broker": "gateway-status", "since": "alarm", "seq": "reading"}
USE = ["mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore"]


def fits(name, document):
    """Fails with what is wrong, and where."""
    wrong = [f"{error.json_path}: {error.message}" for error in CHECKS[name].iter_errors(document)]
    assert not wrong, f"{name}: {wrong} in {document}"


def known(name, document):
    """Fails for a field that the schema does not name; of a reading such a one is a feature."""
    named = SCHEMAS[name]["properties"]
    more = {key: value for key, value in document.items() if key not in named}
    if name == "reading":
        more = {key: value for key, value in more.items() if value is not None and not isinstance(value, int | float)}
    assert not more, f"{name} has no word of {more}"
    for key in ("broker", "spool", "pool"):
        assert set(document.get(key, ())) <= set(named.get(key, {}).get("properties", ())), key


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name):
    """Draft 2020-12, with an id that says its version and its name, and a sentence on its topic."""
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:serial-edge-gateway:1:{name}"
    assert schema["description"].startswith("<prefix>/<gateway>/")


def test_the_page_names_them_and_its_examples_fit():
    """docs/messages.md: each example is of one schema, and each schema is linked."""
    text = (ROOT / "docs" / "messages.md").read_text()
    assert set(re.findall(r"\.\./gateway/schemas/([a-z-]+)\.json", text)) == set(SCHEMAS)
    kinds = []
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        document = json.loads(block)
        kinds.append(next(name for key, name in OF_KEYS.items() if key in document))
        fits(kinds[-1], document)
    assert set(kinds) >= {"reading", "rows", "alarm", "gateway-status"}


names = st.text(max_size=9).map(lambda text: text.encode(errors="replace").decode())


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5),
    names,
    names,
    st.sampled_from([None, "unsynced", "corrected"]),
)
def test_all_readings_fit(values, board, sensor, clock):
    """Whatever the names, the values, the clock: as messages and as rows."""
    seqs = list(range(1, len(values) + 1))
    made = features(seqs, value=values, count=[None, *seqs[1:]])
    given = {"condensed": {1: 3}, "clock": clock, "tags": {"site": "hall"}, "identity": ("g", board, sensor, "run")}
    for document in readings(made, **given):
        fits("reading", document)
        fits("last", document)
        known("reading", document)
    rows = readings(made, rows=True, **given)
    fits("rows", rows)
    known("rows", rows)


def told():
    """Faults, one present."""
    found = telling.Faults(lambda: 1_795_000_000.0, lambda: None)
    found.tell("broker", "it is slow")
    return found


def test_all_documents_fit_however_short():
    """A gateway's, its will, and a board's, in each length to which a broker may press them."""
    made = gateway_document(look(board()), told())
    fits("gateway-status", made)
    known("gateway-status", made)
    for size in range(100, 3000, 50):
        fits("gateway-status", json.loads(written(made, size)))
    for payload in will(offline(made, "lost")):
        fits("will", json.loads(payload))
    fits("gateway-status", offline(made, "stopped"))
    of_board = board_document(board(), told())
    fits("board-status", of_board)
    known("board-status", of_board)
    for size in range(100, 2000, 50):
        fits("board-status", json.loads(written(of_board, size)))
    fits("board-status", absent("bench"))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("reading", {"seq": 0}), ("reading", {"value": None}), ("reading", {"quality": "good"}),
        ("reading", {"time": "now"}), ("reading", {"mean": "x"}), ("reading", {"clock": "synced"}),
        ("reading", {"run": ""}), ("reading", {"tags": {"a": 1}}),
        ("gateway-status", {"state": "silent"}), ("gateway-status", {"readings": -1}),
        ("gateway-status", {"spool": {}}),
        ("gateway-status", {"dropped": {"shed": "1"}}), ("gateway-status", {"faults": {"broker": {}}}),
        ("will", {"reason": "stopped"}),
        ("board-status", {"sensors": {"S1": {"state": "fine"}}}), ("board-status", {"last_refused": "xyz"}),
        ("alarm", {"state": "high"}), ("alarm", {"since": None}),
        ("rows", {"columns": ["time", "seq", "value", "quality", "n"]}), ("rows", {"rows": [["1", "x"]]}),
    ],
)  # fmt: skip
def test_a_wrong_document_does_not_fit(name, change):
    """The schemas bite: a value of another kind, a word that is none, a sum below nothing."""
    made = gateway_document(look(board()), told())
    right = {
        "reading": readings(features([1]))[0],
        "rows": readings(features([1]), rows=True),
        "gateway-status": made,
        "will": offline(made, "lost"),
        "board-status": board_document(board(), told()),
        "alarm": {"state": "above", "since": "2026-11-24T05:48:46.123Z", "value": 71.3},
    }[name]
    fits(name, right)
    assert not CHECKS[name].is_valid(right | change)


def kind(topic, document):
    """Which schema is a topic's."""
    *_, last = topic.split("/")
    if last == "status":
        return "gateway-status" if topic.count("/") == 2 else "board-status"
    return {"features": "rows" if "rows" in document else "reading"}.get(last, last)


@pytest.mark.slow
@pytest.mark.parametrize("payload", ["reading", "rows"])
def test_what_a_live_gateway_sends_fits(mosquitto, tmp_path, payload):
    """From its start to its end, and its will: each message fits its schema, and has no field beyond."""
    command = ["mosquitto_sub", "-p", str(mosquitto.port), "-q", "1", "-t", "gateway/#", "-F", "%t\t%p"]
    with (tmp_path / "heard").open("w") as file:
        heard = subprocess.Popen(command, stdout=file)
    (tmp_path / "ports").mkdir()
    alarm = '[[sensors]]\nmatch = "*/S1"\nalarm = { above = 10.0, below = -10.0, clear = 1.0 }'
    extra = f'{alarm}\n[features]\nuse = {json.dumps(USE)}\nwindow = "1s"'
    mqtt = f'payload = "{payload}"\ndiscovery_prefix = ""'

    def found():
        return [line.split("\t", 1) for line in (tmp_path / "heard").read_text().splitlines() if "\t" in line]

    try:
        with simulated(tmp_path / "ports") as (ports, boards):
            text = configuration(mosquitto.port, ports, extra, mqtt, 'silent = "1s"\ntags = { site = "hall" }')
            with running(tmp_path, text) as gateway:
                until(lambda: sum(topic.endswith("/features") for topic, _ in found()) > 40, "readings", 30)
                boards.send_signal(signal.SIGSTOP)
                until(lambda: any('"silent"' in text for topic, text in found() if "plain" in topic), "silence", 20)
                boards.send_signal(signal.SIGCONT)
                gateway.kill()
                until(lambda: any('"lost"' in text for _, text in found()), "the will", 20)
            with running(tmp_path, text) as gateway:
                until(lambda: found()[-1][0].endswith("/features"), "readings again", 30)
                assert gateway.stop(10) == 0
        until(lambda: any('"stopped"' in text for _, text in found()), "its last word", 20)
    finally:
        heard.terminate()
        heard.wait(10)
    kinds = set()
    for topic, text in found():
        document = json.loads(text)
        name = kind(topic, document)
        kinds.add(name)
        fits(name, document)
        known("reading" if name == "last" else name, document)
        if document.get("reason") == "lost":
            fits("will", document)
    assert kinds == {payload, "last", "alarm", "gateway-status", "board-status"}
