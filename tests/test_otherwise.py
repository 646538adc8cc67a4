"""What comes otherwise than before is believed the fifth time in turn, in every format, and not before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.formats.csv import Csv
from gateway.ingest.formats.first_units import KNOWN, FirstUnits
from gateway.ingest.formats.json import Json
from gateway.ingest.formats.kv import Kv
from gateway.ingest.formats.otherwise import IN_TURN, Otherwise
from gateway.ingest.formats.plain import Plain
from gateway.model import Decoded, FormatOptions

EXPECTED = "as ever"


@given(st.lists(st.sampled_from([EXPECTED, "other", "third"]), max_size=40))
def test_the_fifth_of_a_kind_in_turn_is_believed(came):
    """Whatever came before: as soon as the last five were alike and not as ever, and as long as they go on."""
    otherwise = Otherwise()
    for place, what in enumerate(came, 1):
        last = came[max(0, place - IN_TURN) : place]
        if what == EXPECTED:
            otherwise.times = 0
        else:
            assert otherwise.again(what) is (last == [what] * IN_TURN)


@pytest.mark.parametrize(
    ("kind", "first", "other"),
    [
        (Plain, b"21.5 22.5", b"1.5 2.5 3.5"),
        (Csv, b"21.5,22.5", b"1.5,2.5,3.5"),
        (Csv, b"21.5;22.5", b"21,5;22,5"),
        (Kv, b"temp=21.5", b"temp=21,5"),
        (Json, b'A: {"temp": 21.5}', b'B: {"temp": 22.5}'),
    ],
)
def test_every_format_believes_the_fifth(kind, first, other):
    """Four lines in turn that are otherwise are refused, or lose their values; so are four more after one as before."""
    one = kind(FormatOptions(), guess=True)
    assert isinstance(one.decode(first), Decoded)
    if kind is Json:  # what was there once may have been a torn line
        four = [one.decode(other) for _ in range(IN_TURN - 1)]
    else:
        four = [one.decode(line) for line in [other] * (IN_TURN - 1) + [first] + [other] * (IN_TURN - 1)]
    assert sum(isinstance(found, Decoded) and not found.bad for found in four) == (kind is not Json)
    one.decode(other)
    assert isinstance(one.decode(other), Decoded)


def test_two_other_units_in_turn_are_none():
    """A name in °C that comes in °F and K by turns stays in °C: neither has come five times in turn."""
    units = FirstUnits()
    units.read("T", "°C")
    assert not any(units.left_out("T", said) for said in ["°F", "K"] * IN_TURN)
    assert [units.left_out("T", "°F") for _ in range(IN_TURN)] == [False] * (IN_TURN - 1) + [True]
    assert units.of("T") == "°F"


def test_what_is_remembered_of_units_is_bounded():
    """Names that come in two units and then no more are forgotten with the others."""
    units = FirstUnits()
    for number in range(4 * KNOWN):
        units.read(f"T{number}", "°C")
        units.left_out(f"T{number}", "°F")
    assert len(units._otherwise) <= KNOWN
