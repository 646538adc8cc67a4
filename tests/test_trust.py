"""Whether lines are believed: other programs, lost bytes, garbage; and boards that are only odd."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.trust import HOLD, MOST, Trust, junk
from gateway.model import Why
from simulators.faults import garble
from simulators.kinds import Line
from simulators.uart import resample

RATES = (4800, 9600, 19_200, 38_400, 57_600, 115_200, 250_000)


def lines(form: str, many: int = 200) -> list[bytes]:
    dice = random.Random(form)
    return [(form % tuple(dice.uniform(18, 30) for _ in range(form.count("%")))).encode() for _ in range(many)]


def test_who_is_not_believed():
    """Sharing goes before lost bytes, lost bytes before garbage; a loss is forgotten after its time."""
    trust = Trust()
    assert trust.doubt(0.0) is None
    trust.garbage = True
    assert trust.doubt(0.0) is Why.GARBAGE
    trust.lost_bytes(5.0)
    assert trust.doubt(5.0 + HOLD / 2) is Why.OVERRUN
    assert trust.doubt(5.0 + HOLD) is Why.GARBAGE
    trust.shared = True
    assert trust.doubt(5.0) is Why.SHARED


@pytest.mark.parametrize("form", ["%.2f %.2f\r\n", "%.2f,%.2f,%.2f\r\n", "S1:%.2f S2:%.2f\n"])
@pytest.mark.parametrize("sent", RATES)
def test_a_wrong_rate_is_garbage_soon_and_stays_so(form, sent):
    """At whatever other rate a board is read, it is noticed within 50 lines and not forgotten again."""
    for read in RATES:
        if sent == read or not 1 / 6 < read / sent < 12:  # beyond, a line is a byte or two, and never ends
            continue
        trust, seen = Trust(), []
        for line in lines(form):
            trust.heard(resample(line, sent, read))
            seen.append(trust.garbage)
        assert True in seen[:50], read
        assert all(seen[seen.index(True) :]), read


def test_it_is_over_when_lines_are_clean():
    """Some fifty bytes of text end it."""
    trust = Trust()
    trust.heard(resample(b"".join(lines("%.2f\r\n")), 9600, 19_200))
    assert trust.garbage
    clean = 0
    while trust.garbage:
        trust.heard(b"21.50\r\n")
        clean += 7
    assert clean <= 63


ODD = {
    "degrees in UTF-8": "T=%.2f °C\n",
    "degrees in Latin-1": "T=%.2f \udcb0C\n",
    "Cyrillic": "Температура воздуха %.2f\n",
    "Cyrillic in CP1251": "".join(map(chr, range(0xDCE0, 0xDCF4))) + " %.2f\n",
    "a coloured log": "\x1b[32mI (123) app: ok\x1b[0m\r\nT=%.2f\r\n",
    "tabs": "%.2f\t%.2f\t%.2f\r\n",
}


@pytest.mark.parametrize("form", ODD.values(), ids=ODD)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_odd_boards_are_believed(form, size):
    """Other alphabets, old codes, colours: a board whose lines parse is no garbage, however its bytes are cut."""
    trust, dice = Trust(), random.Random(1)
    for _ in range(100):
        line = form.replace("%.2f", f"{dice.uniform(18, 30):.2f}").encode("utf-8", "surrogateescape")
        for start in range(0, len(line), size):
            trust.heard(line[start : start + size])
            assert not trust.garbage
        for part in line.splitlines():
            trust.parsed(part)


@pytest.mark.parametrize("every", [3, 5, 20])
def test_a_noisy_line_is_believed(every):
    """A board of whose lines some come with flipped bits is no garbage."""
    trust, dice = Trust(), random.Random(1)
    for number, line in enumerate(lines("%.2f,%.2f,%.2f\r\n", 1000)):
        trust.heard(garble(Line(line), 3, dice).data if number % every == 0 else line)
        assert not trust.garbage


def test_comments_are_no_garbage():
    """Text that is no data is text."""
    trust = Trust()
    trust.heard(b"# nothing to see here, move along\r\n" * 1000)
    assert trust.level == 0


@given(st.binary(), st.integers(0, 100))
def test_any_bytes_are_heard(data, at):
    """Whatever comes, cut anywhere, the meter stays within its bounds."""
    trust = Trust()
    for piece in (data[:at], data[at:]):
        trust.heard(piece)
        trust.parsed(piece)
        assert 0 <= trust.level <= MOST


def test_what_is_no_text():
    """Controls and what is no UTF-8; not the tab, the escape and the ends of lines."""
    assert junk("a\t\r\n\x1b°é") == 0
    assert junk("\x00\x7f\x85\ufffd") == 4
