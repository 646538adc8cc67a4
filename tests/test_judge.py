"""The demo's subscriber: what counts as received, and how long it took."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.judge import Judge, Latencies, Seen
from gateway.watch.table import Row

TOPIC = "gateway/demo/bench/S1/features"
SENSORS = {"bench": ["S1", "S2"]}


def reading(seq, value=50.0, **other):
    """A message as the gateway writes it."""
    return json.dumps(
        {"gateway": "demo", "board": "bench", "sensor": "S1", "run": "r", "seq": seq, "value": value} | other
    ).encode()


def wrote(value, mono, sensor="S1"):
    """A line of the boards' log."""
    return json.dumps({"board": "bench", "sensor": sensor, "value": value, "count": 1, "mono": mono}).encode()


def status(**other):
    """The gateway's status document."""
    return json.dumps({"gateway": "demo", "run": "r", "state": "online", "readings": 0} | other).encode()


@pytest.fixture
def judge():
    """A judge that has heard the gateway's status."""
    judge = Judge("demo", SENSORS)
    judge.hear("gateway/demo/status", status(), 1.0)
    return judge


@given(st.lists(st.integers(1, 60), max_size=120))
def test_a_number_is_new_once(numbers):
    """In whatever order numbers come, each is new the first time only, and what is missing is what was left out."""
    seen = Seen()
    assert [seen.see(number) for number in numbers] == [
        number not in numbers[:place] for place, number in enumerate(numbers)
    ]
    assert seen.received == len(set(numbers))
    missing = set(range(1, max(numbers, default=0) + 1)) - set(numbers)
    assert seen.missing == len(missing)
    assert {number for first, last in seen.holes for number in range(first, last + 1)} == missing


def test_memory_does_not_grow_with_a_leap():
    """A number far ahead, as a forged message may have, is one hole."""
    seen = Seen()
    seen.see(10**18)
    assert seen.holes == [(1, 10**18 - 1)]


@given(st.lists(st.floats(1e-5, 100), min_size=1, max_size=200), st.sampled_from([0.5, 0.99]))
def test_quantiles_are_known_to_a_percent(times, share):
    """The histogram tells the nearest-rank quantile to 1 %."""
    latencies = Latencies()
    for time in times:
        latencies.add(time)
    exact = sorted(times)[-(-len(times) * round(share * 100) // 100) - 1]
    assert latencies.quantile(share) == pytest.approx(exact, rel=0.01)


def test_no_latency_without_a_reading():
    """Nothing measured has no quantile."""
    assert Latencies().quantile(0.5) is None


def test_a_latency_runs_from_the_boards_write(judge):
    """The written and the heard half of a reading find each other, whichever comes first."""
    judge.wrote(wrote(50.0, 10.0))
    judge.hear(TOPIC, reading(1, 50.0), 10.004)
    judge.hear(TOPIC, reading(2, 51.0), 20.004)
    assert judge.latencies.quantile(0.99) == pytest.approx(0.004, rel=0.01)
    judge.wrote(wrote(51.0, 20.0))
    assert judge.latencies.quantile(1.0) == pytest.approx(0.004, rel=0.01)
    assert not judge.streams["bench", "S1"].came
    assert not judge.streams["bench", "S1"].wrote


def test_a_lost_reading_does_not_spoil_the_latency_of_the_next(judge):
    """A written reading that never came is passed over, since its value is another one."""
    for value, mono in ((50.0, 10.0), (51.0, 20.0)):
        judge.wrote(wrote(value, mono))
    judge.hear(TOPIC, reading(2, 51.0), 20.004)
    assert judge.latencies.quantile(1.0) == pytest.approx(0.004, rel=0.01)


def test_what_comes_again_is_a_duplicate(judge):
    """(board, sensor, run, seq) is one reading, however often it comes."""
    for seq in (1, 2, 2, 1, 4):
        judge.hear(TOPIC, reading(seq), 1.0)
    assert (judge.received, judge.duplicates, judge.missing) == (3, 2, 1)


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"\xff", b"[]", b"7", b'{"gateway": "demo"}', reading(0), reading(True), reading(1.0), reading("1"),
        reading(None), reading(1, None), reading(1, "50"), reading(1, True), reading(1, float("nan")),
        reading(1, float("inf")), reading(1, 10**400), reading(1, run="another"), reading(1, run=["r"]),
        reading(1, gateway="other"), b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_reading_of_this_run_is_not_counted(judge, payload):
    """The broker is open to this machine: whatever somebody else publishes counts for nothing and breaks nothing."""
    judge.hear(TOPIC, payload, 1.0)
    assert (judge.received, judge.duplicates, judge.strays) == (0, 0, 0)


def test_only_features_count(judge):
    """The retained `last` of a sensor is a reading that was counted before."""
    judge.hear("gateway/demo/bench/S1/last", reading(1), 1.0)
    assert judge.received == 0


def test_a_sensor_that_no_board_has_is_told(judge):
    """A reading that the gateway made up is no reading of ours."""
    judge.hear(TOPIC, reading(1, sensor=["\x1b[2J"]), 1.0)
    assert (judge.received, judge.strays) == (0, 1)
    assert judge.stray == "bench/['\\x1b[2J']"


def test_the_first_run_is_the_one_that_counts():
    """Before the gateway has named its run no reading counts, and a status of another run changes nothing."""
    judge = Judge("demo", SENSORS)
    judge.hear(TOPIC, reading(1), 1.0)
    judge.hear("gateway/demo/status", status(readings=5), 2.0)
    judge.hear("gateway/demo/status", status(run="another", readings=7), 3.0)
    judge.hear("gateway/demo/bench/status", b'{"board": "bench", "state": "online"}', 3.0)
    assert (judge.received, judge.status["readings"], judge.status_at) == (0, 5, 2.0)


def test_rows_are_what_was_heard_last(judge):
    """A sensor's row has its newest message, its values in order and their age; one that is silent has its name."""
    judge.hear(TOPIC, reading(1, 50.0, unit="°C", quality="ok", normalized=0.5, feature=2.8, mean=None, std="x"), 5.0)
    judge.hear(TOPIC, reading(2, 51.0, unit="°C", quality="ok", normalized=0.5, feature=2.8, mean=None, std="x"), 6.0)
    first, second = judge.rows(7.5)
    assert first == Row("bench", "S1", "°C", 51.0, {"normalized": 0.5, "feature": 2.8}, "ok", (50.0, 51.0), 1.5)
    assert second == Row("bench", "S2")
