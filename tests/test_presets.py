"""Each preset on the bytes that it says its board sends: at once, in pieces, torn, and from a live port."""

import pytest

from gateway.commands.catalogue import candidates, table
from gateway.commands.samples import decoded, disagreements
from gateway.config import Preset, board_of, preset, presets, problems
from gateway.config.presets import NONE
from gateway.ingest.finding.recognise import Candidate, attempt, best
from gateway.model import Board, Port

from .boards_page import PAGE, page

NAMES = sorted(presets(NONE)[0])
assert NAMES, "an empty folder would pass"


@pytest.fixture(params=NAMES)
def one(request: pytest.FixtureRequest) -> Preset:
    """A packaged preset."""
    return preset(request.param, NONE)


def test_is_whole(one: Preset) -> None:
    """It says what it is, where that is known from, and what the board sends; and samples give what it says."""
    assert one.title
    assert one.source
    assert any(sample.readings for sample in one.samples)
    assert disagreements(one) == []
    assert problems(table(one).replace("…", "x")) == []


@pytest.mark.slow
def test_however_the_bytes_come(one: Preset) -> None:
    """A sample gives the same byte by byte; and cut short at any byte nothing that it does not give whole."""
    for sample in one.samples:
        whole = decoded(one, sample.asked, sample.data)
        assert decoded(one, sample.asked, *(sample.data[at : at + 1] for at in range(len(sample.data)))) == whole
        step = len(sample.data) // 100 + 1
        for end in range(0, len(sample.data), step):
            readings, _ = decoded(one, sample.asked, sample.data[:end])
            assert readings == whole[0][: len(readings)]


def test_finds_its_feet_again(one: Preset) -> None:
    """Torn at any byte, and begun anew, a board is read as it should be as soon as it has sent a sample whole.

    Where the answer of one that is asked ends is for tests of asking.
    """
    for sample in one.samples:
        readings, _ = decoded(one, sample.asked, sample.data)
        step = len(sample.data) // 100 + 1
        for end in range(0, len(sample.data), step) if readings and not sample.asked else ():
            found, _ = decoded(one, sample.asked, sample.data[:end], sample.data, sample.data)
            assert found[-len(readings) :] == readings


def test_a_board_is_recognised(one: Preset) -> None:
    """Of all presets the board's own is the one to believe; where its text is like any other's, none at all."""
    if board_of(one).asked:
        return  # it says nothing by itself: tests/test_survey.py
    data = next(sample.data for sample in one.samples if sample.readings)
    anything = Candidate(Board("probe", Port("/dev/board")))
    every = [anything, *(each for each in candidates(NONE)[0] if not each.board.asked)]
    found = best([attempt(each, [(float(second), data) for second in range(6)]) for each in every])
    assert found is not None
    assert found.candidate.preset in (one.name, "")
    numbers = best([attempt(each, [(0.0, b"21.5\r\n21.6\r\n21.7\r\n21.8\r\n")]) for each in every])
    assert numbers is not None
    assert numbers.candidate is anything


def test_the_page_is_made_from_the_presets() -> None:
    """`python -m tests.boards_page` writes docs/boards.md."""
    assert PAGE.read_text() == page()
