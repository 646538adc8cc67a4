"""A name becomes one topic level."""

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.names import level, plain

ANY = st.text(st.characters(exclude_categories=()), max_size=90)  # surrogates, controls and noncharacters too
NASTY = st.lists(
    st.sampled_from(["/", "+", "#", "%", "$", "\0", "é", "漢", "😀", "\ud800", "\uffff", "a", "%2F", "%~"]), max_size=80
)
NAMES = ANY | NASTY.map("".join)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("S1", "S1"),
        (" S1 ", " S1 "),
        ("s1", "s1"),
        ("Living Room", "Living Room"),
        ("ºC 漢 😀", "ºC 漢 😀"),
        ("status", "status"),
        ("..", ".."),
        ("a$b", "a$b"),
        ("", "%"),
        ("%", "%25"),
        ("a/b", "a%2Fb"),
        ("+", "%2B"),
        ("#", "%23"),
        ("$SYS", "%24SYS"),
        ("a\0b", "a%00b"),
        ("a\x85b", "a%C2%85b"),
        ("\ud800", "%ED%A0%80"),
        ("\uffff", "%EF%BF%BF"),
        ("../other/status", "..%2Fother%2Fstatus"),
        ("x" * 64, "x" * 64),
    ],
)
def test_by_hand(name: str, expected: str) -> None:
    """Names that a board may send become the levels that the contract says; all that need not change stays."""
    assert level(name) == expected


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("x" * 65, "x" * 47),
        ("x" * 70_000, "x" * 47),
        ("x" * 45 + "/" * 30, "x" * 45),  # the cut falls two characters into a %2F
        ("x" * 46 + "/" * 30, "x" * 46),  # one character into it
        ("x" * 44 + "/" * 30, "x" * 44 + "%2F"),  # right behind it
        ("é" * 40, "é" * 23),  # in the middle of the 24th
        ("😀" * 20, "😀" * 11),
        ("$" + "x" * 64, "%24" + "x" * 44),
    ],
)
def test_long_names_are_cut_and_marked(name: str, head: str) -> None:
    """A level over 64 bytes keeps its first 47, less what the cut tears, and ends in `%~` and 15 digits of SHA-256."""
    assert level(name) == head + "%~" + hashlib.sha256(name.encode()).hexdigest()[:15]


@given(NAMES)
def test_any_name_is_one_safe_level(name: str) -> None:
    """Whatever the name, its level is safe in a topic: no separator, wildcard or control character, 1 to 64 bytes."""
    made = level(name)
    assert 1 <= len(made.encode()) <= 64  # encode() raises on a lone surrogate
    assert not set(made) & set("/+#") and not made.startswith("$")
    assert all(unicodedata.category(char) != "Cc" and ord(char) & 0xFFFE != 0xFFFE for char in made)


@given(NAMES, NAMES)
def test_two_names_stay_two(one: str, other: str) -> None:
    """Different names have different levels, be one spelt as the other's level, or alike in its first 64 bytes."""
    for name in (other, level(one), "x" * 70 + one):
        assert (level(name) == level(one)) == (name == one)
    assert (level("x" * 70 + one) == level("x" * 70 + other)) == (one == other)


@given(
    st.text(
        st.characters(codec="ascii", exclude_characters="/+#%$", exclude_categories=["Cc"]), min_size=1, max_size=64
    )
)
def test_plain_names_are_unchanged(name: str) -> None:
    """A name without anything that MQTT minds is its own level."""
    assert level(name) == name == level(level(name))


@given(NAMES)
def test_plain_gives_a_level_that_is_its_own(name: str) -> None:
    """`plain` turns any host name into an id that the configuration takes."""
    made = plain(name)
    assert level(made) == made


def test_plain_keeps_what_is_plain() -> None:
    """A usual host name is not touched, and what would have to be spelt becomes a dash."""
    assert [plain(name) for name in ("greenhouse-1", "pi.local", "a/b", "$$", "")] == [
        "greenhouse-1",
        "pi.local",
        "a-b",
        "gateway",
        "gateway",
    ]
