"""Lines of styled text fit a terminal, and the terminal gets them."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.live import BARS, Screen, apart, cell, cells, cropped, joined, possible, spark
from tests.screens import Emulated

PIECES = st.tuples(st.text("ab 温e", max_size=12), st.sampled_from(["", "bold", "dim red", "unheard of"]))
LINES = st.lists(st.tuples(st.text(max_size=12), st.just("")), max_size=6)


def text(line):
    """A line without its styles."""
    return "".join(part for part, _ in line)


@given(LINES, st.integers(0, 40))
def test_a_cropped_line_fits(line, width):
    """However wide its characters are, a cropped line is no wider than asked, and whole where it fits."""
    out = cropped(line, width)
    assert cells(text(out)) <= width
    if cells(text(line)) <= width:
        assert out == line


@given(st.text(max_size=20), st.integers(1, 20), st.booleans())
def test_a_cell_has_its_width(content, width, right):
    """A cell is filled up or cut to exactly its width, so that columns stand."""
    assert cells(cell(content, width, right)) in (width, width - 1)  # a wide character may leave one over
    if cells(content) <= width:
        assert cells(cell(content, width, right)) == width


def test_wide_characters_take_two_cells():
    """As terminals show them."""
    assert [cells(one) for one in ("a", "°", "温", "e\u0301", "")] == [1, 1, 2, 1, 0]


def test_two_ends_of_a_line():
    """Both ends where there is room, the right one where there is not."""
    assert text(apart([("left", "")], [("right", "")], 12)) == "left   right"
    assert text(apart([("left", "")], [("right", "")], 8)) == "l… right"
    assert text(joined([("a", ""), ("b", "")])) == "a  b"


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.integers(1, 50))
def test_a_spark_is_as_high_as_its_value(values, width):
    """The newest values, the least at the bottom and the greatest at the top; one height when they are equal."""
    line = spark(values, width)
    newest = values[-width:]
    assert len(line) == len(newest)
    if newest and max(newest) - min(newest) > 0:
        assert line[newest.index(min(newest))] == BARS[0]
        assert line[newest.index(max(newest))] == BARS[-1]
    else:
        assert len(set(line)) <= 1


@pytest.fixture
def terminal(monkeypatch):
    """A pseudo-terminal: (what a program writes to, its other end)."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "10")
    master, slave = os.openpty()
    with open(slave, "w", encoding="utf-8") as stream:
        yield stream, master
    os.close(master)


def test_a_terminal_can_show_pictures(terminal, monkeypatch):
    """A terminal that moves its cursor and knows UTF-8 can; a pipe and a dumb terminal cannot."""
    stream, _ = terminal
    assert possible(stream)
    assert not possible(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    monkeypatch.setenv("TERM", "dumb")
    assert not possible(stream)


@pytest.mark.parametrize("colourless", [False, True])
def test_the_screen_shows_and_goes(terminal, monkeypatch, colourless):
    """The picture is drawn on the second screen, which is left at the end; NO_COLOR is respected."""
    stream, master = terminal
    monkeypatch.delenv("NO_COLOR", raising=False)
    if colourless:
        monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(stream)
    with screen:
        screen.draw([[("warm", "red")]])
    screen.keep([[("warm", "red")]])
    out = b""
    while out.count(b"warm") < 2:
        out += os.read(master, 1 << 16)
    enter, leave = out.index(b"\x1b[?1049h"), out.index(b"\x1b[?1049l")
    assert enter < out.index(b"warm") < leave < out.rindex(b"warm")
    assert (b"\x1b[31mwarm" in out) is not colourless
    assert screen.size() == (60, 10)


PICTURES = st.lists(st.lists(st.lists(PIECES, max_size=4), max_size=6), min_size=1, max_size=6)


@given(PICTURES)
def test_a_screen_shows_the_newest_picture(pictures):
    """Whatever was drawn before, the terminal shows the newest picture and nothing else; only changes are sent."""
    stream, emulated = io.StringIO(), Emulated(20, 6)
    screen = Screen(stream)
    screen.size = lambda: (20, 6)
    with screen:
        for picture in [*pictures, pictures[-1]]:
            stream.truncate(stream.seek(0))
            screen.draw([cropped(line, 20) for line in picture])
            emulated.feed(stream.getvalue())
            assert emulated.lines == [text(cropped(line, 20)).rstrip() for line in picture] + [""] * (6 - len(picture))
        assert stream.getvalue() == ""


def test_another_size_draws_all_anew():
    """After the terminal has changed its size nothing of before is left."""
    stream, emulated = io.StringIO(), Emulated(20, 6)
    screen = Screen(stream)
    for size in ((20, 6), (18, 5)):
        screen.size = lambda size=size: size
        screen.draw([[("one", "bold")], [("two", "")]])
    emulated.feed(stream.getvalue())
    assert stream.getvalue().count("one") == 2
    assert emulated.lines[:3] == ["one", "two", ""]
