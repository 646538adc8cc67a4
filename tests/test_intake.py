"""Bytes become samples, and the account balances, without a port."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.intake import Intake
from gateway.ledger import Account, imbalances
from gateway.model import BadValue, Board, Chunk, Decoded, Frame, Noise, Port, Refusal, Sample, Why

AT = Chunk(1_790_000_000.0, 12.5)


class Pairs:
    """A format for tests: "a=1 b=2 c=?" are three values, of which one does not hold; "# text" is noise."""

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        if frame.startswith(b"#") or not frame:
            return Noise(frame)
        samples, bad = [], []
        for word in frame.decode("latin-1").split(" "):
            name, _, value = word.partition("=")
            if value.isdecimal() and value.isascii():
                samples.append(Sample(name, float(value), "°C"))
            elif value == "?":
                bad.append(BadValue(name, Why.ERROR_MARK))
            else:
                return Refusal(Why.NOT_A_NUMBER, frame)
        return Decoded(samples, bad)


class Desk:
    """An intake, what it handed on, and how often it told of a change."""

    def __init__(self, **options: int) -> None:
        self.account, self.taken, self.changes = Account(), [], 0
        self.intake = Intake(Board("bench", Port("/dev/x"), **options), Pairs(), self.take, self.account, self.change)

    def take(self, board: str, samples: list[Sample], at: Chunk) -> None:
        assert (board, at) == ("bench", AT)
        assert samples
        self.taken.append(samples)

    def change(self) -> None:
        self.changes += 1

    def feed(self, data: bytes, *, settling: bool = False) -> int:
        frames = self.intake.feed(data, AT, settling=settling)
        assert imbalances(self.account, self.account.readings) == []
        return frames

    def values(self) -> list[tuple[str, float]]:
        return [(sample.sensor, sample.value) for samples in self.taken for sample in samples]


def test_a_chunk_is_handed_on_at_once():
    """All samples of a chunk, over several frames, are handed on in one call and in their order."""
    desk = Desk()
    assert desk.feed(b"half line\r\na=1 b=2\r\n# text\r\na=3\r\nb=") == 4
    assert len(desk.taken) == 1
    assert desk.values() == [("a", 1.0), ("b", 2.0), ("a", 3.0)]
    assert (desk.account.frames, desk.account.decoded, desk.account.noise, desk.account.values) == (4, 2, 2, 3)


def test_what_is_no_good_is_counted_and_kept_for_a_look():
    """Refused frames and refused values are counted by their reasons; the last refused bytes are kept, cut short."""
    desk = Desk()
    desk.feed(b"\na=1 b=?\n" + b"rubbish " * 100 + b"\n")
    assert desk.values() == [("a", 1.0)]
    assert desk.account.refused == {Why.NOT_A_NUMBER: 1}
    assert desk.account.refused_values == {Why.ERROR_MARK: 1}
    assert desk.account.last_refused == (b"rubbish " * 8)


def test_a_chunk_without_samples_is_not_handed_on():
    """Whoever takes samples is not called for nothing."""
    desk = Desk()
    desk.feed(b"\n# one\n# two\nrubbish\n")
    assert desk.taken == []


def test_a_line_that_is_too_long_is_refused():
    """A line over the board's limit is one refusal, and the next line is read."""
    desk = Desk(max_line=10)
    desk.feed(b"\n" + b"x" * 100)
    desk.feed(b"x" * 100 + b"\na=1\n")
    assert desk.account.refused == {Why.TOO_LONG: 1}
    assert desk.values() == [("a", 1.0)]


def test_what_comes_while_a_board_settles_is_noise():
    """Good lines and bad ones of a board that still settles are noise, and the first line after it is whole."""
    desk = Desk()
    desk.feed(b"boot\na=1\nrubbish\na=", settling=True)
    assert (desk.taken, desk.account.noise) == ([], 3)
    desk.feed(b"2\n")
    assert desk.values() == [("a", 2.0)]


def test_half_a_line_at_a_gap_is_noise():
    """ "a=1" of "a=12" is no reading when the link breaks there, and neither is "2" of it after the next open."""
    desk = Desk()
    desk.feed(b"\na=5\na=1")
    desk.intake.gap()
    desk.feed(b"a=2\na=6\n")
    assert desk.values() == [("a", 5.0), ("a", 6.0)]
    assert desk.account.noise == 3  # before the first terminator, the half line, and the line after the gap
    assert imbalances(desk.account, desk.account.readings) == []


def test_a_gap_between_is_nothing():
    """A link that broke between two lines leaves no frame behind."""
    desk = Desk()
    desk.feed(b"\na=5\n")
    desk.intake.gap()
    assert desk.account.frames == 2


def test_a_board_that_names_too_many_sensors():
    """The values of names beyond the limit are refused and nothing is kept of them; the known ones go on."""
    desk = Desk(max_sensors=2)
    desk.feed(b"\na=1 b=2 c=3\n")
    for number in range(1000):
        desk.feed(b"x%d=1 y%d=? b=4\n" % (number, number))
    assert set(desk.values()) == {("a", 1.0), ("b", 2.0), ("b", 4.0)}
    assert desk.account.refused_values == {Why.TOO_MANY_SENSORS: 1001, Why.ERROR_MARK: 1000}
    assert desk.intake.failed == {}


def test_a_failed_sensor_is_named_until_it_is_well():
    """A sensor whose last value did not hold has failed, with the reason; each change is told once."""
    desk = Desk()
    desk.feed(b"\na=1 b=2\na=? b=2\na=?\n")
    assert (desk.intake.failed, desk.changes) == ({"a": Why.ERROR_MARK}, 1)
    desk.feed(b"b=3\n")
    assert (desk.intake.failed, desk.changes) == ({"a": Why.ERROR_MARK}, 1)
    desk.feed(b"a=?\na=4\n")
    assert (desk.intake.failed, desk.changes) == ({}, 2)


PIECES = st.lists(
    st.sampled_from([b"a=1", b"a=? b=2", b"# text", b"", b"rubbish", b"\xff\x00", b"c=3 d=4 e=5", b"x" * 50])
)


@given(PIECES, st.binary(max_size=40), st.lists(st.integers(0, 300), max_size=8), st.sets(st.integers(0, 8)))
def test_the_account_balances_whatever_comes(lines, rubbish, cuts, gaps):
    """Any bytes, cut anywhere, with gaps anywhere: each frame and each value is accounted for."""
    desk = Desk(max_line=20, max_sensors=3)
    data = b"\n".join(lines) + rubbish + b"\n"
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for number, (start, end) in enumerate(pairwise(edges)):
        desk.feed(data[start:end], settling=number == 2)
        if number in gaps:
            desk.intake.gap()
            assert imbalances(desk.account, desk.account.readings) == []
    assert desk.account.bytes == len(data)
    assert desk.account.readings == len(desk.values())


@given(PIECES, st.lists(st.integers(0, 300), max_size=8))
def test_cuts_change_nothing(lines, cuts):
    """The same readings come out however the bytes are cut."""
    data = b"\n".join([b"", *lines, b""])
    whole, cut = Desk(), Desk()
    whole.feed(data)
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    for start, end in pairwise(edges):
        cut.feed(data[start:end])
    assert cut.values() == whole.values()
    assert cut.account == whole.account


def test_garbage_that_parses_is_refused_until_it_is_clean():
    """Once most of what comes is no text, a line that happens to parse is refused; clean lines end it."""
    desk = Desk()
    desk.feed(b"\na=1\n")
    desk.feed(bytes(range(128, 160)) + b"\n")
    assert desk.values() == [("a", 1.0)]
    changes = desk.changes
    assert changes == 1
    desk.feed(b"a=2\n" + b"\xff\x00\xf8" * 20)
    assert desk.values() == [("a", 1.0)]
    assert desk.account.refused[Why.GARBAGE] == 1
    assert desk.account.last_refused == b"a=2"
    for number in range(30):
        desk.feed(b"\na=%d" % number)
    assert desk.changes == 2
    assert desk.values()[-1] == ("a", 28.0)
    assert desk.account.refused[Why.GARBAGE] < 20


def test_noise_is_noise_in_doubt_too():
    """What is no data is not refused for want of trust."""
    desk = Desk()
    desk.intake.trust.shared = True
    desk.feed(b"\n# text\na=1\nb=?\nrubbish\n")
    assert desk.account.noise == 2
    assert desk.account.refused == {Why.SHARED: 2, Why.NOT_A_NUMBER: 1}
    assert desk.account.values == 0


def test_a_format_with_a_checksum_is_believed():
    """What proves itself needs no trust."""

    class Proven(Pairs):
        checked = True

    account, taken = Account(), []
    intake = Intake(Board("bench", Port("/dev/x")), Proven(), lambda *sent: taken.append(sent), account, lambda: None)
    intake.trust.shared = True
    intake.feed(b"\na=1\n", AT)
    assert (len(taken), account.refused) == (1, {})


def test_the_boards_own_numbers_are_followed():
    """Gaps and restarts of `count` are in the account."""

    class Counted(Pairs):
        def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
            return Decoded([Sample("a", 1.0, "°C", int(frame))], []) if frame else Noise()

    account = Account()
    intake = Intake(Board("bench", Port("/dev/x")), Counted(), lambda *sent: None, account, lambda: None)
    intake.feed(b"\n50\n51\n54\n0\n1\n", AT)
    assert (account.count_gaps, account.restarts) == (2, 1)
    after = Intake(Board("bench", Port("/dev/x")), Counted(), lambda *sent: None, account, lambda: None)
    after.feed(b"\n7\n9\n", AT)
    assert (account.count_gaps, account.restarts) == (3, 1)  # the account goes on when the board is read anew


def test_what_is_known_to_begin_a_line_is_no_half():
    """After a gap in which nothing was said, the next line is whole, if the last one was."""
    desk = Desk()
    assert not desk.intake.between
    desk.feed(b"\na=1\n")
    assert desk.intake.between
    desk.intake.gap(midstream=False)
    desk.feed(b"a=2\na=")
    assert desk.values() == [("a", 1.0), ("a", 2.0)]
    assert not desk.intake.between
