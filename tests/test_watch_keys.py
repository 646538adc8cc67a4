"""What whoever looks at a watched gateway can choose: rows, their order, columns; each key that is told of does it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.watch.choice import SORTS, Choice, pressed
from gateway.watch.listing import keys
from gateway.watch.picture import page
from tests.pictured import after, many, text, turned
from tests.street import ROOT
from tests.watched import AT, heard, reading, seen


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


def test_a_held_moment_says_so():
    """So that nobody takes it for now."""
    look = seen(many())
    assert "HELD" in text(look, choice=after(b"p", look))[0]
    assert "HELD" not in text(look, choice=after(b"pp", look))[0]


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
