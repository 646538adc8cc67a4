"""auto: which format it settles for, and when it looks again."""

import pytest

from gateway.ingest.formats import FORMATS
from gateway.model import Decoded, FormatOptions, Noise, Refusal, Why
from tests.decoded import decode, pairs


class TestAuto:
    @pytest.mark.parametrize(
        "line, name",
        [
            (b"21.5", "plain"),
            (b"21.5 22.5", "plain"),
            (b"21.5,22.5", "csv"),
            (b"1,5;2,5", "csv"),
            (b"T1:21.5,T2:3", "kv"),
            (b"Temp *C = 22.48", "kv"),
            (b'{"T1":21.5}', "json"),
        ],
    )
    def test_finds(self, line, name):
        """Each line is read at once, from the first on; the third of one kind decides."""
        board = FORMATS["auto"](FormatOptions())
        for turn in range(4):
            assert board.name == ("auto" if turn < 3 else name)
            assert board.decode(line) == FORMATS[name](FormatOptions()).decode(line)

    def test_noise_decides_nothing(self):
        """Banners before and between the lines neither hinder the decision nor make it."""
        board = FORMATS["auto"](FormatOptions())
        results = [board.decode(line) for line in (b"hello", b"21.5,1", b"Found 2 devices.", b"21.5,1", b"", b"21.5,1")]
        assert board.name == "csv" and [isinstance(each, Decoded) for each in results] == [False, True] * 3

    def test_stays(self):
        """What was decided stays, so that a torn line is refused and not read as another format."""
        for count in (1, 5):
            assert decode("auto", *[b"21.5,22.5"] * count, b"21.5") == Refusal(Why.WRONG_COLUMNS, b"21.5")

    def test_looks_again(self):
        """Twenty lines in turn without a value: all formats are tried again."""
        board = FORMATS["auto"](FormatOptions())
        results = [board.decode(line) for line in [b"21.5,22.5"] * 3 + [b'{"T1":3}'] * 23]
        assert board.name == "json" and sum(isinstance(each, Decoded) for each in results) == 6

    def test_header(self):
        """A csv header is seen while nothing is decided."""
        assert pairs(decode("auto", b"T1,T2", b"1,2")) == {"T1": 1, "T2": 2}


@pytest.mark.parametrize("line", [b"12:41  ALARM +8.9'C", b"Sensor 3 of the hall has 21.5 C now"])
def test_a_temperature_that_is_not_read(line):
    """Text with a temperature in it is refused where no format reads it, and not taken for noise; pairs are known."""
    assert decode("auto", line) == decode("auto", *[b"12:01 +4.2'C"] * 4, line) == Refusal(Why.BAD_FRAME, line)
    for noise in (b"Dew point now: 5.2 C", b"Dew point 5.2 C", b"up since 5 days", b"V1.2 Cold start"):
        assert isinstance(decode("auto", noise), Noise)
