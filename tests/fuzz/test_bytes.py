"""From a port's bytes to payloads, with every format: the account balances, all is finite, cuts change nothing."""

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.formats import FORMATS
from gateway.ingest.intake import Intake
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, FormatOptions, Port, Sample, Why
from gateway.publish.messages import Writer
from tests.boards_read import TEXT
from tests.made import features
from tests.packets import strict

from .hostile import NEEDS, corpus, cut, lines, many, options, scraps, streams, terminators

AT = Chunk(1_790_000_000.0, 12.5)
OPTIONS = (FormatOptions(), FormatOptions(unit=("°F", "K")), FormatOptions(columns=("sensor", "value", "count")))


class Desk:
    """An intake with a real format, and all that came of its bytes. wary: lines among garbage are not believed."""

    def __init__(self, name: str, given: FormatOptions, limit: int = 4000, *, wary: bool = False) -> None:
        self.account, self.samples = Account(), list[Sample]()
        board = Board("b", Port("/dev/x"), name, given, max_line=limit, max_sensors=1000)
        self.decoder = decoder = FORMATS[name](given)
        decoder.checked = not wary
        self.intake = Intake(board, decoder, self._take, self.account, lambda: None)

    def _take(self, board: str, samples: list[Sample], at: Chunk) -> None:
        self.samples += samples

    def feed(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.intake.feed(piece, AT)
            assert imbalances(self.account, self.account.readings) == []

    def check(self) -> None:
        """Only the vocabulary, and only what a payload can hold."""
        assert self.account.readings == len(self.samples)
        assert {*self.account.refused, *self.account.refused_values} <= set(Why)
        assert len(self.account.last_refused) <= 64
        for sensor, value, unit, count in self.samples:
            assert type(value) is float and math.isfinite(value)
            assert type(sensor) is str and type(unit) is str
            assert count is None or (type(count) is int and 0 <= count < 10**18)
        for (sensor, unit), same in groupby(self.samples, lambda sample: (sample.sensor, sample.unit)):
            say(sensor, unit, list(same))


def say(sensor: str, unit: str, samples: list[Sample]) -> None:
    """Both payloads of these samples are JSON without NaN and infinity, and say the values bit by bit."""
    values = [sample.value for sample in samples]
    made = features(
        range(1, len(samples) + 1), sensor=sensor, unit=unit, value=values, count=[sample.count for sample in samples]
    )
    writer = Writer(("g", "b", sensor, "r"), {})
    assert [strict(payload)["value"] for payload in writer.readings(made, 0, len(made), {}, None)] == values
    document = strict(writer.rows(made, 0, len(made), {}, None))
    assert [row[document["columns"].index("value")] for row in document["rows"]] == values


@pytest.mark.parametrize("name", TEXT)
@many(40, 1000)
@given(
    given=options, data=streams, places=st.lists(st.integers(0, 5000), max_size=8), limit=st.sampled_from([16, 4000])
)
def test_any_bytes(name, given, data, places, limit):
    """Nothing raises, all is accounted for and finite, and however the bytes are cut the same comes out."""
    whole, pieces = Desk(name, given, limit), Desk(name, given, limit)
    whole.feed([data])
    pieces.feed(cut(data, places))
    whole.check()
    assert pieces.samples == whole.samples
    assert pieces.account == whole.account


def test_cuts_change_nothing_after_garbage():
    """Garbage and good lines: as many of them are believed whether they came in one piece, line by line or bytewise."""
    desks = [Desk("kv", FormatOptions(), wary=True) for _ in range(3)]
    lines = [b"\n", b"\xff" * 30, *[b"\nT1:21.5"] * 10, b"\n"]
    data = b"".join(lines)
    for desk, pieces in zip(desks, ([data], lines, cut(data, [*range(len(data))])), strict=True):
        desk.feed(pieces)
    assert 0 < len(desks[0].samples) < 10
    assert desks[0].samples == desks[1].samples == desks[2].samples


@pytest.mark.parametrize("name", TEXT)
@many(40, 1000)
@given(given=options, data=streams, places=st.lists(st.integers(0, 5000), max_size=8))
def test_any_bytes_with_doubts(name, given, data, places):
    """The same where lines among garbage are not believed."""
    whole, pieces = Desk(name, given, wary=True), Desk(name, given, wary=True)
    whole.feed([data])
    pieces.feed(cut(data, places))
    whole.check()
    assert pieces.samples == whole.samples
    assert pieces.account == whole.account
    assert pieces.intake.trust.level == whole.intake.trust.level


@pytest.mark.parametrize("find", corpus("bytes"), ids=lambda path: path.name)
@pytest.mark.parametrize("name", TEXT)
def test_what_was_found(name, find):
    """What once went wrong does so no more: whole, and in pieces of seven bytes."""
    data = b"\n" + find.read_bytes() + b"\n"
    for chosen in (replace(one, **NEEDS.get(name, {})) for one in OPTIONS):
        whole, pieces = Desk(name, chosen, 1_000_000), Desk(name, chosen, 1_000_000)
        whole.feed([data])
        pieces.feed(data[at : at + 7] for at in range(0, len(data), 7))
        whole.check()
        assert pieces.account == whole.account


GOOD = {
    "plain": (FormatOptions(columns=("S1", "S2")), b"21.5 22.25"),
    "csv": (FormatOptions(columns=("S1", "S2"), separator=",", header=False), b"21.5,22.25"),
    "kv": (FormatOptions(unit=("°C",)), b"S1:21.5,S2:22.25"),
    "json": (FormatOptions(), b'{"S1":21.5,"S2":22.25}'),
    "regex": (FormatOptions(pattern=r"S1:(?P<S1>\S+) S2:(?P<S2>\S+)"), b"S1:21.5 S2:22.25"),
    "block": (FormatOptions(pattern=r"S\d:(?P<value>\S+)", start="S1:", end="S2:"), b"S1:21.5\nS2:22.25"),
    "nmea": (FormatOptions(), b"$IIXDR,C,21.5,C,S1,C,22.25,C,S2*7C"),
}


@pytest.mark.parametrize("name", GOOD)
@many(60, 2000)
@given(rubbish=st.one_of(st.lists(scraps, max_size=20).map(b"".join), lines, st.binary(max_size=5000)), end=terminators)
def test_finds_its_feet_again(name, rubbish, end):
    """A good line after any rubbish and a line end is read as it is alone, from the first on."""
    given, good = GOOD[name]
    desk = Desk(name, given)
    desk.feed([b"\n", rubbish, end, good + b"\n"])
    assert desk.samples[-2:] == [Sample("S1", 21.5, "°C"), Sample("S2", 22.25, "°C")]


@pytest.mark.parametrize("name", GOOD)
def test_rubbish_at_every_byte(name):
    """Rubbish in a stream of good frames costs at most the one that it touches, and no value comes of it."""
    given, good = GOOD[name]
    stream = (good + b"\n") * 6
    for at in range(len(stream)):
        desk = Desk(name, given)
        desk.feed([b"\n", stream[:at], b"\xff\x00!", stream[at:]])
        assert len(desk.samples) >= 10, at
        assert {*desk.samples} == {Sample("S1", 21.5, "°C"), Sample("S2", 22.25, "°C")}


@pytest.mark.parametrize("name", [*GOOD, "auto"])
@many(40, 1000)
@given(rubbish=st.lists(lines, max_size=4))
def test_rubbish_teaches_nothing(name, rubbish):
    """What was refused among good lines changes nothing about how the good ones are read.

    But that auto believes what says nothing no more, once other lines say what they measure.
    """
    given, good = GOOD["kv" if name == "auto" else name]
    desk = Desk(name, FormatOptions(header=False) if name == "csv" else replace(given, columns=(), unit=()))
    desk.feed([b"\n", (good + b"\n") * 5])
    before, known = len(desk.samples), desk.samples[-2:]
    desk.feed(line + b"\n" for line in rubbish)
    if len(desk.samples) == before and getattr(desk.decoder, "unsaid", True):
        desk.feed([good + b"\n"])
        assert desk.samples[before:] == known


@pytest.mark.parametrize("name", [*GOOD, "auto"])
def test_a_flood_without_an_end(name):
    """Megabytes without a line end are one refusal; the good line behind them is read."""
    given, good = GOOD["json" if name == "auto" else name]
    desk = Desk(name, given)
    desk.feed([b"\n"])
    desk.feed([b"\xff{[1,T:" * 1000] * 500)
    desk.feed([b"\n", good + b"\n"])
    assert desk.account.refused == {Why.TOO_LONG: 1}
    assert [sample.value for sample in desk.samples] == [21.5, 22.25]
