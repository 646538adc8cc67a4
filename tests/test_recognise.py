"""Which of several ways to read is the one to believe."""

from gateway.ingest.finding.recognise import Candidate, attempt, best, likeness
from gateway.model import Board, FormatOptions, Port

PORT = Port("/dev/ttyX0")
ANY = Candidate(Board("b", PORT))
EMON = b"MSG:1,Vrms:240.31,P1:412,T1:21.50\r\nMSG:2,Vrms:240.10,P1:400,T1:21.60\r\n"
PRESET = Candidate(Board("b", PORT, "kv", FormatOptions(none=(302.0,))), "emon", EMON)


def chunks(text, times=6):
    """`text` again and again, a second apart."""
    return [(float(second), text) for second in range(times)]


def test_more_frames_are_surer():
    """Each frame that holds values halves the doubt; frames that are refused raise it."""
    few, many = (attempt(ANY, chunks(b"T1:21.5,T2:22\r\n", times)) for times in (3, 12))
    assert (few.format, many.format) == ("auto", "kv"), "the first line may be a half one"
    assert 0.7 < few.confidence < many.confidence
    torn = attempt(ANY, chunks(b"T1:21.5,T2:22\r\nT1:2x1,T2:\r\n", 12))
    assert torn.confidence < many.confidence


def test_a_preset_is_named_where_it_is_that_board():
    """A preset that reads the lines is believed where they look like its sample, and else what is general."""
    emon = chunks(b"MSG:7,Vrms:239.00,P1:3,T1:19.50\r\n")
    found = best([attempt(each, emon) for each in (ANY, PRESET)])
    assert found is not None and found.candidate.preset == "emon"
    other = chunks(b"inlet:19.50,outlet:20.10\r\n")
    found = best([attempt(each, other) for each in (ANY, PRESET)])
    assert found is not None and found.candidate is ANY
    assert best([attempt(PRESET, other)]) is None, "it reads them, and is not that board"


def test_nothing_is_made_of_nothing():
    """Where nobody has read a value there is no best."""
    for text in (b"", b"no value in here\r\n", b"\x80\x81\x00" * 30):
        assert best([attempt(each, chunks(text)) for each in (ANY, PRESET)]) is None


def test_likeness():
    """Words in common, or lines of one form, whatever the numbers; the half lines at both ends are not looked at."""
    assert likeness(EMON, EMON) == 1.0
    assert likeness(b"5)\r\n(24.3, 75.7)\r\n(24.4, 75.8)\r\n(24", b"(21.0, 69.8)\r\n(21.1, 70.0)\r\n") == 1.0
    assert likeness(b"inlet:1\r\noutlet:2\r\n", EMON) == 0.0
    assert likeness(b"21.5\r\n21.6\r\n21.7\r\n", b"25.1\r\n25.2\r\n") == 0.0, "any board prints numbers"
    assert likeness(b"", b"") == 0.0
