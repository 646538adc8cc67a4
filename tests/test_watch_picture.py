"""The picture of a watched gateway fits its terminal, uses it, and says what is wrong."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.live import cells
from gateway.watch.choice import SORTS, Choice, pressed
from gateway.watch.listing import keys
from gateway.watch.nouns import Told
from gateway.watch.picture import page, picture
from gateway.watch.sentences import changes, progress
from gateway.watch.table import since
from tests.street import ROOT
from tests.watched import AT, WALL, board, heard, reading, seen, status, topic


def many(boards=4, sensors=4, **more):
    """A gateway in the middle of it."""
    names = [(f"bench-{one + 1}", f"S{other + 1}") for one in range(boards) for other in range(sensors)]
    told = [board(name, sensors={}) for name in dict(names)]
    return heard(status(), *told, *(reading(seq, *name) for name in names for seq in (1, 2, 3)), status(**more))


def text(look, width=80, height=24, choice=None):
    """The picture without its styles, line by line."""
    one = page(look, choice or Choice(), width, height)
    return ["".join(part for part, _ in line) for line in picture(look, one, width, height)]


def after(presses, look, width=80, height=24):
    """The choice after these keys."""
    choice = Choice()
    for key in keys(presses):
        one = page(look, choice, width, height)
        choice = pressed(one.choice, key, one.room, one.titles, [column.title for column in one.columns])
    return choice


def turned(choice):
    """The other way round."""
    return replace(choice, listing=replace(choice.listing, reverse=True))


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


def test_what_does_not_fit_can_be_reached():
    """Down, pages, the end, and back; the place is said."""
    look = seen(many(8))
    assert text(look)[-1].endswith("1–16 of 32 ")
    for presses, where in (
        (b"j", "2–17"),
        (b"\x1b[6~", "17–32"),
        (b"\x1b[F", "17–32"),
        (b"\x1b[Fkk", "15–30"),
        (b"\x1b[F\x1b[H", "1–16"),
    ):
        assert text(look, choice=after(presses, look))[-1].endswith(f"{where} of 32 "), presses


def test_a_filter_shows_those_alone():
    """All words, anywhere in board, name, quality or alarm; Esc shows all again."""
    look = seen(
        heard(reading(1, "hall", "S1", quality="stuck"), reading(1, "cellar", "S1"), reading(1, "cellar", "in"))
    )

    def rows(presses):
        return [(row.board, row.sensor) for row in page(look, after(presses, look), 80, 24).rows]

    assert rows(b"/s1\r") == [("cellar", "S1"), ("hall", "S1")]
    assert rows(b"/S1 STU\r") == [("hall", "S1")]
    assert rows(b"/celx\x7flar\r") == rows(b"/cellar") == [("cellar", "in"), ("cellar", "S1")]
    assert len(rows(b"/cellar\r\x1b")) == len(rows(b"/cellar\x1b")) == 3
    assert "no sensor with nowhere; Esc shows all" in text(look, choice=after(b"/nowhere\r", look))[6]
    assert not after(b"/q", look).listing.over


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("value", "hot"),
        ("quality", "bad"),
        ("missing", "gap"),
        ("alarm", "bell"),
        ("age", "old"),
        ("late", "slow"),
        ("board", "bad"),
        ("sensor", "bad"),
    ],
)
def test_each_order_has_the_remarkable_first(sort, first):
    """The largest value, the worst quality, most missing, an alarm, the oldest, the latest."""
    state = heard(reading(1, "b", "old"), at=AT - 50)
    heard(reading(1, "b", "hot", value=99.0), reading(1, "b", "gap"), reading(4, "b", "gap"), state=state)
    heard(reading(1, "b", "bad", quality="out_of_range"), reading(1, "b", "bell", alarm="above"), state=state)
    heard(reading(1, "b", "slow", time="2026-11-29T23:33:10.000Z"), state=state)
    look = seen(state)
    choice = after(b"s" * SORTS.index(sort), look)
    rows = page(look, choice, 80, 24).rows
    assert (choice.listing.sort, rows[0].sensor) == (sort, first)
    assert sort in [column.title for column in page(look, choice, 80, 24).columns]
    assert page(look, turned(choice), 80, 24).rows[-1].sensor == first
    assert after(b"s" * len(SORTS), look).listing.sort == "board"


def test_columns_can_be_picked():
    """A letter takes a column away, or brings it where it was not; Enter is done."""
    look = seen(many())
    one = page(look, after(b"c", look), 80, 24)
    assert "feature" not in [column.title for column in one.columns]
    letter = "abcdefghijklm"[one.titles.index("feature")].encode()
    titles = [column.title for column in page(look, after(b"c" + letter + b"\r", look), 80, 24).columns]
    assert "feature" in titles
    titles = [column.title for column in page(look, after(b"cc\r", look), 80, 24).columns]
    assert "value" not in titles and titles[:2] == ["board", "sensor"]


def test_the_page_of_keys_is_right():
    """docs/watch.md: each key of its table does something, and the orders are those that there are."""
    text = (ROOT / "docs" / "watch.md").read_text()
    table = text.partition("| key | |\n|---|---|\n")[2].partition("\n\n")[0]
    named = [key for line in table.splitlines() for key in re.findall(r"`([^`]+)`", line.split(" | ")[0])]
    assert set(named) == set("sr/cbpjk?q")
    middle = Choice(top=5)
    for key in [*named, "tab", " ", "up", "down", "page up", "page down", "home", "end"]:
        assert pressed(middle, key, 3, (), ()) != middle, key
    assert ", ".join(SORTS) in text
    assert all(f"`{key}`" in text for key in ("reading", "last", "status", "board", "alarm", "broker", "end"))


def test_keys_are_told_apart():
    """Arrows as any terminal sends them, letters beyond ASCII, a lone Esc; what no key is makes none."""
    assert list(keys(b"\x1b[A\x1bOBq\x1b[5~\xc3\xa4\x1b[1;5C\x00\x1b")) == ["up", "down", "q", "page up", "ä", "escape"]


@given(st.binary(max_size=30))
def test_any_bytes_may_be_typed(data):
    """Whatever a terminal sends, there is a picture afterwards."""
    look = seen(many(2))
    assert len(text(look, choice=after(data, look))) == 24


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


def test_a_held_moment_says_so():
    """So that nobody takes it for now."""
    look = seen(many())
    assert "HELD" in text(look, choice=after(b"p", look))[0]
    assert "HELD" not in text(look, choice=after(b"pp", look))[0]


def test_ages_fit_their_column():
    """However old."""
    ages = (0.04, 99.9, 101, 2000, 1e5, 1e7, 1e12)
    assert [since(age) for age in ages] == ["0.0", "99.9", "101", "33m", "28h", "116d", "9999d"]


def test_changes_are_said_once():
    """Where there is no terminal: gateway, boards, faults and alarms as they come and go, and nothing else."""
    state = many(1, 1)
    first = seen(state)
    assert changes(None, first) == ["gateway g: online, run 5f0c2a9d41be", "board bench-1: online"]
    assert changes(first, seen(state)) == []
    heard(
        board("bench-1", state="silent", reason="no bytes", sensors={}),
        reading(4, "bench-1", "S1", alarm="above"),
        state=state,
    )
    heard(status(faults={"broker": {"text": "it is slow"}}), board("new", sensors={}), state=state)
    second = seen(state, away=1.0, why="it went")
    assert changes(first, second) == [
        "no broker: it went", "board bench-1: silent (no bytes)", "board new: online", "fault broker: it is slow",
        "alarm bench-1/S1: above",
    ]  # fmt: skip
    assert changes(second, first) == [
        "connected again to broker:1883", "board bench-1: online", "board new: gone", "fault broker: over",
        "alarm bench-1/S1: over",
    ]  # fmt: skip


def test_a_narrow_terminal_says_how_it_is():
    """Before where the broker is, and what the program is called."""
    lines = text(seen(many(state="offline", reason="stopped")), 40, 10)
    assert lines[0].rstrip() == " g  offline: it was stopped"


def test_keys_are_explained_on_a_low_terminal():
    """Their page takes the room of the head where it has none beside it."""
    look = seen(many())
    low = text(look, 40, 10, after(b"?", look, 40, 10))
    assert low[0].startswith(" s      order by the next of") and low[6].startswith(" q      quit")
    assert text(look, choice=after(b"?", look))[0].startswith(" gateway watch")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_each_column_can_be_found(width):
    """However narrow the terminal, each title stands there with its letter."""
    look = seen(many())
    one = page(look, after(b"c", look, width), width, 24)
    said = " ".join(text(look, width, 24, after(b"c", look, width))[-8:])
    assert all(f" {letter} {title}" in said for letter, title in zip("abcdefghijklmn", one.titles, strict=False))
    assert "Enter: done" in said


def test_an_alarm_is_seen():
    """Where there is one, it has a column on a usual terminal."""
    look = seen(heard(status(), reading(1, alarm="below"), reading(1, "hall")))
    assert any("ok" in line and "below" in line for line in text(look))


def test_wide_names_take_no_more_room_than_others():
    """A name is measured in cells, and not in characters."""
    look = seen(heard(status(), reading(1, "温度計" * 6, "S1"), reading(1, "\x1b" * 16, "S1")))
    lines = text(look, 60)
    assert sum("21.00 °C" in line for line in lines) == 2


def test_what_is_gone_is_not_over():
    """A board that was taken away takes its alarms and faults along, and those of a lost gateway are not known."""
    first = heard(
        status(faults={"disk": {"text": "it is full"}}),
        board("bench", faults={"link": {"text": "it is not there"}}), reading(1, alarm="above"), reading(1, "hall"),
    )  # fmt: skip
    before = seen(first)
    heard((topic("bench", "status"), b""), state=first)
    now = seen(first)
    assert changes(before, now) == ["board bench: gone", "fault link of bench: gone", "alarm bench/S1: gone"]
    heard(status(state="offline", reason="lost"), state=first)
    assert changes(now, seen(first)) == ["gateway g: offline (lost), run 5f0c2a9d41be"]


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


def test_a_thousand_changes_are_counted():
    """A line for each would say nothing."""
    state = heard(status(), *(board(f"b{one}", sensors={}) for one in range(100)))
    found = changes(None, seen(state))
    assert (len(found), found[-1]) == (20, "and 82 more changes")


def test_progress_is_one_line():
    """What came, what is missing, how fast."""
    line = progress(seen(many(spooled=7)))
    assert line == (
        "g: 48 readings of 16 sensors received, 0 missing, 0 twice, 48/s, 7 in the spool, "
        "latency 10 ms (half) 10 ms (99 %)"
    )
    foreign = replace(seen(many()), strangers=2, rubbish=1)
    assert progress(foreign).endswith("; 2 readings of another run; 1 message that no gateway writes")


def test_a_short_will_is_enough():
    """A broker that takes no longer one has state, reason and run."""
    document = {"gateway": "g", "state": "offline", "reason": "lost", "run": "5f0c2a9d41be", "truncated": True}
    state = many()
    heard((topic("status"), json.dumps(document).encode()), state=state)
    look = seen(state)
    assert look.told == Told("offline", "lost", "5f0c2a9d41be", counts={}, boards={}, faults={})
    assert "ledger   not heard of yet" in text(look)[2]
