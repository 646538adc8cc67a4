"""One browser for all tests of the page, and a server that each has to itself."""

import pytest

from .browser import MISSING, browsing
from .fake import Fake


@pytest.fixture(scope="session")
def chromium():
    """A browser that runs."""
    if MISSING:
        pytest.skip(MISSING)
    with browsing() as browser:
        yield browser


@pytest.fixture
def served():
    """Makes servers: boards -> Fake."""
    made = []

    def serve(boards=None, **other):
        made.append(Fake(boards or {"bench": ["S1", "S2"], "kiln": ["inside"], "boiler": ["flow"]}, **other))
        return made[-1]

    yield serve
    for one in made:
        one.stop()


@pytest.fixture
def browser(chromium, served):
    """The same, with one page, as wide as a desk's screen, whose console has said nothing when the test is over."""
    handles = chromium.handles()
    fresh = chromium.tab()
    for handle in handles:
        chromium.close(handle)
    chromium.turn(fresh)
    chromium.look(1600, 1000)
    for kind in ("browser", "performance"):
        chromium.log(kind)
    chromium.expected = ()
    yield chromium
    errors = [one["message"] for one in chromium.log() if one["level"] == "SEVERE"]
    assert [one for one in errors if not any(words in one for words in chromium.expected)] == []
