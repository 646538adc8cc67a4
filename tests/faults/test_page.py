"""docs/faults.md is what the rows say."""

import re

from tests.faults.defences import DEFENCES
from tests.faults.page import PAGE, page
from tests.faults.rows import DURATIONS, ROWS


def test_the_page_is_made_from_the_rows():
    """`python -m tests.faults.page` writes it."""
    assert PAGE.read_text() == page()


def test_rows_are_whole():
    """Each has its texts, and its tests carry its number."""
    page()
    assert ROWS
    for number, row in ROWS.items():
        assert row.field and row.happens and row.promised and row.shown, number
        assert all(f"test_{number.lower()}_" in shown for shown in row.shown), number
    assert all(re.fullmatch(r"test_(f\d\d|sweep)_\w+", name) for name in DURATIONS)


def test_defences_name_tests_that_there_are():
    """So that a renamed test does not leave its defence unproven."""
    page()
    assert {one.test for one in DEFENCES.values()} <= set(DURATIONS)
