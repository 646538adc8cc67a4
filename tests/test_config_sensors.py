"""Which keys count for a sensor: those of all, of its board, and of each [[sensors]] that finds it."""

from pathlib import Path

import pytest

from gateway import config
from gateway.config import plan_for, sending_for, treatments_for
from gateway.model import Plan, Treatment
from gateway.sending import Sending
from tests.tables import BENCH, loaded


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
    base = Plan()
    assert plan_for(made, "bench", "temperature") == Plan(range=(-10.0, 50.0), out_of_range="drop")
    s2 = Plan(range=(0.0, 40.0), out_of_range="drop", window_s=None, window_n=10, stuck=300.0)
    assert plan_for(made, "bench", "S2") == s2
    s1 = Plan((0.0, 1.0), None, 10, (), None, "drop", 300.0)
    assert plan_for(made, "bench", "S1") == s1
    assert plan_for(made, "bench", "s1").window_s == 5.0
    assert plan_for(made, "bench", "s1").window_n == 10_000
    assert plan_for(made, "hall-usb-FTDI_A1", "x") == Plan(spike=6.0)
    assert made.features == base
    assert made.sending == sending_for(made, "bench", "S2") == Sending(every=10.0)
    assert sending_for(made, "bench", "S1") == Sending()


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
