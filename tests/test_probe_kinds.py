"""What `gateway probe` takes bytes for, from the bytes alone: lines of text are no frames, and frames no lines."""

import math

import pytest

from gateway.commands.catalogue import candidates
from gateway.config.presets import NONE
from gateway.ingest.finding.probing import _tried
from gateway.ingest.finding.rates import Tuning
from gateway.ingest.finding.recognise import Attempt, Candidate, attempt
from gateway.model import Board, Port

KNOWN, _ = candidates(NONE)
SPEAKING = [each for each in KNOWN if not each.board.asked]
BINARY = {each.preset: each for each in SPEAKING if each.board.format == "struct"}


def taken(*pieces: bytes, baud: int = 115_200) -> Attempt | None:
    """What pieces are taken for that have come a second apart."""
    tuning = Tuning([baud])
    for second, data in enumerate(pieces):
        tuning.feed(data, float(second))
    return _tried(tuning, baud, [Candidate(Board("probe", Port("/dev/ttyX0"))), *SPEAKING])


def boiler(turn: int, word: str) -> bytes:
    """A line in which "onda ritor" is a frame whose CRC-8 holds."""
    flow, back = (f"{base + 1.5 * math.sin(turn / 5):.1f}".replace(".", ",") for base in (55.2, 44.7))
    return f"{turn:04} - {word} mandata {flow} gradi, sonda ritorno {back} gradi, pompa ON\r\n".encode("latin-1")


@pytest.mark.parametrize("word", ["Sonda", "Unità"])
def test_lines_of_text_are_no_frames(word):
    """Text that is the same in each line, and by chance is a frame whose checksum holds, is no such board."""
    lines = [boiler(turn, word) for turn in range(12)]
    chance = attempt(BINARY["kiss-esc"], enumerate(lines))
    assert chance.account.decoded > 1 and chance.confidence > 0.9, "as that board reads them"
    found = taken(*lines)
    assert found is None or not found.candidate.preset


@pytest.mark.parametrize("name", BINARY)
def test_binary_boards_are_known(name):
    """The samples of each binary preset are taken for that board; behind a greeting too, where a checksum proves it."""
    found = taken(*[BINARY[name].sample] * 4)
    assert found is not None and found.candidate.preset == name
    if BINARY[name].board.options.crc is not None:
        found = taken(b"telemetry v1.2 ready\r\nbaud 115200, 8N1\r\n", *[BINARY[name].sample] * 4)
        assert found is not None and found.candidate.preset == name


@pytest.mark.parametrize(
    "line",
    [
        "Température : {n}.5 °C\r\n", "Außen: {n}.5 C, Innen: 23.0 C\r\n", "Äußere Fühler: {n}.5 °C\r\n",
        "Çatı: {n}.5 C\r\n", "Fühlerrücklauf={n}.5;Kälteträger=8.5\r\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", ["utf-8", "latin-1", "cp1252"])
def test_words_of_other_languages_are_text(line, code):
    """Letters beyond ASCII in the names of sensors are text, in UTF-8 as in Latin-1."""
    found = taken(*(line.format(n=n).encode(code, "replace") for n in range(10, 22)))
    assert found is not None and "." in str(found.samples[-1].value)
    assert {sample.value for sample in found.samples} >= {20.5, 21.5}


def test_a_byte_that_is_no_text_now_and_then():
    """An older code's degree sign in each line: it is no letter, and the lines are read none the less."""
    found = taken(*(b"T1: %d.5 \xf8C\r\n" % n for n in range(10, 22)))
    assert found is not None and {sample.value for sample in found.samples} >= {20.5, 21.5}
