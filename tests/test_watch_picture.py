"""The picture of a watched gateway fits its terminal, uses it, and says what is wrong."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.live import cells
from gateway.watch.choice import Choice
from gateway.watch.nouns import Told
from gateway.watch.table import since
from tests.pictured import after, many, text
from tests.watched import AT, WALL, board, heard, reading, seen, status, topic

NAMES = st.text(max_size=30) | st.sampled_from(
    ["\x1b[2J", "\u202eevil", "<script>", "温度計", "👩\u200d🚀" * 20, "x" * 70_000]
)
CHOICES = st.sampled_from([b"", b"b", b"?", b"c", b"/x", b"r", b"ss", b"p", b"\x1b[F"])


@given(st.integers(1, 220), st.integers(1, 60), NAMES, NAMES, CHOICES, st.booleans())
def test_a_picture_fits_any_terminal(width, height, name, other, presses, away):
    """No line is wider and no picture higher than the terminal, and no name is obeyed by it."""
    name, other = (one.encode(errors="replace").decode() for one in (name, other))
    state = many(2, 3, faults={name: {"text": other}})
    heard(board(name, reason=other, state="silent"), reading(1, name, other, unit=other, quality=name), state=state)
    look = seen(state, away=3.0 if away else None, why=other)
    lines = text(look, width, height, after(presses, look))
    assert len(lines) == height
    assert all(cells(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)


def test_eighty_by_twenty_four_is_readable():
    """Who it is, what came, ledger, spool, boards; then sensors with value, quality and age; then the keys."""
    lines = [line.rstrip() for line in text(seen(many()))]
    assert lines[:8] == [
        " gateway watch  g  online, run 5f0c2a9d41be, version 1.2.3          broker:1883",
        " received 48, missing 0, twice 0  48/s  latency 10 ms (half) 10 ms (99 %)",
        " ledger   1,280 in = 1,275 acknowledged + 2 in flight + 3 dropped, balanced",
        " spool    empty, 0.1 MB, room for 72 h   pool 2 workers",
        " boards   4 online, 16 sensors",
        "",
        " board    sensor       value  normalized  quality         age  last values",
        " bench-1  S1        23.00 °C      0.5000  ok              0.0  ▁▅█",
    ]
    assert lines[8].split()[0] == "S2"
    assert lines[-1] == " q quit  s by board  / filter  c columns  b boards  p hold  ? help"
    assert len(lines) == 24


def test_a_narrow_terminal_has_names_and_values_first():
    """Where the three have no room beside the line of values, it is the line that is missing; names become shorter."""
    look = seen(many())
    at = {width: text(look, width, 14)[6:8] for width in (34, 40, 62)}
    assert at[40][0].split() == at[34][0].split() == ["board", "sensor", "value"]
    assert at[40][1].split() == ["bench-1", "S1", "23.00", "°C"]
    assert at[34][1].split() == ["bench…", "S1", "23.00", "°C"]
    assert at[62][0].rstrip().endswith("last values")


def test_a_terminal_without_room_for_a_line_says_so():
    """It does not say that there is no sensor."""
    low = text(seen(many()), 40, 3)
    assert " 16 sensors, and no room for a line" in low
    assert "of 16" not in low[-1]


@pytest.mark.parametrize("height", [5, 6, 8, 10, 12, 16])
@pytest.mark.parametrize("faults", [0, 1, 2, 3, 9])
def test_a_low_terminal_has_sensors_all_the_same(height, faults):
    """However much is wrong: its state, what is wrong and how often, and sensors, three where there is room at all."""
    wrong = {f"fault{one}": {"text": f"sentence {one}"} for one in range(faults)}
    lines = [line.rstrip() for line in text(seen(many(faults=wrong)), 40, height)]
    assert lines[0].startswith(" g  online")
    assert sum("°C" in line for line in lines) >= min(3, height - 3)
    if faults and height > 6:
        assert any("fault0: sentence 0" in line for line in lines)
    if faults > 2 and height > 6:
        assert any(f"! 1 of {faults}: " in line or f"! and {faults - 1} more" in line for line in lines)
    assert len(lines) == height and lines[-1].startswith(" q quit")


def test_two_hundred_by_fifty_uses_it():
    """All features, what is missing, how late, and the boards' links above."""
    lines = text(seen(many()), 200, 50)
    features = ["normalized", "feature", "mean", "std"]
    titles = ["board", "sensor", "value", *features, "quality", "missing", "late", "age", "last", "values"]
    found = next(line for line in lines if "sensor " in line and "value" in line)
    assert found.split() == titles
    assert any(line.split()[:4] == ["board", "state", "since", "sensors"] for line in lines)
    assert any(
        line.split()[:2] == ["bench-1", "online"] and "2.0 %" in line and "/dev/ttyUSB0" in line for line in lines
    )


def test_boards_that_are_away_come_first():
    """Where not all fit one sees those; the others are in order, numbers in their names by size."""
    state = many(12, 1)
    heard(board("bench-9", state="silent"), board("bench-11", state="offline"), state=state)
    names = [line.split()[0] for line in text(seen(state), choice=Choice(view="boards"))[7:-1] if line.strip()]
    assert names[:5] == ["bench-9", "bench-11", "bench-1", "bench-2", "bench-3"]


@pytest.mark.parametrize(
    ("state", "link", "said"),
    [
        (many(state="offline", reason="stopped"), {}, "offline: it was stopped"),
        (many(state="offline", reason="lost"), {}, "offline: its connection broke"),
        (many(), {"away": 75.0, "why": "no broker at x"}, "no broker for 75 s"),
        (many(), {"away": 75.0, "why": "no broker at x"}, "! no connection to the broker: no broker at x; it is tried"),
        (heard(board("b", state="silent")), {}, "1 silent"),
        (many(faults={"spool_full": {"text": "the spool is full"}}), {}, "! spool_full: the spool is full"),
        (many(balanced=False), {}, "not balanced"),
        (many(spooled=1200), {}, "spool    1,200 readings, 0.1 MB"),
        (heard((topic("status"), b"[")), {}, "! 1 message that no gateway writes, the last on gateway/g/status"),
        (heard((topic("status"), b"[")), {}, "nothing heard yet"),
        (heard((topic("status"), b"[")), {"since": 9.0}, "nothing has come of gateway/g/# yet: is that its name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(state, link, said):
    """In the header, in words."""
    assert any(said in line for line in text(seen(state, **link), 100))


def test_an_old_document_is_told_of():
    """A gateway that says nothing for three times as long as it may."""
    assert "is 100 s old, and one is due every 30 s" in " ".join(text(seen(many(), now=AT + 100, wall=WALL + 100)))


@pytest.mark.parametrize(
    ("late", "near", "said"),
    [
        (0.010, True, "latency 10 ms (half) 10 ms (99 %)"),
        (0.010, False, "latency 10 ms (half) 10 ms (99 %), by two clocks"),
        (-3.0, False, "latency not known: this clock is 3.0 s or more behind the gateway's"),
    ],
)
def test_latency_is_honest_about_clocks(late, near, said):
    """By two clocks it is as good as they are, and where it would be negative it is none."""
    lines = text(seen(heard(reading(1), wall=WALL + late - 0.010), near=near), 120)
    assert lines[1].rstrip().endswith(said)


def test_another_clock_makes_no_document_old():
    """A gateway whose clock is an hour behind ours is as fresh as what it sends."""
    state = heard(status(), board(), reading(1), wall=WALL + 3600)
    look = seen(state, wall=WALL + 3600)
    assert look.told_age == pytest.approx(0.0)
    assert look.boards[0].since == pytest.approx(200.0, abs=0.1)
    assert not any("one is due" in line for line in text(look))


def test_ages_fit_their_column():
    """However old."""
    ages = (0.04, 99.9, 101, 2000, 1e5, 1e7, 1e12)
    assert [since(age) for age in ages] == ["0.0", "99.9", "101", "33m", "28h", "116d", "9999d"]


def test_a_narrow_terminal_says_how_it_is():
    """Before where the broker is, and what the program is called."""
    lines = text(seen(many(state="offline", reason="stopped")), 40, 10)
    assert lines[0].rstrip() == " g  offline: it was stopped"


def test_an_alarm_is_seen():
    """Where there is one, it has a column on a usual terminal."""
    look = seen(heard(status(), reading(1, alarm="below"), reading(1, "hall")))
    assert any("ok" in line and "below" in line for line in text(look))


def test_wide_names_take_no_more_room_than_others():
    """A name is measured in cells, and not in characters."""
    look = seen(heard(status(), reading(1, "温度計" * 6, "S1"), reading(1, "\x1b" * 16, "S1")))
    lines = text(look, 60)
    assert sum("21.00 °C" in line for line in lines) == 2


@pytest.mark.parametrize("value", [1e300, -1.4e308, 123456789.0, -1000.0, 101325.25])
def test_any_number_that_is_published_is_shown(value):
    """However large: whole in its column, and never cut; a line of values holds it beside its opposite."""
    state = heard(status(), reading(1, value=value, unit="°C", mean=value), reading(2, value=-value, mean=value))
    heard(reading(3, value=value, mean=value), state=state)
    (row,) = seen(state).rows
    assert (row.value, row.features["mean"]) == (value, value)
    line = next(line for line in text(seen(state)) if line.startswith(" bench"))
    assert float(line.split()[2]) == pytest.approx(value, rel=0.3)
    assert line.split()[3] == "°C" and line.rstrip()[-3:] in ("█▁█", "▁█▁")


def test_a_short_will_is_enough():
    """A broker that takes no longer one has state, reason and run."""
    document = {"gateway": "g", "state": "offline", "reason": "lost", "run": "5f0c2a9d41be", "truncated": True}
    state = many()
    heard((topic("status"), json.dumps(document).encode()), state=state)
    look = seen(state)
    assert look.told == Told("offline", "lost", "5f0c2a9d41be", counts={}, boards={}, faults={})
    assert "ledger   not heard of yet" in text(look)[2]
