"""Lines that came one by one, read together: what comes of them is the same, to the last count."""

import dataclasses
import random
from itertools import pairwise

import pytest

from gateway.ingest.capture.lines import Header, Heard, Mark
from gateway.ingest.capture.plain import Pieces
from gateway.ingest.capture.playback import Playback
from gateway.ingest.formats import decoder
from gateway.ingest.hearing import Hearing
from gateway.ingest.intake import Intake
from gateway.ingest.sensors import Sensors
from gateway.ledger import Account
from gateway.model import Board, Port, Treatment

from .boards_read import TEXT, cases, configured
from .captured import captured

NOISY = (
    b"21.5,22.5\r\n21.6,22.6\r\n" * 30
    + (b"\xff\xfe\x00\x81" * 30 + b"\r\n21.7,22.7\r\n") * 9
    + b"21.7,22.7\r\nboot\r\n\r\n" * 20
)


def lines(data, chance, lines_each=1):
    """Bytes as pieces of so many lines, each at its time; here and there after a silence."""
    pieces = data.splitlines(keepends=True)
    at, out = 0.0, []
    for first in range(0, len(pieces), lines_each):
        at += chance.choice([0.0, 0.25, 0.5, 1.0]) + (100.0 if chance.random() < 0.01 else 0.0)
        out.append(Heard(at, b"".join(pieces[first : first + lines_each])))
    return out


def heard(board, some, cuts, treatments=None):
    """What comes of a capture that is heard in the portions between `cuts`: samples by sensor, and the account."""
    account, sensors = Account(), Sensors(lambda name: moved.append((name, len(samples.get(name, ())))))
    samples, moved = {}, []
    sensors.treat(treatments)

    def take(_, new, at):
        for sample in new:
            samples.setdefault(sample.sensor, []).append((sample, at.wall, at.mono))

    def take_rows(_, rows, whens):
        assert rows.frames == len(whens)
        for place, sample in enumerate(rows.samples):
            at = whens[place // len(rows.columns)]
            samples.setdefault(sample.sensor, []).append((sample, 1000.0 + at, at))

    intake = Intake(board, decoder(board.format, board.options), take, account, lambda: None, sensors)
    hearing = Hearing(board, intake, account)
    playback = Playback(hearing, Header(board.name, 1000.0, whole=True))
    for first, last in pairwise(cuts):
        pieces = Pieces([one.at for one in some[first:last]], [one.data for one in some[first:last]])
        playback.hear_many(pieces, take_rows) if last - first > 1 else playback.hear(some[first])
    playback.end()
    account.lately.clear()  # when and of which of several it was refused is not told to the reading
    counts = {field.name: getattr(account, field.name) for field in dataclasses.fields(account)}
    return samples, counts, moved, intake.failed, hearing.interval


def renamed(own):
    """Half of a board's sensors are called otherwise, and calibrated."""
    return Treatment(name=f"{own}-new", offset=1.0) if len(own) % 2 else Treatment()


@pytest.mark.parametrize("treatments", [None, renamed], ids=["as they are", "treated"])
@pytest.mark.parametrize("folder", cases(*TEXT), ids=lambda folder: folder.name)
def test_together_as_one_by_one(folder, treatments, tmp_path):
    """Whatever the board, however many lines a piece has, and however many pieces are heard together."""
    board = configured((folder / "board.toml").read_text(), tmp_path)
    data = captured(folder)[0] * 3
    chance = random.Random(folder.name)
    for lines_each in (1, 7):
        some = lines(data, chance, lines_each)
        single = heard(board, some, range(len(some) + 1), treatments)
        cuts = [0, *sorted(chance.sample(range(1, len(some)), min(3, len(some) - 1))), len(some)]
        assert heard(board, some, cuts, treatments) == single


def test_garbage_is_doubted_as_ever():
    """Where bytes are no text, lines are weighed one by one."""
    board = Board("b", Port("/dev/x"), "csv")
    some = lines(NOISY, random.Random(1))
    single = heard(board, some, range(len(some) + 1))
    assert single[1]["refused"]["garbage"]
    assert heard(board, some, [0, 20, len(some)]) == single


@pytest.mark.parametrize("mark", [Mark.OVERRUN, Mark.SHARED, Mark.RENEWED])
def test_after_what_makes_lines_doubtful_they_are_heard_one_by_one(mark):
    """For as long as that holds."""
    board = Board("b", Port("/dev/x"), "csv")
    some = [Heard(k / 10, b"21.5,%d\n" % (20 + k % 5)) for k in range(60)]
    some.insert(20, Heard(2.0, mark=mark))
    single = heard(board, some, range(len(some) + 1))
    assert heard(board, some, [0, 20, 21, 40, len(some)]) == single


def test_what_settles_is_noise():
    """A board's boot text is, as it is one by one."""
    board = Board("b", Port("/dev/x", settle=1.05), "csv")
    some = [Heard(k / 10, b"21.5,22.5\n") for k in range(40)]
    single = heard(board, some, range(len(some) + 1))
    assert single[1]["noise"] == 11
    assert heard(board, some, [0, 15, len(some)]) == single


@pytest.mark.parametrize("treatments", [None, renamed], ids=["as they are", "treated"])
@pytest.mark.parametrize(
    "shape", [b"%d,%d.5,22.5\n", b"S%d,%d.5\n", b"T1:%d.5,TT2:%d.5\n"], ids=["count", "names", "pairs"]
)
def test_thousands_at_once(shape, treatments):
    """Long stretches, with lines here and there that end them, and sensors that fail and come back."""
    header = {b"%": b"count,T1,TT2\n", b"S": b"sensor,value\n", b"T": b""}[shape[:1]]
    limit = {b"%": 50_000, b"S": 4, b"T": 70}[shape[:1]]
    board, chance = Board("b", Port("/dev/x"), "auto"), random.Random(shape)
    some, at = [Heard(0.0, header)] if header else [], 0.0
    for k in range(4000):
        at += 0.1
        odd = chance.choice([b"err\n", b"\r\n", b"T1:nan,TT2:1.0\n", b"7,nan,22.5\n", b"x" * 5000, b"\n"])
        data = odd if chance.random() < 0.002 else shape % (k % limit, 20 + k % 9)
        some.append(Heard(round(at, 3), data))
    single = heard(board, some, range(len(some) + 1), treatments)
    assert sum(map(len, single[0].values())) > 3500
    assert heard(board, some, [0, 2500, len(some)], treatments) == single
