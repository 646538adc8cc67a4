"""Binary frames: what real boards' bytes give, and that nothing else ever comes out, whatever the layout."""

import json
import math
import random
import re
from itertools import pairwise, takewhile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checksums import CHECKSUMS, checksum
from gateway.ingest.formats.struct import Struct
from gateway.ingest.intake import Intake
from gateway.layouts import SPELT, WIDTHS, Crc, Escapes, Field, Length, Magic, When
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, FormatOptions, Port, Refusal, Sample, Why

from .boards_read import BINARY, cases, configured, read
from .captured import captured
from .fuzz.hostile import many

HEAD = 'name = "thermometer"\nport = "/dev/ttyUSB0"\nformat = "struct"\n'
CASES = cases(*BINARY)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case, tmp_path):
    """A real board's bytes give these samples, refusals and noise, in one piece and byte by byte."""
    board, (capture, whole) = configured((case / "board.toml").read_text(), tmp_path), captured(case)
    expected = [json.loads(line) for line in (case / "expected.jsonl").read_text().splitlines()]
    assert read(board, [capture], whole) == expected
    assert read(board, [capture[at : at + 1] for at in range(len(capture))], whole) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_finds_its_feet_again(case, tmp_path):
    """After rubbish, or after a capture cut at any byte, the next capture is read as it should be."""
    board, (capture, whole) = configured((case / "board.toml").read_text(), tmp_path), captured(case)
    expected = _values(read(board, [capture], whole))
    steps = range(0, len(capture), 397 if len(capture) > 1000 else 5)
    for rubbish in (b"\x00\xff\n" * 30, b"\xa5" * 700, *(capture[:end] for end in steps)):
        found = _values(read(board, [rubbish, capture]))
        same = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(found), reversed(expected), strict=False))
        lost = len(expected) - sum(1 for _ in same)
        assert lost <= (769 if "gy-mcu" in case.name else 4), rubbish  # one frame, which the rubbish touches


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_any_bytes_of_each_board(case, tmp_path):
    """Whatever stands between and in the frames of a board, nothing raises, and values are finite."""
    board, (capture, _) = configured((case / "board.toml").read_text(), tmp_path), captured(case)
    dice = random.Random(1)
    for _ in range(100):
        at = dice.randrange(len(capture))
        pieces = [dice.randbytes(dice.randrange(40)), capture[at : at + dice.randrange(400)]] * dice.randrange(1, 4)
        assert all(math.isfinite(each["value"]) for each in _values(read(board, pieces)))


def _values(results):
    return [each for each in results if "value" in each]


def test_text_with_a_checksum_behind_it(tmp_path):
    """A number of any length between STX and ETX is read where the checksum behind it holds."""
    table = """framing = "stx-etx"
crc = { name = "XOR-8", over = [1, -1] }
fields = [{ name = "T", at = 3, type = "dec", unit = "°C" }]
"""
    sent = [b"\x02PV23.5\x03\x1f", b"\x02PV612.0\x03\x2e", b"\x02PV613.0\x03\x2e", b"\x02PV-12.5\x03\x30"]
    found = read(configured(HEAD + table, tmp_path), sent, True)
    assert [each.get("value", each.get("refused")) for each in found] == [23.5, 612.0, "bad_checksum", -12.5]


SUMMED = Crc("CRC-16/MODBUS", 2, -2, (0, -2))
LAYOUTS = [
    FormatOptions(framing="fixed", size=9, magic=Magic(b"\xaa\x55"), crc=SUMMED),
    FormatOptions(framing="fixed", size=7, crc=Crc("CRC-8", 1, -1, (0, -1))),
    FormatOptions(framing="fixed", size=7, magic=Magic(b"\xaa")),
    FormatOptions(framing="stx-etx"),
    FormatOptions(framing="stx-etx", size=8, crc=Crc("XOR-8", 1, -2, (1, -2))),
    FormatOptions(framing="length", size=Length(1, "u16", "big", 4), magic=Magic(b"\x01"), crc=SUMMED),
    FormatOptions(framing="length", size=Length(0, add=-3), crc=Crc("SUM-16", 2, 1, (3, 40))),
    *(FormatOptions(framing=name, crc=SUMMED) for name in ("cobs", "slip", "hdlc", "hex")),
    FormatOptions(framing=Escapes(0x03, 0x02, 0x7D)),
    FormatOptions(framing=Escapes(0x00), crc=Crc("SUM-8", 1, -1, (0, -1), negated=True)),
    FormatOptions(framing="slip", size=6, magic=Magic(b"\x01", 2)),
]
FIELDS = st.lists(
    st.builds(
        Field,
        name=st.sampled_from(["T1", "T2", "count", "sensor", "value", "volts"]),
        at=st.integers(0, 12),
        type=st.sampled_from(list(WIDTHS)),
        endian=st.sampled_from(["little", "big", None]),
        factor=st.sampled_from([1.0, 0.1, -2.5, 1e300, 1e-300, 1 / 3]),
        offset=st.sampled_from([0.0, -273.15, 1e299]),
        unit=st.sampled_from(["", "°C", "V"]),
        none=st.sampled_from([(), (0.0,)]),
        when=st.sampled_from([(), (When(0, 1, 1),), (When(30),)]),
        only=st.sampled_from([(), (When(1, 1, 0),)]),
        repeat=st.sampled_from([1, 1, 3]),
        stride=st.sampled_from([0, 1]),
        length=st.just(0),
        words=st.sampled_from([None, "little"]),
        bits=st.sampled_from([None, (0, 6), (3, 7)]),
        minus=st.sampled_from([0, 0x33]),
    )
    | st.builds(
        lambda name, type, **given: Field(name=name, type=type, **given),
        name=st.sampled_from(["T1", "T3", "count"]),
        type=st.sampled_from(SPELT),
        at=st.integers(0, 12),
        factor=st.sampled_from([1.0, 0.1, 1e300]),
        length=st.integers(1, 16),
        minus=st.sampled_from([0, 0x33]),
    )
    | st.builds(lambda at: Field("T4", at, "dec"), at=st.integers(0, 12)),
    max_size=5,
).map(tuple)
PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.text("0123456789abcdefABCDEF+-. e", max_size=20).map(str.encode),
        st.sampled_from([b"\x02", b"\x03", b"\x00", b"\xc0", b"\x7e", b"\xaa\x55", b"\x01\x00\x02", b"\xff" * 50]),
        st.binary(max_size=6).map(lambda body: (inner := b"\xaa\x55" + body[:5].ljust(5)) + _sum(inner)),
        st.binary(max_size=6).map(lambda body: b"\x00" + body.replace(b"\x00", b"\x01") + b"\x00"),
    ),
    max_size=20,
)


def _sum(data: bytes) -> bytes:
    return checksum("CRC-16/MODBUS")(data).to_bytes(2, "little")


@many(300, 10_000)
@given(
    st.sampled_from(LAYOUTS), FIELDS, PIECES, st.lists(st.integers(0, 400), max_size=8), st.sets(st.integers(0, 5)),
    st.sampled_from([16, 4000]), st.booleans(),
)  # fmt: skip
def test_any_bytes(layout, fields, pieces, cuts, gaps, limit, shared):
    """From bytes to readings nothing raises; each frame and value is accounted for, and each reading is finite."""
    options = FormatOptions(
        **{name: getattr(layout, name) for name in ("framing", "size", "magic", "crc")}, fields=fields
    )
    taken: list[Sample] = []
    account, decoder = Account(), Struct(options)
    board = Board("b", Port("/dev/x"), "struct", options, max_line=limit)
    intake = Intake(board, decoder, lambda board, samples, at: taken.extend(samples), account, lambda: None)
    intake.trust.shared = shared
    data = b"".join(pieces)
    marks = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for turn, (first, end) in enumerate(pairwise(marks)):
        intake.feed(data[first:end], Chunk(1e9 + turn, turn * 0.015))
        if turn in gaps:
            intake.gap()
        assert imbalances(account, account.readings) == []
    assert account.bytes == len(data)
    assert account.readings == len(taken)
    assert not (shared and taken and not decoder.checked)
    for sensor, number, unit, count in taken:
        assert type(number) is float and math.isfinite(number)
        assert sensor and len(unit) <= 16
        assert count is None or 0 <= count < 10**18
    assert intake.trust.level == 0  # bytes that are no text are no sign of a wrong baud rate here


def test_each_checksum_has_its_width():
    """A frame is believed by any checksum of the catalogue, where it stands at the end, and not with a wrong bit."""
    for name, width in CHECKSUMS.items():
        for endian in ("little", "big"):
            options = FormatOptions(framing="cobs", crc=Crc(name, width, -width, (0, -width)), endian=endian)
            framing = Struct(options).framing(100, False)
            good = b"\x15\x19" + checksum(name)(b"\x15\x19").to_bytes(width, endian)
            for frame, holds in ((good, True), (b"\x14" + good[1:], False)):
                item = framing.feed(_stuffed(frame))[0]
                assert item == frame if holds else item == Refusal(Why.BAD_CHECKSUM, frame)


def _stuffed(frame: bytes) -> bytes:
    return b"".join(bytes([len(part) + 1]) + part for part in frame.split(b"\0")) + b"\0"


def test_the_page(tmp_path):
    """The frame that docs/formats.md draws is read by the table below it as the page says; it lists each checksum."""
    page = (Path(__file__).parent.parent / "docs/formats.md").read_text()
    section = page.split("## struct")[1].split("## Add a format")[0]
    drawn = bytes.fromhex(re.search(r"    (aa 55(?: [0-9a-f]{2})+)", section)[1])
    table = re.search(r"```toml\n\[\[boards]]\n(.*?)```", section, re.DOTALL)[1]
    assert read(configured(table, tmp_path), [drawn]) == [
        {"sensor": "inlet", "value": 21.5, "unit": "°C", "count": 4711},
        {"sensor": "outlet", "why": "error_mark"},
    ]
    signs = re.search(r"```toml\n(framing = \"fixed\".*?)```", section, re.DOTALL)[1]
    sent = [b"\x0241010100000235\r", b"\x0241011100000012\r", b"\x0241010000001021\r", b"\x0241010200000001\r"]
    assert read(configured(HEAD + signs, tmp_path), [*sent, sent[0]])[:4] == [
        *({"sensor": "T", "value": value, "unit": "°C"} for value in (23.5, -1.2, 1021.0)),
        {"refused": "error_mark", "data": "\x0241010200000001\r"},
    ]
    listed = {*re.findall(r"`((?:CRC|SUM|XOR|FLETCHER)[^`{]*)`", section.split("### Checksums")[1])}
    assert listed <= set(CHECKSUMS)
    assert {checksum(name) for name in CHECKSUMS} == {checksum(name) for name in listed}
