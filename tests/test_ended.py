"""Lines that end with a character of their own: how they are cut, read, and asked for in a configuration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import problems
from gateway.ingest.finding.recognise import Candidate, attempt
from gateway.ingest.framing.ended import ended
from gateway.model import Board, FormatOptions, Noise, Port

PIECES = st.lists(st.sampled_from([b"T1=21.5", b";", b"\r\n", b" ", b"x" * 70, b"\x02"]), max_size=30)


@given(pieces=PIECES, sizes=st.lists(st.integers(1, 9)))
def test_any_cut(pieces, sizes):
    """The same lines come out, however the bytes are cut."""
    data, whole, parts = b"".join(pieces), ended(";", 64, True), ended(";", 64, True)
    items, at = [], 0
    for size in [*sizes, len(data) + 1]:
        items += parts.feed(data[at : at + size])
        at += size
    assert items == whole.feed(data)
    assert parts.between == whole.between


def test_what_is_around_a_line():
    """Line ends and blanks beside the character belong to no line, and what is first may be half a line."""
    cut = ended(";", 64, True)
    assert cut.feed(b"1.5;\r\nT1=21.5; T2=1;;") == [Noise(b"1.5"), b"T1=21.5", b"T2=1"]
    assert cut.between


@pytest.mark.parametrize(
    ("end", "data", "readings"),
    [
        (";", b"x;T1=21.5;T2=19.8;", ["T1 21.5", "T2 19.8"]),
        ("|", b"x|T1=21.5,T2=19.8|\n", ["T1 21.5", "T2 19.8"]),
        ("\3", b"x\3\0021.5\3\00222.5\3", ["temperature 1.5", "temperature 22.5"]),
        ("#", b'x#{"T1":21.5}#{"T1":22}#', ["T1 21.5", "T1 22"]),
        ("", b"x\r\n\002T1=21.5\3\r\n", ["T1 21.5"]),
    ],
)
def test_readings(end, data, readings):
    """Whatever the format, `line_end` cuts its lines; STX and ETX around a line are no part of it."""
    board = Board("bench", Port("/dev/x"), options=FormatOptions(line_end=end))
    read = attempt(Candidate(board), [(0.0, data)])
    assert [f"{one.sensor} {one.value:g}" for one in read.samples] == readings
    assert not read.account.refused


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('line_end = "."', "no part of a value"),
        ('line_end = "\\r\\n"', "no part of a value"),
        ("line_end = 3", "no part of a value"),
        ('line_end = ";"\nformat = "nmea"', "does not take it"),
        ('line_end = ";"\nformat = "csv"\nseparator = ";"', "cannot separate columns"),
    ],
)
def test_what_cannot_be(keys, said):
    """A character that values have in them, two of them, and formats that know their ends."""
    (found,) = problems(f'[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\n{keys}\n')
    assert said in found


def test_what_is_between_etx_and_stx():
    """A checksum behind ETX, whatever byte it is, is no part of the next line; a line without STX is as it came."""
    stream = b"\x0223.5\x03\x31\x0223.6\x03\x03\x0223.7\x03\x02\x0223.8\x03\r\n23.9\x03"
    expected = [b"23.5", b"23.6", b"23.7", b"23.8", b"23.9"]
    assert ended("\x03", 64, False).feed(stream) == expected
    cut = ended("\x03", 64, False)
    assert [line for at in range(len(stream)) for line in cut.feed(stream[at : at + 1])] == expected
