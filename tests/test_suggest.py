"""A pattern for lines that no format reads."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.finding.suggest import pattern, suggested
from gateway.ingest.formats.block import Block
from gateway.ingest.formats.regex import Regex
from gateway.model import Decoded


def lines(text, *rows):
    """`text` filled in with each row, between two halves of a line."""
    return "".join(["half\r\n", *(text.format(*row) + "\r\n" for row in rows), "hal"]).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            lines("Record {}, probe {}: {} degC", *[(n, f"T{n % 3}", f"{20 + n}.5") for n in range(6)]),
            r"Record\s+(?P<count>\d+),\s+probe\s+(?P<sensor>\w+):\s+(?P<value>\S+)\s+degC",
        ),
        (
            lines("<<{}|ambient at {}C and {}% wet>>", *[(n % 2, f"{20 + n}.1", 50 + n % 3) for n in range(6)]),
            r"<<\S+\|ambient\s+at\s+(?P<value>\S+)C\s+and\s+\S+%\s+wet>>",
        ),
        (
            lines("inlet is {} F / outlet is {} F", *[(f"{20 + n}.1", f"{n}.5") for n in range(6)]),
            r"inlet\s+is\s+(?P<is>\S+)\s+F\s+/\s+outlet\s+is\s+(?P<is_2>\S+)\s+F",
        ),
        (
            lines("#{} heater1 on {}C/60.0C", *[(n, f"{20 + n}.1") for n in range(6)]),
            r"\#(?P<count>\d+)\s+heater1\s+on\s+(?P<value>\S+)C/\S+C",
        ),
        (
            lines("A0: {} -> {} C", *[(512 + n * n, f"{20 + n}.1") for n in range(6)]),
            r"A0:\s+\S+\s+\->\s+(?P<value>\S+)\s+C",
        ),
        (
            lines(
                "\x1b[32m[00:00:0{}.123,000] <inf> app at {} hum {}", *[(n, f"{20 + n}.1", f"4{n}.2") for n in range(6)]
            ),
            r"\[\S+\]\s+<inf>\s+app\s+at\s+(?P<value>\S+)\s+hum\s+\S+",
        ),
        (
            lines("Zone 1 is {} and zone 2 {}", *[(f"{20 + n}.1", f"{30 + n}.1") for n in range(6)]),
            r"Zone\s+\S+\s+is\s+(?P<is>\S+)\s+and\s+zone\s+\S+\s+(?P<zone_2>\S+)",
        ),
        (
            lines("T/{} H/{}", *[(f"{20 + n}.1", f"4{n}") for n in range(6)]),
            r"T/(?P<value>\S+)\s+H/\S+",
        ),
    ],
)
def test_what_differs_becomes_a_group(data, expected):
    """What is the same stays, numbers with a unit are values, what counts is the count."""
    found = pattern(data)
    assert found is not None
    assert re.sub(r"\\([ <>|%/,:])", r"\1", found.pattern) == re.sub(r"\\([ <>|%/,:])", r"\1", expected)
    decoder = Regex(found)
    read = [decoder.decode(line) for line in data.splitlines()[1:-1]]
    assert all(isinstance(one, Decoded) and one.samples for one in read)


def test_no_group_has_a_name_that_means_something_else():
    """A word "Sensor" in front of two values becomes no group `sensor`, whose text would be a name."""
    found = pattern(lines("Sensor one {} C Sensor two {} C", *[(f"{20 + n}.5", f"{30 + n}.5") for n in range(6)]))
    assert found is not None
    names = [one.sensor for one in Regex(found).decode(b"Sensor one 20.5 C Sensor two 30.5 C").samples]
    assert len(set(names)) == 2
    found = pattern(lines("Sensor {} C Sensor {} C", *[(f"{20 + n}.5", f"{30 + n}.5") for n in range(6)]))
    assert found is not None and "(?P<Sensor>" not in found.pattern and "(?P<sensor>" not in found.pattern


def test_a_unit_that_is_not_celsius_is_said():
    """A number before F is in °F."""
    found = pattern(lines("inlet is {} F", *[(f"{70 + n}.1",) for n in range(6)]))
    assert found is not None and found.unit == ("°F",)
    (sample,) = Regex(found).decode(b"inlet is 70.1 F").samples
    assert (sample.sensor, sample.value, sample.unit) == ("temperature", 70.1, "°F")


@pytest.mark.parametrize("closing", ["]", "19.00, ]"])
def test_numbers_between_brackets_are_a_block(closing):
    """Rows of numbers between brackets that stand lines apart are one record, whatever its end looks like."""
    record = f"[24.25, 24.00, \r\n23.75, 23.50, \r\n{closing}\r\n\r\n"
    found = suggested((record * 3).encode())
    assert found is not None and found[0] == "block"
    frame = record.strip().replace("\r\n", "\n").encode()
    samples = Block(found[1]).decode(frame).samples
    assert [one.value for one in samples][:4] == [24.25, 24.0, 23.75, 23.5]
    assert suggested(b"[12:00:01] up\r\n[12:00:02] down\r\n" * 5) is None


def test_a_word_of_many_forms_is_left_open():
    """An id that is another in each line is a word, whatever it is; one that stays is what the line is known by."""
    found = pattern(lines("id x{}y at {} C on ch1", *[(n * 7, f"{20 + n % 9}.5") for n in range(90)]))
    assert found is not None
    assert found.pattern == r"id\s+\w+\s+at\s+(?P<value>\S+)\s+C\s+on\s+ch1"


def test_numbers_with_a_decimal_comma_are_left_alone():
    """What stands behind a comma is no value of its own."""
    assert pattern(lines("from {},{} C; to {},{} C", *[(20 + n, n % 10, 30 + n, n % 7) for n in range(6)])) is None


@pytest.mark.parametrize("text", ["", "no value at all", "boot {} of {}", "Humidity {} %"])
def test_no_value_no_pattern(text):
    """Words, whole numbers without a unit and other quantities are no temperatures."""
    assert pattern(lines(text, *[(n, 7) for n in range(6)])) is None


def test_too_few_lines_tell_nothing():
    """Three lines of one form are not enough."""
    assert pattern(lines("probe at {} degC", *[(f"{n}.5",) for n in range(3)])) is None


@given(st.binary(max_size=400), st.integers(1, 6))
def test_any_bytes_give_a_pattern_that_compiles_or_none(data, times):
    """Nothing raises, and what is suggested can be used."""
    found = pattern(b"x\n" + (data + b"\n") * times)
    if found is not None:
        Regex(found)


@given(st.lists(st.from_regex(r"[A-Za-z]{1,6}[ :=|<>#@\[\](){}.*+?^$\\]{1,3}", fullmatch=True), max_size=5))
def test_any_words_around_a_value_are_kept(words):
    """Whatever stands around a value, the pattern matches the lines that it was made of."""
    data = lines(
        "".join(word.replace("{", "{{").replace("}", "}}") for word in words) + " at {} degC",
        *[(f"{20 + n}.5",) for n in range(6)],
    )
    if (found := pattern(data)) is not None:
        decoder = Regex(found)
        assert all(isinstance(decoder.decode(line), Decoded) for line in data.splitlines()[1:-1])


@pytest.mark.parametrize("text", ["0+3.29+2{}.5+0.1{}", "t0{}z4903.{}0N"])
def test_digits_of_one_number_stay_together(text):
    """Where nothing parts two numbers there is no pattern."""
    assert pattern(lines(text, *[(n, n) for n in range(1, 8)])) is None
