"""A whole street whose sensors are calibrated, converted and called otherwise, and whose calibration changes."""

import os
import random
import signal
from fractions import Fraction

import pytest

from simulators import Board

from .street import configuration, running, until
from .test_reload import descriptors
from .test_street import check_ledger, check_sequences, founding

WINDOW = 5


def sensors(*tables: str) -> str:
    """The end of a configuration: [[sensors]] tables, a window by count."""
    text = "".join(f"[[sensors]]\n{table}\n" for table in tables)
    return f'{text}[features]\nwindow = {WINDOW}\nuse = ["mean", "min", "max", "std", "rate"]\n'


def exactly(text: str) -> Fraction:
    """°C for what the board says in °F: two points with the end segments going on, times 1.02, less 0.3, converted."""
    raw = Fraction(text)
    (a, x), (b, y) = (Fraction(33), Fraction(32)), (Fraction(211), Fraction(212))
    true = x + (raw - a) * (y - x) / (b - a)
    return (true * Fraction(1.02) - Fraction(0.3) - 32) * 5 / 9


def check_windows(rows: list[dict]) -> None:
    """The features of each reading are those of the values as they are published, over the last WINDOW of them."""
    for at, row in enumerate(rows):
        values = [one["value"] for one in rows[max(0, at + 1 - WINDOW) : at + 1]]
        mean = sum(values) / len(values)
        assert row["n"] == len(values)
        assert (row["min"], row["max"]) == (min(values), max(values))
        assert row["mean"] == pytest.approx(mean, rel=1e-9, abs=1e-9)
        assert row["std"] ** 2 == pytest.approx(sum((v - mean) ** 2 for v in values) / len(values), rel=1e-6, abs=1e-9)
        assert (row["normalized"], row["feature"]) == founding(row["value"])


def test_a_fahrenheit_board_is_published_in_celsius(tmp_path, mosquitto, judge):
    """Calibrated in °F, converted, called otherwise: every value is right, and so are the features from it."""
    dice = random.Random(7)
    texts = [f"{dice.uniform(-60, 480):.2f}" for _ in range(2000)]
    table = (
        'match = "oven/T1"\nname = "inlet"\nunit = "°C"\npoints = [[33, 32], [211, 212]]\ngain = 1.02\noffset = -0.3\n'
        "range = [-40, 200]"
    )
    with Board(kind="kv", sensors=2, name="oven", values=texts, pace="none") as board:
        text = configuration(
            mosquitto.port, {"oven": board.path}, sensors(table), each='format = "kv"\nunit = "°F"\nrange = [-50, 450]'
        )
        with running(tmp_path, text) as gateway:
            until(lambda: len(judge.features) >= 2000, "all readings", 30)
            status = "gateway/gw/oven/status"
            until(lambda: "inlet" in judge.documents[status]["sensors"], "the status has them")
            assert gateway.stop() == 0
    assert judge.sensors == {("oven", "inlet"), ("oven", "T2")}
    check_sequences(judge)
    inlet, other = judge.of("oven", "inlet"), judge.of("oven", "T2")
    assert {row["unit"] for row in inlet} == {"°C"} and {row["unit"] for row in other} == {"°F"}
    assert [row["value"] for row in inlet] == pytest.approx([float(exactly(one)) for one in texts[::2]], abs=1e-11)
    assert [row["value"] for row in other] == [float(one) for one in texts[1::2]]
    for rows, low, high in ((inlet, -40, 200), (other, -50, 450)):
        check_windows(rows)
        assert [row["quality"] == "out_of_range" for row in rows] == [not low <= row["value"] <= high for row in rows]
    until(lambda: judge.documents["gateway/gw/status"]["state"] == "offline", "the last document")
    last = check_ledger(judge)
    assert (last["acknowledged"], last["readings"], last["refused_values"]) == (2000, 2000, {})
    told = judge.documents[status]["sensors"]
    assert told["inlet"]["hardware"] == "T1" and told["inlet"]["unit"] == "°C" and "hardware" not in told["T2"]


@pytest.mark.slow
def test_a_calibration_that_changes(tmp_path, mosquitto, judge):
    """No port is opened anew, no number is missing or comes twice, and no window has values from before and after."""
    with Board(kind="kv", sensors=2, rate=200, name="a") as board:
        ports = {"a": board.path}
        write = lambda *tables: configuration(mosquitto.port, ports, sensors(*tables), each='format = "kv"')  # noqa: E731
        with running(tmp_path, write()) as gateway:
            until(lambda: len(judge.of("a", "T1")) > 50, "readings flow")
            held = descriptors(gateway.process.pid)[os.path.realpath(board.path)]
            for offset in (1000, 2000):
                gateway.file.write_text(write(f'match = "a/T1"\noffset = {offset}'))
                gateway.process.send_signal(signal.SIGHUP)
                until(lambda o=offset: judge.of("a", "T1")[-20]["value"] > o, "the new calibration counts")
            seen = len(judge.features)
            until(lambda: len(judge.features) > seen + 50, "readings flow on")
            assert descriptors(gateway.process.pid)[os.path.realpath(board.path)] == held
            gateway.file.write_text(write('match = "a/T1"\nname = "inlet"'))
            gateway.process.send_signal(signal.SIGHUP)
            until(lambda: len(judge.of("a", "inlet")) > 50, "the new name counts")
            status = "gateway/gw/a/status"
            until(
                lambda: set(judge.documents[status]["sensors"]) == {"inlet", "T2"}, "the status has the new name alone"
            )
            assert judge.documents[status]["reopened"] == 0
            assert gateway.stop() == 0
    until(lambda: judge.documents["gateway/gw/status"]["state"] == "offline", "the last document")
    check_sequences(judge)
    check_ledger(judge)
    check_windows(judge.of("a", "T2"))  # which no reload has touched
    check_windows(judge.of("a", "inlet"))
    rows = judge.of("a", "T1")
    ages = [[row for row in rows if row["value"] // 1000 == age] for age in range(3)]
    assert [row for age in ages for row in age] == rows and all(len(age) >= 20 for age in ages)
    for age in ages:
        check_windows(age)
        assert age[0]["rate"] is None
    assert len(rows) + len(judge.of("a", "inlet")) == len(judge.of("a", "T2"))
    assert judge.documents[status]["sensors"]["inlet"]["hardware"] == "T1"


@pytest.mark.slow
def test_one_name_for_two_and_a_unit_that_does_not_fit(tmp_path, mosquitto, judge):
    """The second keeps its own name, a humidity is no temperature: both are told, counted, and nothing else suffers."""
    lines = [b"boot\r\n", *(b'{"t1":%d.5,"t2":%d.25,"hum":40}\r\n' % (n % 90, n % 90) for n in range(1000))]
    with Board(lines=lines, pace="none") as board:
        table = 'match = "b/*"\nname = "inlet"\nunit = "K"', 'match = "b/hum"\nname = ""'
        text = configuration(
            mosquitto.port,
            {"b": board.path},
            sensors(*table),
            each='format = "json"\nalso = ["hum"]\nrange = [300, 350]',
        )
        with running(tmp_path, text) as gateway:
            until(lambda: len(judge.features) >= 2000, "all readings", 30)
            status = "gateway/gw/b/status"
            until(lambda: set(judge.documents[status]["faults"]) >= {"names", "units"}, "both are told")
            assert gateway.stop() == 0
    check_sequences(judge)
    assert [row["value"] for row in judge.of("b", "inlet")] == [n % 90 + 0.5 + 273.15 for n in range(1000)]
    for row in judge.features:  # the board's range is in K, as it is published
        assert (row["quality"] == "out_of_range") is not (300 <= row["value"] <= 350)
    assert [row["value"] for row in judge.of("b", "t2")] == [n % 90 + 0.25 + 273.15 for n in range(1000)]
    until(lambda: judge.documents["gateway/gw/status"]["state"] == "offline", "the last document")
    last = check_ledger(judge)
    assert (last["readings"], last["refused_values"]) == (2000, {"wrong_unit": 1000})
    told = judge.documents[status]
    assert "'t2' is to be called 'inlet', and so is 't1'" in told["faults"]["names"]["text"]
    assert "the values of 'hum' are refused, as what has no unit cannot become 'K'" in told["faults"]["units"]["text"]
    assert {name: one["state"] == "failed" for name, one in told["sensors"].items()} == {
        "inlet": False, "t2": False, "hum": True,
    }  # fmt: skip
