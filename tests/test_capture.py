"""The file of a capture: what is written is read, whatever a board says; what is no capture is told in one sentence."""

import json
import os
import resource
import signal
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.capture.file import Capture, CaptureError, Writer
from gateway.ingest.capture.lines import (
    LONGEST,
    Header,
    Heard,
    Mark,
    Unreadable,
    headline,
    printed,
    read,
    read_header,
    written,
)
from gateway.ingest.capture.tape import Tape, TapedHearing
from gateway.ingest.formats.csv import Csv
from gateway.ingest.modem import Losses
from gateway.ingest.seen import listening
from gateway.ledger import Account
from gateway.model import Board, Chunk, FormatOptions, Port

HEADER = Header("bench", 1_795_000_000.123456, port="/dev/ttyUSB0", baud=9600, serial="8N1", version="1")
MARKS = st.builds(
    Heard, st.just(0.0), st.just(b""), mark=st.sampled_from(Mark), why=st.text(max_size=80), sent=st.just(False)
)
BYTES = st.builds(Heard, st.just(0.0), st.binary(min_size=1) | st.text(min_size=1).map(str.encode), mark=st.none())


@given(st.lists(st.tuples(st.floats(0, 1e6), MARKS | BYTES)))
def test_what_is_written_is_read(said):
    """Any bytes come back as they were, at their times to the nanosecond; no line has what a terminal obeys."""
    since = 0.0
    for at, heard in sorted(said, key=lambda one: one[0]):
        line = written(heard._replace(at=at))
        assert "\n" not in line and line.isprintable()
        found = read(line.encode(), since, asked=True)
        since = round(at, 9)
        assert (found.at, found.data, found.mark, found.sent) == (since, heard.data, heard.mark, heard.sent)


@pytest.mark.parametrize("data", [b"\r\n", b"\xff", b'"\\'])
def test_the_largest_read_is_a_line(data):
    """A line takes whatever comes at once: 256 KiB, in any spelling."""
    whole = data * (262_144 // len(data))
    assert read(written(Heard(1.0, whole)).encode() + b"\n").data == whole


def test_text_is_what_prints():
    """UTF-8, tabs and ends of line are text; colours, marks of direction and older codes are hex."""
    assert printed("T1\t21.5 °C\r\n".encode()) == "T1\t21.5 °C\r\n"
    assert all(printed(data) is None for data in (b"\x1b[0m", "\u202e".encode(), b"\xb0", b"\0", "\u2028".encode()))


def test_the_first_line():
    """It says what was recorded; a port's odd characters are spelt."""
    assert read_header(headline(HEADER).encode()) == HEADER
    odd = Header("bench", 1.0, whole=True, port="/dev/\x1b[0m\ud800")
    assert read_header(headline(odd).encode()).port == "/dev/\\x1b[0m\\ud800"


@pytest.mark.parametrize(
    ("line", "clause"),
    [
        (b'{"at": NaN, "text": "1"}', "is not JSON"),
        (b'{"at": 1e999, "text": "1"}', "is not JSON"),
        (b'{"at": 1, "text": "1"', "is not JSON"),
        (b"[" * 10_000, "is not JSON"),
        (b'{"at": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"\xff", "is not UTF-8"),
        (b"3", "is no JSON object"),
        (b"{}", "has no time"),
        (b'{"at": -1, "text": "1"}', "has no time"),
        (b'{"at": true, "text": "1"}', "has no time"),
        (b'{"at": 1e300, "text": "1"}', "has no time"),
        (b'{"at": 0.5, "text": "1"}', "goes back in time, to 0.5 s after 1 s"),
        (b'{"at": 1}', 'has to have one of "text", "hex" and "event"'),
        (b'{"at": 1, "sent": "1"}', 'has "sent", and the first line does not say "asked": true'),
        (b'{"at": 1, "text": "1", "hex": "31"}', "has to have one of"),
        (b'{"at": 1, "text": 1}', 'needs "text", a text'),
        (b'{"at": 1, "text": "\\ud800"}', 'has a "text" with half a character'),
        (b'{"at": 1, "hex": "3"}', 'has a "hex" that is not two'),
        (b'{"at": 1, "event": "exploded"}', 'has the event "exploded"; there are opened, '),
        (b'{"at": 1, "event": "lost", "why": []}', 'needs "why", a text'),
        (b'{"at": 1, "text": "' + b"1" * LONGEST + b'"}', "is longer than"),
    ],
    ids=lambda one: repr(one)[:40],
)
def test_a_line_that_is_none(line, clause):
    """What does not hold is told by what is wrong with it."""
    with pytest.raises(Unreadable, match="^" + clause.replace("{", r"\{")):
        read(line, 1.0)


@pytest.mark.parametrize(
    "change", [{"started": "now"}, {"started": "2026-11-24T05:48:46"}, {"started": "0001-01-01T00:00:00Z"}]
)
def test_a_start_that_is_no_time(change):
    """A start without a zone, or in a year that no board has seen, is none."""
    with pytest.raises(Unreadable, match='needs "started", a time such as'):
        read_header(json.dumps({**json.loads(headline(HEADER)), **change}).encode())


def test_a_newer_version_is_told():
    """Captures of a later format are not guessed at."""
    with pytest.raises(Unreadable, match="is of version 2 of captures, which a newer gateway reads"):
        read_header(b'{"capture": 2}')


def test_a_file_grows_and_is_read(tmp_path):
    """What was put is in the file when `close` returns, and nothing that was there is written over."""
    path, gone = tmp_path / "c.jsonl", threading.Event()
    writer = Writer(path, HEADER, gone.set)
    heard = [Heard(0.5, b"21.5\r\n"), Heard(1.0, b"\xff\n"), Heard(2.0, mark=Mark.LOST, why="unplugged")]
    for one in heard:
        writer.put(one)
    writer.close()
    assert writer.size == path.stat().st_size
    with Capture(path) as capture:
        assert (capture.header, list(capture), capture.torn) == (HEADER, heard, False)
    with pytest.raises(FileExistsError):
        Writer(path, HEADER, gone.set)
    assert not gone.is_set() and writer.size == path.stat().st_size


def test_each_line_is_in_the_file_at_once(tmp_path):
    """A writer that is killed takes nothing along: while it still runs, the file has every line."""
    path = tmp_path / "c.jsonl"
    writer = Writer(path, HEADER, lambda: None)
    for number in range(20):
        writer.put(Heard(number, b"x\n"))
        deadline = threading.Event()
        while path.stat().st_size < writer.size:
            assert not deadline.wait(0.001)
        assert path.read_bytes().count(b"\n") == number + 2
    writer.close()


def test_a_disk_that_is_full(tmp_path):
    """It is told once, and what is in the file can be read."""
    path, gone = tmp_path / "c.jsonl", threading.Event()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        writer = Writer(path, HEADER, gone.set)
        number = 0
        while not gone.is_set():
            writer.put(Heard(number, b"21.5\r\n"))
            number += 1
        writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert writer.error is not None and writer.error.strerror == "File too large"
    with Capture(path) as capture:
        assert len(list(capture)) >= 10


def test_a_capture_cut_anywhere(tmp_path):
    """Cut at any byte of its last line it gives the lines before it, and says whether the last is torn."""
    path = tmp_path / "c.jsonl"
    *before, last = [headline(HEADER), written(Heard(1.0, b"1\n")), written(Heard(2.0, b"2\r\n\xff"))]
    for length in range(len(last) + 1):
        path.write_text("".join(line + "\n" for line in before) + last[:length])
        with Capture(path) as capture:
            assert [one.at for one in capture] == ([1.0, 2.0] if length == len(last) else [1.0])
        assert capture.torn is (0 < length < len(last))


def test_a_capture_that_goes_on_ends_where_it_is_told(tmp_path):
    """Of one that is read up to a size it gives what it would if there were no more, line by line and together."""
    path, cut = tmp_path / "c.jsonl", tmp_path / "cut.jsonl"
    lines = [headline(HEADER), *(written(Heard(float(at), b"2\r\n" if at % 3 else b"\xff")) for at in range(9))]
    path.write_text("".join(line + "\n" for line in lines))
    for size in range(len(lines[0]), path.stat().st_size + 1):
        cut.write_bytes(path.read_bytes()[:size])
        for way in (list, lambda capture: list(capture.together())):
            with Capture(path, size) as one, Capture(cut) as other:
                assert (way(one), one.torn, one.position) == (way(other), other.torn, size)


def test_a_line_without_end(tmp_path):
    """A huge file without lines is refused after its first piece, and is not taken for a torn line."""
    path = tmp_path / "c.jsonl"
    with path.open("wb") as file:
        file.write(headline(HEADER).encode() + b"\n")
        os.truncate(file.fileno(), 10_000_000_000)
    with Capture(path) as capture, pytest.raises(CaptureError, match=r"line 2 of .* is longer than 1000000 bytes"):
        list(capture)


def test_a_tape_tells_what_happens():
    """Opens, losses with their reason, lost bytes and other programs, each at its time."""
    told, now = list[Heard](), 20.0
    reader = listening(Board("b", Port("/dev/x")), Csv(FormatOptions()), lambda *_: None, Account(), lambda: None)
    watch = Tape(told.append, 10.0, lambda: reader.reason, lambda: reader.sharer, lambda: now)
    tape = TapedHearing(watch, reader.board, reader.intake, reader.account)
    tape.opened(11.0, anew=False)
    tape.counts(Losses(5, 0), 12.0)
    tape.counts(Losses(7, 0), 13.0)
    reader.share("cat (pid 7)")
    tape.take(b"1\n", Chunk(0.0, 20.5))
    now = 21.0
    tape.closed()
    now = 22.0
    reader._reader.reason = "unplugged"
    tape.opened(23.0, anew=True)
    assert told == [
        Heard(1.0, mark=Mark.OPENED), Heard(3.0, mark=Mark.OVERRUN), Heard(10.0, mark=Mark.SHARED, why="cat (pid 7)"),
        Heard(10.5, b"1\n"), Heard(11.0, mark=Mark.LOST, why="unplugged"), Heard(13.0, mark=Mark.RENEWED),
    ]  # fmt: skip
