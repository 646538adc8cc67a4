"""`band`, `heartbeat` and `alarm` of [[sensors]]: what they take, what they must be together, what `check` says."""

from pathlib import Path

import pytest

from gateway import config
from gateway.config import problems, sending_for
from gateway.sending import Alarm, Sending
from tests.tables import BENCH, loaded, the_one

TABLE = "[[sensors]]\nmatch = '*'\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("alarm = 71", "sensors[0].alarm: a table such as { above = 71, below = 5, clear = 2, for = \"30s\" }, or"),
        ("alarm = { abov = 71 }", "sensors[0].alarm.abov: no such key; did you mean 'above'?"),
        ("alarm = { above = 'hot' }", 'sensors[0].alarm.above: a number was expected; found "hot"'),
        ("alarm = { above = true }", "sensors[0].alarm.above: a number was expected; found true"),
        (
            "alarm = { above = 1e308 }",
            "sensors[0].alarm.above: a number from -1e+300 to 1e+300 was expected; found 1e+308",
        ),
        (
            "alarm = { below = -1e301 }",
            "sensors[0].alarm.below: a number from -1e+300 to 1e+300 was expected; found -1e+301",
        ),
        ("alarm = { above = nan }", "sensors[0].alarm.above: a number was expected; found nan"),
        ("alarm = { above = 71, clear = -2 }", "sensors[0].alarm.clear: a number from 0 up was expected; found -2"),
        ("alarm = { above = 71, for = 30 }", "sensors[0].alarm.for: a duration such as"),
        ("alarm = { above = 71, for = '8d' }", 'sensors[0].alarm.for: a duration from "0s" to "7d" was expected'),
        ("alarm = { clear = 2 }", "sensors[0].alarm: a limit is missing: above, below or both, as in { above"),
        ("alarm = { above = 5, below = 71 }", "sensors[0].alarm: below has to be less than above, or every value"),
        ("alarm = { above = 5, below = 5 }", "found below = 5 and above = 5"),
        ("alarm = { above = 9, below = 5, clear = 4 }", "clear has to be less than the distance between below and abo"),
        ("band = -1", "sensors[0].band: a number from 0 up was expected; found -1"),
        ("band = '0.5'", 'sensors[0].band: a number was expected; found "0.5"'),
        ("band = 1\nheartbeat = 60", "sensors[0].heartbeat: a duration such as"),
        ("heartbeat = '1m'", "sensors[0].heartbeat: it is for sensors with a band, and no table gives one; give band"),
        ("heartbeat = '1m'\nband = 0", "sensors[0].heartbeat: it is for sensors with a band"),
        (
            "every = '10s'\nheartbeat = '5s'\nband = 1",
            'sensors[0].heartbeat: after "5s" each reading is sent, and before every = "10s" has passed none, so that '
            "band says nothing; write a longer heartbeat",
        ),
    ],
)  # fmt: skip
def test_one_sentence(text: str, sentence: str) -> None:
    """What is wrong is one sentence: the place, what was expected, what to do."""
    assert sentence in the_one(BENCH + TABLE + text)


@pytest.mark.parametrize(
    "text",
    [
        "alarm = { above = 71 }", "alarm = { below = -5.5, clear = 0, for = '0s' }", "alarm = {}",
        "alarm = { above = 9, below = 5, clear = 3.9 }", "band = 0", "heartbeat = '0s'",
        "band = 0.5\nevery = '1s'\nheartbeat = '1m'",
        f"heartbeat = '1m'\n{TABLE}band = 1",
    ],
)  # fmt: skip
def test_what_goes(text: str) -> None:
    """A heartbeat may stand in a table of its own, where another one has the band."""
    assert problems(BENCH + TABLE + text) == []


RULES = """
mqtt.every = "5s"
[[boards]]
name = "bench"
port = "/dev/ttyX0"
[[sensors]]
match = "*"
band = 0.5
heartbeat = "5m"
alarm = { above = 71, below = 5, clear = 2, for = "30s" }
[[sensors]]
match = "bench/S1"
name = "inlet"
alarm = { above = 80 }
[[sensors]]
match = "bench/S2"
every = "0s"
band = 0
alarm = {}
"""


def test_the_last_word_on_each_key_counts(tmp_path: Path) -> None:
    """An alarm is taken whole, and an empty one is none; a sensor is found by both its names."""
    made = loaded(tmp_path, RULES)
    usual = Sending(5.0, 0.5, 300.0, Alarm(71.0, 5.0, 2.0, 30.0))
    assert sending_for(made, "bench", "S3") == usual
    assert sending_for(made, "bench", "inlet", "S1") == Sending(5.0, 0.5, 300.0, Alarm(above=80.0))
    assert sending_for(made, "bench", "S2") == Sending(0.0, 0.0, 300.0, None)


def test_other_ways_to_send_leave_the_windows_as_they_are(tmp_path: Path) -> None:
    """What is computed of a sensor does not hang on what is sent of it."""
    made = loaded(tmp_path, RULES)
    assert config.plan_for(made, "bench", "S1") == config.plan_for(made, "bench", "S2") == made.features


def test_the_plan_says_it(tmp_path: Path) -> None:
    """`gateway check` prints what each table says of sending, and of its alarm."""
    made = config.plan(loaded(tmp_path, RULES))
    said = [line.partition("sensors   ")[2] for line in config.lines(made) if line.startswith("sensors")]
    assert said == [
        "*: sent when it differs by 0.5, sent after 5m anyway, alarm above 71 or below 5 for 30s until 2 back",
        "bench/S1: called inlet, alarm above 80",
        "bench/S2: sent however often it comes, sent however little it differs, no alarm",
    ]
    first, _, last = made["sensors"]
    assert first == {
        "match": "*", "band": 0.5, "heartbeat_s": 300.0, "keys": ["alarm", "band", "heartbeat"],
        "alarm": {"above": 71.0, "below": 5.0, "clear": 2.0, "for_s": 30.0},
    }  # fmt: skip
    assert (last["every_s"], last["band"], last["alarm"]) == (0.0, 0.0, None)


def test_a_limit_that_no_value_can_reach(tmp_path: Path) -> None:
    """Readings outside the range are dropped before an alarm sees them: that is warned of, and nothing else is."""
    text = BENCH + 'range = [0, 60]\nout_of_range = "drop"\n'
    rule = '[[sensors]]\nmatch = "bench/*"\nalarm = { above = 60, below = 5 }\n'
    found = [one for one in config.warnings(loaded(tmp_path, text + rule)) if one.startswith("sensors")]
    assert found == [
        'sensors[0].alarm: above = 60 is never met at "bench", as what is outside its range, [0, 60], is dropped; '
        'write another limit, or out_of_range = "flag"'
    ]
    for other in (
        text.replace("drop", "flag") + rule,
        text + rule.replace("= 60", "= 59"),
        text + rule.replace("bench", "b"),
    ):
        assert not [one for one in config.warnings(loaded(tmp_path, other)) if ".alarm" in one]
