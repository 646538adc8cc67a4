"""Text from outside, as a terminal may show it."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.shown import shown


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_that_a_terminal_obeys(text: str) -> None:
    """Whatever the text, what is shown is printable, can be encoded and is bounded."""
    made = shown(text)
    assert made.isprintable()
    assert len(made.encode()) <= 80 * 10


def test_by_hand() -> None:
    """What can be read stays; controls, ANSI, C1, bidi marks and surrogates are escapes; what is long is cut."""
    assert shown("23.5 °C 漢 😀") == "23.5 °C 漢 😀"
    assert shown("\x1b[31m\x9b\u202e\n\ud800") == r"\x1b[31m\x9b\u202e\n\ud800"
    assert shown("x" * 81) == "x" * 79 + "…"
