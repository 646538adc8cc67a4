"""Captures that anyone may send: whatever is in them is read or refused, and what is heard of them is accounted for."""

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.asks import Ask, Modbus, Register
from gateway.ingest.capture.lines import MOST_SECONDS, Header, Heard, Mark, Unreadable, read, read_header, written
from gateway.ingest.capture.playback import Playback
from gateway.ingest.capture.tape import Tape, TapedHearing
from gateway.ingest.formats import FORMATS
from gateway.ingest.modem import Losses
from gateway.ingest.seen import Seen, listening
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, FormatOptions, Port, Sample
from tests.boards_read import TEXT
from tests.conversation import check_alike, held
from tests.conversation import heard as heard_again

from .hostile import many, streams


@given(st.binary() | st.text().map(lambda text: json.dumps({"at": 1, "text": text}).encode()))
def test_any_bytes_are_read_or_refused(line):
    """Whatever a line holds, it gives finite times and bytes, or one refusal."""
    for call in (read, read_header):
        try:
            found = call(line)
        except Unreadable as error:
            assert str(error).isprintable()
        else:
            assert isinstance(found, Header) or 0 <= found.at <= MOST_SECONDS


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "capture",
                "board",
                "started",
                "whole",
                "port",
                "baud",
                "serial",
                "version",
                "at",
                "hex",
                "asked",
                "sent",
                "sent_hex",
            ]
        ),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("2026-11-24T05:48:46Z"),
    )
)
def test_any_object_is_read_or_refused(document):
    """Right keys with wrong values are refused too."""
    line = json.dumps(document).encode()
    for call in (read, read_header, partial(read, asked=True)):
        try:
            call(line)
        except Unreadable as error:
            assert str(error).isprintable()


@given(
    st.sampled_from(TEXT),
    st.booleans(),
    st.sampled_from([0.0, 2.0]),
    st.lists(st.tuples(st.floats(0, 3), st.binary() | streams, st.none() | st.sampled_from(Mark))),
)
def test_any_capture_is_heard(name, whole, settle, said):
    """Bytes and events in any order, at any times: the account balances, and readings have the capture's times."""
    account, times = Account(), list[Chunk]()

    def take(board: str, samples: list[Sample], at: Chunk) -> None:
        times.append(at)

    board = Board("b", Port("/dev/x", settle=settle), name, max_line=100)
    reader = listening(board, FORMATS[name](FormatOptions()), take, account, lambda: None)
    playback, at = Playback(reader.hearing, Header("b", 1_795_000_000.0, whole)), 0.0
    for pause, data, mark in said:
        at += pause
        playback.hear(Heard(at, mark=mark) if mark else Heard(at, data))
        assert imbalances(account, account.readings) == []
    playback.end()
    assert imbalances(account, account.readings) == []
    assert all(chunk.mono <= at and chunk.wall == 1_795_000_000.0 + chunk.mono for chunk in times)


EVENTS = ("lost", "renewed", "overrun", "shared", "alone")
LINES = st.sampled_from([b"21.5\n", b"21.5,22.5\r\n", b"T1:21.5,MSG:7\n", b'{"T1":21.5}\n', b"21.", b"\xff\xfe" * 20])


@pytest.mark.slow
@many(300, 1000)
@given(
    st.sampled_from(TEXT),
    st.sampled_from([0.0, 0.5]),
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.125, 0.375, 2.0]), st.none() | st.sampled_from(EVENTS), LINES | streams.filter(bool)
        ),
        max_size=30,
    ),
)
def test_what_was_heard_is_heard_again(name, settle, said):
    """Whatever happens to a board, its capture gives the readings, the noise and the refusals that it gave."""
    board = Board("b", Port("/dev/x", settle=settle), name, max_line=100)
    lives = [(Account(), list[tuple[list[Sample], float]]()) for _ in range(2)]

    def reader(account: Account, taken: list[tuple[list[Sample], float]]) -> Seen:
        def take(board: str, samples: list[Sample], at: Chunk) -> None:
            taken.extend((one, round(at.mono, 6)) for one in samples)

        return listening(board, FORMATS[name](FormatOptions()), take, account, lambda: None)

    live, heard, now, losses = reader(*lives[0]), list[Heard](), 0.0, 0
    watch = Tape(heard.append, 0.0, lambda: None, lambda: live.sharer, lambda: now)
    tape = live._reader.hearing = TapedHearing(watch, board, live.intake, live.account)
    tape.opened(now, anew=False)
    tape.counts(Losses(losses, 0), now)
    for pause, what, data in said:
        now += pause
        match what:
            case "overrun":
                tape.counts(Losses(losses := losses + 1, 0), now)
            case "shared" | "alone":
                live.share("cat (pid 7)" if what == "shared" else None)
            case "lost" | "renewed":
                tape.closed()
                tape.opened(now, anew=what == "renewed")
                tape.counts(Losses(losses, 0), now)
                now += pause
        tape.take(data, Chunk(now, now))
    tape.closed()
    playback, since = Playback(reader(*lives[1]).hearing, Header("b", 0.0)), 0.0
    for one in heard:
        playback.hear(again := read(written(one).encode(), since))
        since = again.at
    playback.end()
    for account, _ in lives:
        account.silences = account.reopened = 0  # which the reader counts, and not what it hears with
    assert lives[0] == lives[1]


LINE = Port("/dev/x", 9600)
TANK = Board("tank", LINE, "plain", ask=Ask((b"C\r",), (b"R\r", b"S\r"), 0.5, 0.3))
UNITS = [
    Board(f"u{number}", LINE, "modbus", modbus=Modbus(number, (Register("t", 1, "input"),), 0.5, 0.3))
    for number in (1, 2)
]
GOOD = [b"21.5\r", b"R\r22.5\r", b"*OK\r", *(bytes.fromhex(each) for each in ("01040200c97966", "018402c2c1", "02"))]
SAID = st.lists(
    st.tuples(st.sampled_from([0.00413, 0.01729, 0.11327, 0.29071, 0.47137, 0.93331]), st.sampled_from(GOOD) | streams)
)


@pytest.mark.slow
@many(200, 1000)
@given(
    st.sampled_from([[TANK], UNITS, [TANK, *UNITS]]),
    st.lists(SAID, min_size=1, max_size=12),
    st.lists(
        st.tuples(st.sampled_from([0.6123, 3.3217, 7.7531, 12.9173]), st.sampled_from(["lost", "renewed", "overrun"])),
        max_size=3,
    ),
)
def test_a_conversation_is_heard_again(boards, said, happens):
    """Whatever is answered, and when, and whatever happens to the port: the same values come at the same times."""
    turn = iter(range(10**6))

    def answer(question: bytes) -> list[tuple[float, bytes]]:
        number = next(turn)  # never at the moment at which a silence is one, or a timeout: that would be a draw
        return [(after + number * 0.0000171, data) for after, data in said[number % len(said)]]

    live, tape = held(boards, 19.98765, answer, happens)
    again, playback = heard_again(boards, tape)
    check_alike(live, again)
    assert playback.unknown == 0


@given(
    st.sampled_from([[TANK], UNITS, [TANK, *UNITS]]),
    st.lists(
        st.tuples(
            st.floats(0, 3),
            st.sampled_from([*GOOD, b"R\r", b"C\r"]) | streams,
            st.none() | st.sampled_from(Mark),
            st.booleans(),
        )
    ),
)
def test_any_conversation_is_heard(boards, said):
    """Questions, answers and events in any order, at any times: every account balances."""
    at, lines = 0.0, list[Heard]()
    for pause, data, mark, sent in said:
        at += pause
        lines.append(Heard(at, mark=mark) if mark else Heard(at, data, sent=sent))
    again, _ = heard_again(boards, lines)
    assert all(when <= at for when in again.times)
