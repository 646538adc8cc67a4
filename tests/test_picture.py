"""The demo's picture fits its terminal and says what happens."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.picture import Look, picture, plain, shown_columns
from gateway.live import cells
from gateway.watch.table import FEATURES, Row, number

STATUS = {"readings": 1280, "acknowledged": 1275, "in_flight": 2, "dropped": {"shed": 3}, "balanced": True}


def row(board, sensor, **other):
    """A sensor that talks."""
    usual = {
        "unit": "°C",
        "value": 51.25,
        "normalized": 0.5208,
        "feature": 2.85,
        "mean": 51.0,
        "std": 0.31,
        "quality": "ok",
    }
    told = usual | other
    features = {key: told.pop(key) for key in FEATURES}
    return Row(board, sensor, recent=tuple(float(i) for i in range(40)), age=0.1, features=features, **told)


def look(boards=4, **other):
    """A demo in the middle."""
    rows = [row(f"plain-{board + 1}", f"S{sensor + 1}") for board in range(boards) for sensor in range(4)]
    usual = {
        "phase": "", "rows": rows, "boards": boards, "hz": 10.0, "elapsed": 8.0, "seconds": 15.0, "received": 1280,
        "missing": 0, "duplicates": 0, "rate": 160.0, "p50": 0.0012, "p99": 0.004, "status": STATUS, "status_age": 0.2,
        "port": 23817,
    }  # fmt: skip
    return Look(**usual | other)


def text(one, width=80, height=24):
    """The picture without its styles, line by line."""
    return ["".join(part for part, _ in line) for line in picture(one, width, height)]


@given(st.integers(1, 200), st.integers(1, 60), st.sampled_from([1, 4, 64]), st.text(max_size=30), st.booleans())
def test_a_picture_fits_any_terminal(width, height, boards, name, silent):
    """No line is wider and no picture higher than the terminal, whatever a sensor is called."""
    one = look(boards, received=0) if silent else look(boards)
    one = replace(one, rows=[*one.rows, row("b", name, unit=name, quality=name)])
    lines = text(one, width, height)
    assert len(lines) <= height
    assert all(cells(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)


def test_the_header_says_how_it_goes():
    """What runs, how far it is, what came, the ledger, and how to listen too."""
    assert [line.rstrip() for line in text(look())[:4]] == [
        " gateway demo  4 boards, 16 sensors, 10 records/s each 8 s of 15 s ━━━━━━━━━━━━",
        " received 1,280, missing 0, twice 0  160/s  latency 1.2 ms (half) 4.0 ms (99 %)",
        " ledger   1,280 in = 1,275 acknowledged + 2 in flight + 3 dropped, balanced",
        " broker   127.0.0.1:23817   mosquitto_sub -p 23817 -t 'gateway/#' -v",
    ]


def test_the_header_says_where_the_page_is():
    """Where there is one, its address has a line; the sensors of four boards fit all the same."""
    lines = text(look(page=28080))
    assert lines[3].rstrip() == " page     http://127.0.0.1:28080/"
    assert len(lines) == 23 and not any("more" in line for line in lines)


def test_all_sensors_are_there_where_they_fit():
    """Sixteen sensors fit into 24 lines; a board is named once."""
    lines = text(look())
    assert len(lines) == 22
    assert lines[5].split() == ["board", "sensor", "value", "normalized", "feature", "quality", "last", "values"]
    assert lines[6].split()[:7] == ["plain-1", "S1", "51.25", "°C", "0.5208", "2.8500", "ok"]
    assert lines[7].split()[0] == "S2"
    assert not any("more" in line for line in lines)


def test_what_does_not_fit_is_counted():
    """Of 256 sensors those are shown that fit, and the others are told."""
    lines = text(look(64))
    assert len(lines) == 24
    assert lines[-1] == " … and 239 sensors more; a taller terminal shows them"


def test_a_wider_terminal_shows_more():
    """Columns come in the order of their worth; the line of values takes the rest, up to 40."""
    titles = {width: [one.title for one in shown_columns(look(), width)] for width in (40, 80, 140)}
    assert titles[40] == ["board", "sensor", "value"]
    assert titles[80] == ["board", "sensor", "value", "normalized", "feature", "quality", "last values"]
    every = ["board", "sensor", "value", "normalized", "feature", "mean", "std", "quality", "age", "last values"]
    assert titles[140] == every
    assert shown_columns(look(), 200)[-1].width == 40


def test_before_the_first_reading_it_says_what_it_does():
    """An empty table would say nothing."""
    lines = text(look(0, received=0, rows=[], phase="starting the boards", status={}))
    assert lines[-1] == " starting the boards …"
    assert lines[2] == " ledger   not heard of yet"


def test_an_old_ledger_says_its_age_and_a_wrong_one_that_it_is_wrong():
    """What is not from now says from when it is."""
    line = text(look(status=STATUS | {"balanced": False}, status_age=7.4), 100)[2]
    assert line.endswith("+ 3 dropped, not balanced, 7 s ago")


@pytest.mark.parametrize(
    ("quality", "style"), [("ok", "green"), ("out_of_range", "bold red"), ("stuck", "yellow"), ("unheard of", "")]
)
def test_quality_has_a_colour(quality, style):
    """One looks at what is red."""
    lines = picture(look(rows=[row("b", "S1", quality=quality)]), 80, 24)
    assert next(one for part, one in lines[6] if part.strip() == quality) == style


def test_a_silent_sensor_has_no_numbers():
    """A sensor that has not spoken shows dashes, and one that has fallen silent a marked age."""
    old = replace(row("b", "S2"), age=120.0)
    lines = picture(look(rows=[Row("b", "S1"), old]), 140, 24)
    assert "".join(part for part, _ in lines[6]).split() == ["b", "S1", "–", "–", "–", "–", "–", "–"]
    assert ("  120", "bold red") in lines[7]


def test_numbers_fit_their_columns():
    """However large."""
    values = (None, 1.0, -999.994, 12345.6, -12345.6, 123456789.0, -1.5e300)
    assert [number(value, 2, 9) for value in values] == [
        "–", "1.00", "-999.99", "12345.60", "-12345.60", "123456789", "-1.5e+300",
    ]  # fmt: skip


@given(st.floats(-1e308, 1e308), st.integers(0, 4), st.integers(7, 12))
def test_any_number_fits_and_is_right(value, digits, width):
    """Whatever is published: in its column, and the number that it is, as far as there is room."""
    text = number(value, digits, width)
    assert len(text) <= width
    assert float(text) == pytest.approx(value, rel=0.5, abs=0.5)


def test_what_is_over_is_not_to_be_visited():
    """While it runs the demo says where page and broker are; what stays on the terminal afterwards does not."""

    def said(**more):
        return "\n".join("".join(part for part, _ in line) for line in picture(look(**more), 80, 24))

    assert "http://127.0.0.1:8080/" in said(page=8080) and "mosquitto_sub -p" in said(page=8080)
    assert "127.0.0.1" not in said(page=None, port=None)


def test_progress_without_a_terminal():
    """One line says how it goes."""
    assert plain(look()) == "8 of 15 s: 1280 readings received, 0 missing, 160/s, latency 1.2 ms (half), 4.0 ms (99 %)"
    assert plain(look(seconds=0.0, p50=None)) == "8 s: 1280 readings received, 0 missing, 160/s"


def test_without_an_end_it_says_how_to_end_it():
    """--seconds 0 runs until Ctrl-C."""
    assert text(look(seconds=0.0))[0].endswith("8 s, until Ctrl-C ")
