"""Users' patterns: what they find, what is wrong with them, and that no text keeps one busy."""

import time

import pytest

from gateway.patterns import LARGEST, WORK, BadPattern, Pattern


def test_groups():
    """The named groups are there in their order, and tell what they hold, or that they took no part."""
    pattern = Pattern(r"(x)?(?P<b>\d+)(?: (?<a>\d+))?")
    assert pattern.groups == ("b", "a")
    assert pattern.whole(b"x12 3") == (b"12", b"3")
    assert pattern.whole(b"12") == (b"12", None)
    assert pattern.whole(b"12 3 ") is None


def test_what_stands_before():
    """What is before the first group that took part in a match."""
    pattern = Pattern(r"at (?:(?P<a>\d)|x(?P<b>\d))")
    assert [pattern.before(line) for line in (b"at 1", b"at x1", b"at")] == [b"at ", b"at x", b""]


def test_each():
    """All matches in a text, from left to right; ^ and $ are the ends of its lines where that is asked for."""
    assert Pattern(r"(?P<a>\d)|(?P<b>[a-z])").each(b"1a\xc3\xa9") == [(b"1", None), (None, b"a")]
    assert Pattern(r"^(?P<a>\d)$", lines=True).each(b"1\n2\n34") == [(b"1",), (b"2",)]
    assert Pattern(r"^(?P<a>\d)$").each(b"1\n2\n34") == []


def test_too_many_matches():
    """A pattern that matches too often for so long a text gives nothing, and not a part."""
    pattern, length = Pattern("(?P<a>x)"), int(WORK**0.5)
    assert len(pattern.each(b"x" * (length - 100)) or []) == length - 100
    assert pattern.each(b"x" * (length + 100)) is None


WRONG = {
    "T=(?P<T>": "missing )",
    "T=[": "missing ]: [ at character 3",
    "(?=x)(?P<a>b)": "invalid perl operator: (?= at character 1; there is no look-around and no back-reference",
    r"(?P<a>x)\1": r"invalid escape sequence: \1 at character 9; there is no look-around and no back-reference",
    "a{2,1}": "invalid repetition size: {2,1} at character 2",
    "(?P<a>.)(?P<a>.)": "there are two groups called a",
    "\ud800": "half a character stands in it",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_patterns(text):
    """What is wrong with a pattern is said in a clause, with its place."""
    with pytest.raises(BadPattern) as caught:
        Pattern(text)
    assert str(caught.value) == WRONG[text]


def test_a_pattern_has_a_size():
    """One that repeats so much that lines cost much is refused."""
    with pytest.raises(BadPattern, match=rf"it comes to \d{{4}} steps, and {LARGEST} are the most; repeat less in it"):
        Pattern("(?P<a>(a|bc){500})")


NASTY = (
    r"(?P<a>a+)+b", r"(?P<a>(?:a?){300})a{300}.*", r"(?:(?P<a>.*)a){40}b", r"(?:(?P<a>(?:a{0,50}){0,9})b?)*c",
    r"(?P<a>.*)(?P<b>.*)(?P<c>.*)(?P<d>.*)x", r"(?:(?:(?:(?P<a>a)?b?)*c?)*d?)*e", r"(?P<a>a.*b|a)",
)  # fmt: skip
TEXTS = (b"a" * 4000, b"ab" * 2000, "é".encode() * 2000, bytes(97 + (at * at * 7 + at // 3) % 26 for at in range(4000)))


@pytest.mark.parametrize("text", NASTY)
def test_no_pattern_runs_for_ever(text):
    """Patterns on which others backtrack for years take some milliseconds for a line of 4 kB."""
    pattern = Pattern(text)
    for data in TEXTS:
        began = time.thread_time()
        pattern.whole(data)
        assert time.thread_time() - began < 0.05
        began = time.thread_time()
        pattern.each(data)
        assert time.thread_time() - began < 0.3


def test_what_is_wrong_is_told_as_a_terminal_may_show_it():
    """Whatever characters a pattern is made of, the words about it can be printed."""
    for text in ("(?P<sen\ufeffsor>x)", "(?P<a\x1b[31m>x)", "(x\u202e", "(?P<a>x)(?P<a>\x07)"):
        with pytest.raises(BadPattern) as told:
            Pattern(text)
        assert str(told.value).isprintable(), text
