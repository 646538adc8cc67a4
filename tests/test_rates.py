"""Which rate a board has, from what comes at another."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.finding.rates import RATES, Sort, Tuning, likelier, parity_of, share_of_text, sort_of
from simulators.uart import resample

LINES = {
    "numbers": b"21.50 22.06 19.94\r\n" * 12,
    "json": b'{"T1":21.5,"MSG":12}\r\n' * 12,
    "words": "Humidity: 45.20 %\tTemperature: 23.40 °C 74.12 °F\r\n".encode() * 6,
    "latin-1": "Humidity: 45.20 %\tTemperature: 23.40 °C 74.12 °F\r\n".encode("latin-1") * 6,
    "cr": b"25.104\r" * 30,
}


@pytest.mark.parametrize("sent", RATES)
@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
def test_a_rate_is_found(sent, text):
    """Text at any known rate is found, after few others; of a slow one, which is the usual one, after two at most."""
    tuning, tried = Tuning(), 0
    for second in range(200):
        heard = resample(text, sent, tuning.baud)
        tried += heard != b"" and tuning.feed(heard, float(second))
        if tuning.found:
            break
    assert (tuning.found, tuning.baud, tuning.serial) == (True, sent, "8N1")
    assert tried <= (2 if sent in (57_600, 38_400, 19_200, 9600, 4800, 2400, 1200) else 2 * len(RATES))


def test_silence_says_nothing():
    """While nothing comes the rate stays; a few bytes decide nothing either."""
    tuning = Tuning()
    assert not tuning.feed(b"", 0.0)
    assert not tuning.feed(b"\x00\x80", 1.0)
    assert (tuning.baud, tuning.found) == (RATES[0], False)


def test_one_rate_alone_is_stayed_with():
    """Where the rate is given there is no other."""
    tuning = Tuning([9600])
    for second in range(5):
        assert not tuning.feed(bytes(range(128, 200)), float(second))
    assert (tuning.baud, tuning.found) == (9600, False)


def test_binary_is_stayed_with_from_the_second_round_on():
    """No text at any rate: each is left at once, then each is listened to for a while, as a frame may be long."""
    tuning = Tuning([9600, 4800], stay=1.0)
    assert tuning.feed(b"\x81\x93\xfe" * 20, 0.0)
    assert tuning.feed(b"\x81\x93\xfe" * 20, 0.1)
    assert not tuning.feed(b"\x81\x93\xfe" * 20, 0.2)
    assert not tuning.feed(b"\x81\x93\xfe" * 20, 1.1)
    assert tuning.feed(b"\x81\x93\xfe" * 20, 1.3)


@pytest.mark.parametrize("parity", ["7E1", "7O1"])
def test_seven_bits_and_a_parity(parity):
    """Text with a parity bit in its eighth, read as eight bits, is told by that bit."""
    odd = parity == "7O1"
    sent = bytes(byte | ((byte.bit_count() & 1) ^ odd) << 7 for byte in LINES["numbers"])
    assert parity_of(sent) == parity
    tuning = Tuning()
    tuning.feed(sent, 0.0)
    assert (tuning.found, tuning.baud, tuning.serial) == (True, RATES[0], parity)


def test_what_is_text():
    """A line that has ended and one more is text; a degree sign in Latin-1 is; half a line and random bytes are not."""
    assert sort_of(b"9.5\r\n" + LINES["numbers"]) is Sort.TEXT
    assert sort_of(LINES["latin-1"]) is Sort.TEXT
    assert sort_of(b"21.50 22.06 19.94 and no end of it") is Sort.UNKNOWN
    assert sort_of(b"") is Sort.UNKNOWN
    noise = random.Random(1).randbytes(200)
    assert sort_of(noise) is Sort.OTHER
    assert parity_of(noise) == ""
    assert share_of_text(b"") == 1.0


@given(st.binary(max_size=300), st.sampled_from(RATES))
def test_any_bytes_are_of_some_sort(data, baud):
    """No bytes raise, and the next rate is one of those that are left."""
    left = [rate for rate in RATES if rate != baud]
    assert likelier(data, baud, left) in left
    assert sort_of(data) in Sort
    assert parity_of(data) in ("", "7E1", "7O1")
