"""What is heard of a board over several links: half lines, boot text, stray bytes, its usual interval, losses."""

import pytest

from gateway.ingest.hearing import QUIET, TURNING, Hearing
from gateway.ingest.intake import Intake
from gateway.ingest.modem import Losses
from gateway.ledger import Account
from gateway.model import Board, Chunk, Port, Treatment, Why
from tests.test_intake import Pairs


class Ear:
    """A hearing, and the values that came of it."""

    def __init__(self, **board: float) -> None:
        self.account, self.values = Account(), []
        made = Board("bench", Port("/dev/x", settle=board.pop("settle", 0.0)), **board)
        self.intake = Intake(made, Pairs(), self.take, self.account, lambda: None)
        self.hearing = Hearing(made, self.intake, self.account)
        self.hearing.opened(0.0, anew=False)

    def take(self, board: str, samples: list, at: Chunk) -> None:
        self.values += [sample.value for sample in samples]

    def hear(self, data: bytes, now: float) -> bool:
        return self.hearing.take(data, Chunk(1_790_000_000.0 + now, now))

    def reopen(self, now: float) -> None:
        self.hearing.closed()
        self.hearing.opened(now, anew=True)


def test_a_line_after_a_quiet_reopen_is_whole():
    """Between two lines at the close, and nothing for a while after the open: what comes then begins a line."""
    ear = Ear()
    assert ear.hear(b"9\na=1\n", 1.0)
    ear.reopen(31.0)
    assert ear.hear(b"a=2\n", 31.0 + QUIET)
    assert ear.values == [1.0, 2.0]


@pytest.mark.parametrize("pieces", [[(0.1, b"=7\n")], [(0.1, b"a=1"), (0.5, b"2\n")], [(0.1, b"a"), (0.6, b"=7\n")]])
def test_what_comes_at_once_after_a_reopen_is_no_whole_line(pieces):
    """It may lack its start, however long its rest takes."""
    ear = Ear()
    ear.hear(b"\na=1\n", 1.0)
    ear.reopen(31.0)
    for later, piece in pieces:
        ear.hear(piece, 31.0 + later)
    ear.hear(b"a=3\n", 33.0)
    assert ear.values == [1.0, 3.0]


def test_half_a_line_before_a_reopen_may_go_on_after_it():
    """A board that stopped in mid-line may go on with the rest."""
    ear = Ear()
    ear.hear(b"\na=1\na=", 1.0)
    ear.reopen(31.0)
    ear.hear(b"2\na=3\n", 60.0)
    assert ear.values == [1.0, 3.0]
    assert ear.account.noise == 3


def test_a_stray_byte_is_no_board():
    """What an adapter makes at an open does not say that the board speaks; a frame does, and so do later bytes."""
    ear = Ear()
    ear.reopen(31.0)
    assert not ear.hear(b"\x00", 31.05)
    assert ear.hear(b"a", 33.0)
    ear.reopen(63.0)
    assert ear.hear(b"boot\n", 63.05)


def test_boot_text_is_no_sign_of_life_while_it_settles():
    """What is said in the time to settle is noise, and tells nothing."""
    ear = Ear(settle=2.0)
    assert not ear.hear(b"\na=1\n", 1.0)
    assert ear.hear(b"a=2\n", 2.0)
    ear.hearing.restarts(10.0)
    assert not ear.hear(b"a=3\n", 11.0)
    assert ear.values == [2.0]


def test_a_slow_board_is_learnt_over_reopens():
    """A board that speaks once an hour is reopened at first, and its patience grows until it is not any more."""
    ear = Ear()
    now = 0.0
    assert ear.hearing.patience == 30.0
    for hour in range(1, 5):
        ear.hear(b"\na=1\n", now)
        for at in (now + 31, now + 95, now + 1000):
            if at - now > ear.hearing.patience:
                ear.reopen(at)
        now = hour * 3600.0
    assert ear.hearing.patience > 3600.0
    ear.hearing.resumes(now)
    assert ear.hearing.latest == now


def test_losses_are_counted_once():
    """Counters that grow are a loss; what they stood at when the port was opened is not."""
    ear = Ear()
    for losses in (Losses(7, 9), Losses(7, 9), Losses(9, 9), Losses(9, 12), None, Losses(20, 20)):
        ear.hearing.counts(losses, 5.0)
    assert (ear.account.overruns, ear.account.line_errors) == (2, 3)
    assert ear.intake.trust.doubt(5.0) is Why.OVERRUN
    ear.hearing.closed()
    ear.hearing.counts(Losses(50, 50), 60.0)
    assert ear.account.overruns == 2


def test_names_are_given_anew_where_another_board_may_be():
    """With each open of the port: the probe that is there now is called as its table says."""
    ear = Ear()
    ear.intake.sensors.treat(lambda own: Treatment("inlet"))
    ear.hear(b"\na=1\nb=2\n", 1.0)
    assert [ear.intake.sensors.hardware(name) for name in ("inlet", "b")] == ["a", "b"]
    ear.reopen(2.0)
    ear.hear(b"\nb=2\n", 3.0)
    assert ear.intake.sensors.hardware("inlet") == "b"


class Changed:
    """Makes the intake of another table: sensors are called otherwise."""

    def __init__(self, ear: Ear, max_line: int = 4000) -> None:
        self.ear, self.made = ear, []
        self.board = Board("bench", Port("/dev/x"), max_line=max_line, silent=7.0)

    def __call__(self) -> Intake:
        self.made.append(Intake(self.board, Pairs(), self.ear.take, self.ear.account, lambda: None))
        return self.made[-1]


@pytest.mark.parametrize("cut", range(9))
def test_another_table_counts_from_the_next_frame_on(cut):
    """Wherever in a line it comes: that is read by the one before, and no line is lost, torn or noise."""
    ear, line = Ear(), b"a=1\nb=2\n"
    ear.hear(b"9\n" + line[:cut], 1.0)
    changed = Changed(ear)
    ear.hearing.becomes(changed.board, changed, 1.0)
    assert bool(changed.made) is (cut in (0, 4, 8))
    ear.hear(line[cut:] + b"c=3\n", 1.5)
    assert (ear.values, ear.account.noise, ear.account.frames) == ([1.0, 2.0, 3.0], 1, 4)
    assert len(changed.made) == 1 and ear.hearing.patience == 7.0


def test_another_table_while_no_frame_ends():
    """A line without an end is waited for no longer than a moment, and is noise then, with the rest of it."""
    ear = Ear()
    changed = Changed(ear)
    ear.hear(b"9\na=1", 1.0)
    ear.hearing.becomes(changed.board, changed, 1.0)
    ear.hear(b"2", 1.0 + TURNING)
    assert not changed.made
    ear.hear(b"3", 1.1 + TURNING)
    assert len(changed.made) == 1
    ear.hear(b"4\nb=2\n", 1.2 + TURNING)
    assert ear.values == [2.0]


def test_another_table_while_the_port_is_closed():
    """It counts at once; and one that waited for the end of a frame counts when the port is closed. What was said of
    others on the port stays so.
    """
    ear = Ear()
    ear.hear(b"9\na=", 1.0)
    first, second = Changed(ear), Changed(ear)
    ear.hearing.becomes(first.board, first, 1.0)
    ear.hearing.share(True)
    ear.hearing.closed()
    assert len(first.made) == 1 and first.made[0].trust.shared
    ear.hearing.becomes(second.board, second, 2.0)
    assert len(second.made) == 1
    ear.hearing.share(False)
    ear.hearing.opened(3.0, anew=False)
    ear.hear(b"half=7\nb=2\n", 3.5)
    assert (ear.values, second.made[0].trust.shared) == ([2.0], False)
