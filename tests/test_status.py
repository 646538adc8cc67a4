"""The status documents: the contract's keys, sums that hold, and what of them is worth telling at once."""

from collections import Counter

import pytest

from gateway.ledger import Account
from gateway.publish.alarm import Told
from gateway.telling.faults import Faults
from gateway.telling.sized import written
from gateway.telling.status import (
    SensorLook,
    board_document,
    board_shape,
    gateway_document,
    offline,
    shape,
    unbalanced,
)
from tests.looks import account, balances, board, look
from tests.packets import strict

GATEWAY = [
    "gateway",
    "state",
    "reason",
    "run",
    "version",
    "started",
    "time",
    "clock",
    "frames",
    "decoded",
    "noise",
    "refused",
    "values",
    "refused_values",
    "readings",
    "inherited",
    "acknowledged",
    "sent_unacknowledged",
    "in_flight",
    "spooled",
    "condensed",
    "dropped",
    "balanced",
    "boards",
    "alarms",
    "broker",
    "spool",
    "pool",
    "faults",
    "fault_totals",
]
BOARD = [
    "board",
    "state",
    "since",
    "port",
    "baud",
    "format",
    "bytes",
    "frames",
    "decoded",
    "noise",
    "refused",
    "values",
    "refused_values",
    "readings",
    "dropped",
    "reopened",
    "silences",
    "dtr_pulses",
    "overruns",
    "line_errors",
    "retuned",
    "count_gaps",
    "restarts",
    "reason",
    "alarms",
    "faults",
    "last_refused",
    "sensors",
]


@pytest.fixture
def faults():
    """No faults, at a clock that stands still."""
    return Faults(lambda: 1_795_000_001.0, lambda: None)


def test_the_gateways_document(faults):
    """It has the contract's keys, times as text, and the sums of its boards; the laws of the ledger hold in it."""
    faults.tell("broker", "it is away")
    document = strict(written(gateway_document(look(board(), board("b2", state="silent")), faults)))
    assert list(document) == GATEWAY
    assert (document["state"], document["reason"], document["clock"]) == ("online", None, "synced")
    assert (document["started"], document["time"]) == ("2026-11-18T11:06:40.000Z", "2026-11-18T11:07:40.250Z")
    assert document["boards"] == {"online": 1, "silent": 1, "offline": 0, "lent": 0}
    assert document["spool"] == dict(look().spool)
    assert document["faults"] == {"broker": {"since": "2026-11-18T11:06:41.000Z", "count": 1, "text": "it is away"}}
    assert document["fault_totals"] == {"broker": 1}
    assert document["refused"] == {"bad_checksum": 14}
    assert document["dropped"] == {"out_of_range": 8, "refused_by_broker": 4}
    balances(document)


def test_alarms(faults):
    """How many are on, in both documents, and which, at the sensors; each that comes or goes is told at once."""
    sensors = {"S1": SensorLook("ok", 90, None, "°C", alarm="above"), "S2": SensorLook("ok", 90, None, "°C")}
    hot = board(sensors=sensors, alarms={"S1": Told(1, 0.0, 0.0, 72.0)})
    document = strict(written(board_document(hot, faults)))
    assert (document["alarms"], document["sensors"]["S1"]["alarm"], "alarm" in document["sensors"]["S2"]) == (
        1,
        "above",
        False,
    )
    both = gateway_document(look(hot, board("b2")), faults)
    assert both["alarms"] == 1
    assert shape(both) != shape(gateway_document(look(board(), board("b2")), faults))
    assert board_shape(hot, faults) != board_shape(board(sensors=sensors), faults)


def test_a_boards_document(faults):
    """It has the contract's keys; what was refused last is hex, and short."""
    document = strict(written(board_document(board(), faults)))
    assert list(document) == BOARD
    assert (document["since"], document["baud"], document["bytes"]) == ("2026-11-18T11:06:40.000Z", 115_200, 1000)
    assert document["last_refused"] == "ff" * 64
    assert document["sensors"] == {
        "S1": {"state": "ok", "readings": 90, "last": "2026-11-18T11:06:40.500Z", "unit": "°C"},
        "S2": {"state": "failed", "readings": 0, "last": None, "unit": ""},
    }


def test_the_hardware_of_a_sensor_that_is_called_otherwise(faults):
    """The board's own name stands beside the given one, and only where it is another."""
    sensors = {name: SensorLook("ok", 1, None, "°C", "28ff0adc83160341") for name in ("inlet", "28ff0adc83160341")}
    document = board_document(board(sensors=sensors), faults)["sensors"]
    assert [one.get("hardware") for one in document.values()] == ["28ff0adc83160341", None]


@pytest.mark.parametrize("reason", ["stopped", "lost"])
def test_the_documents_of_the_end(faults, reason):
    """They have the shape of all others, but for the state and its reason."""
    online = gateway_document(look(board()), faults)
    last = offline(online, reason)
    assert (last.pop("state"), last.pop("reason")) == ("offline", reason)
    assert last == {key: value for key, value in online.items() if key not in ("state", "reason")}


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        ({"frames": 61}, "frames: 61 came in and 60 are accounted for"),
        ({"values": 111}, "values: 111 came in and 110 are accounted for"),
        ({"acknowledged": 79}, "readings: 100 came in and 99 are accounted for"),
    ],
)
def test_a_ledger_that_does_not_balance(faults, wrong, law):
    """It is said of which board and by which law, and two boards cannot make up for each other."""
    off = {key: 2 * getattr(account(), key) - value for key, value in wrong.items()}
    seen = look(board(account=account(**wrong)), board("b2", account=account(**off)))
    assert unbalanced(seen)[0] == f"bench: {law}"
    assert len(unbalanced(seen)) == 2
    assert gateway_document(seen, faults)["balanced"] is False


def test_the_shape_holds_what_is_worth_telling_at_once(faults):
    """A state, a reason, a fault, a sensor or the port changes it; counters and times do not."""

    def of(one):
        return board_shape(one, faults)

    before = of(board())
    assert of(board(account=Account(frames=9), since=1.0)) == before
    sensors = board().sensors
    assert of(board(sensors={**sensors, "S1": SensorLook("ok", 91, 1_795_000_001.0, "°C")})) == before
    for other in (
        board(state="silent"),
        board(reason="opening takes long"),
        board(port="/dev/ttyUSB1"),
        board(sensors={**sensors, "S1": SensorLook("silent", 90, 1_795_000_000.5, "°C")}),
        board(sensors={**sensors, "S3": SensorLook("ok", 1, 1_795_000_000.5, "°C")}),
    ):
        assert of(other) != before
    faults.tell("link", "it is gone")
    assert of(board()) != before


def test_the_gateways_shape(faults):
    """The states of the boards and the connection are in it, and the counts of the pool and the readings are not."""

    def of(one):
        return shape(gateway_document(one, faults))

    before = of(look(board()))
    assert of(look(board(account=Account()), time=1_795_000_100.0, pool={"batches": 10})) == before
    assert of(look(board(state="offline"))) != before
    assert of(look(board(), broker={"connected": False})) != before


def test_names_of_any_kind(faults):
    """A board may name its sensors as it likes, lone surrogates too: the document is JSON in UTF-8."""
    names = ['"', "\\", "\x00", "𝄞", "\ud800", "%s", "</script>"]
    sensors = {name: SensorLook("ok", 1, None, name) for name in names}
    document = strict(written(board_document(board(sensors=sensors, reason="\udfff"), faults)))
    assert list(document["sensors"]) == ['"', "\\", "\x00", "𝄞", "?", "%s", "</script>"]


def test_counters_of_any_key(faults):
    """Reasons are written by their names, whatever kind of string they are."""
    made = board(account=account(dropped=Counter({"spool_full": 6})))
    assert strict(written(board_document(made, faults)))["dropped"] == {"spool_full": 6}
