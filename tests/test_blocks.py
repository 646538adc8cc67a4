"""Blocks: what is written comes back; no bytes do harm; and what a reading takes."""

import json
import random
import struct
import time
import tracemalloc
import zlib
from array import array
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Features
from gateway.publish.spool.blocks import HEAD, LARGEST, MOST_ROWS, joined, read, written
from gateway.publish.spool.nouns import Damaged, Source, lane_of, name_of
from tests.blocks_made import any_features, bits, source

KEYS = ("normalized", "feature", "mean", "std", "min", "max")


def back(features: Features, condensed: dict[int, int] | None = None) -> tuple[Features, dict[int, int]]:
    """Written and read again."""
    f = features
    of = Source(f.board, f.sensor, "r", f.unit, f.keys, (("tag", "value"),), "boot", f.unset)
    return read(Source.read(of.text()), written(f, condensed or {}))


@given(any_features(), st.dictionaries(st.integers(1, 20), st.integers(0, 10**6)))
def test_what_is_written_comes_back(features, condensed):
    found, left = back(features, condensed)
    for name in ("board", "sensor", "unit", "keys", "count", "quality", "unset"):
        assert getattr(found, name) == getattr(features, name)
    assert (found.seq, found.n) == (features.seq, features.n)
    for name in ("wall", "value"):
        assert bits(getattr(found, name)) == bits(getattr(features, name))
    assert list(map(bits, found.columns)) == list(map(bits, features.columns))
    assert found.alarm == (features.alarm if any(features.alarm) else b"")
    assert left == {seq: condensed[seq] for seq in features.seq if seq in condensed}
    for ours, theirs, wall in zip(features.mono, found.mono, features.wall, strict=True):
        slack = 1e-6 + 1e-15 * (abs(wall) + abs(ours))
        assert theirs != theirs if ours != ours else abs(ours - theirs) <= slack


def test_rows_of_any_number():
    for rows in (1, 2, 255, 4095, MOST_ROWS):
        found, _ = back(made(rows, random.Random(rows)))
        assert len(found) == rows == len(found.columns[-1])
    with pytest.raises(ValueError, match="4097 readings"):
        written(made(MOST_ROWS + 1, random.Random(1)), {})


def test_blocks_of_one_source_become_one():
    one, two = made(3, random.Random(1)), made(2, random.Random(2))
    whole, left = joined([(one.cut(0, 3), {1: 5}), (two, {2: 7})])
    assert list(whole.value) == [*one.value, *two.value]
    assert left == {1: 5, 2: 7}


@pytest.mark.parametrize("alarms", [(b"\1\0\2", b""), (b"", b"\2\0"), (b"", b""), (b"\0\0\1", b"\1\1")])
def test_alarms_stay_with_their_readings(alarms):
    """Readings that were stored before they were computed say nothing of it, and may lie beside others that do."""
    one, two = made(3, random.Random(1)), made(2, random.Random(2))
    one.alarm, two.alarm = alarms
    whole, _ = joined([back(one), back(two)])
    expected = (alarms[0] or bytes(3)) + (alarms[1] or bytes(2))
    assert whole.alarm == (expected if any(expected) else b"")
    assert back(whole)[0].alarm == whole.alarm


def test_what_an_alarm_takes_on_the_disk():
    """Nothing where it is never on; where it is, hardly more."""
    plain, clear, on = (made(512, random.Random(1)) for _ in range(3))
    clear.alarm, on.alarm = bytes(512), bytes(100) + b"\1" * 412
    sizes = [len(written(one, {})) for one in (plain, clear, on)]
    assert sizes[0] == sizes[1] < sizes[2] < sizes[0] + 64


# no bytes do harm


def sealed(body: bytes, kind: int = 1) -> bytes:
    """A body as it would be written."""
    return HEAD.pack(kind, zlib.crc32(body)) + body


@given(st.binary(max_size=300), st.integers(0, 3), st.booleans())
def test_any_bytes_are_a_block_or_damaged(data, kind, seal):
    try:
        read(source(), sealed(data, kind) if seal else data)
    except Damaged:
        return


@given(any_features(), st.data())
def test_a_changed_body_is_a_block_or_damaged(features, data):
    whole = written(features, {})
    body = zlib.decompress(whole[5:]) if whole[0] == 2 else whole[5:]
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + data.draw(st.binary(max_size=9)) + body[at + data.draw(st.integers(0, 9)) :]
    of = replace(source(features.board, features.sensor), keys=features.keys)
    try:
        found, _ = read(of, sealed(changed))
    except Damaged:
        return
    rows = len(found)
    assert rows == len(found.value) == len(found.count) == len(found.quality) == len(found.n) == len(found.wall)


@given(any_features(), st.data())
def test_every_changed_bit_is_noticed(features, data):
    whole = bytearray(written(features, {}))
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[at // 8] ^= 1 << at % 8
    of = replace(source(features.board, features.sensor), keys=features.keys)
    try:
        assert read(of, bytes(whole))[0].seq == features.seq  # of the one byte outside the checksum
        assert at < 8
    except Damaged:
        return


def bombs() -> list[tuple[str, Source, bytes]]:
    """Blocks made to take much memory, or long."""
    rows = struct.pack("<I", MOST_ROWS)
    constant, octets = b"c" + bytes(8), b"c\x00"
    clock = b"o" + bytes(8) + constant
    head = rows + constant + constant + clock + constant + constant + octets
    many = replace(source(), keys=tuple(map(str, range(100_000))))
    nested, wide = b"[" * LARGEST, b"[" + b"[]," * 1_000_000 + b"[]]"
    long = b"[" + b"9" * 4000 + b"]"
    return [
        ("zeros", source(), sealed(zlib.compress(bytes(2 * LARGEST)), 2)),
        ("keys", many, sealed(head + b"n" + constant * 100_000)),
        ("nested counts", source(), sealed(head + b"j" + struct.pack("<I", len(nested)) + nested)),
        ("wide counts", source(), sealed(head + b"j" + struct.pack("<I", len(wide)) + wide)),
        ("long counts", source(), sealed(head + b"j" + struct.pack("<I", len(long)) + long)),
        ("nested rest", source(), sealed(head + b"n" + constant + b"[" * 200_000)),
        ("wide rest", source(), sealed(head + b"n" + constant + b"[" + b"[1,1]," * 700_000 + b"[1,1]]")),
        ("ends early", source(), sealed(zlib.compress(bytes(1000))[:-8], 2)),
    ]


@pytest.mark.parametrize("name", [name for name, _, _ in bombs()])
def test_bombs_do_not_go_off(name):
    of, data = next((of, data) for one, of, data in bombs() if one == name)
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(Damaged):
        read(of, data)
    took, most = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 2
    assert most < 4 * LARGEST


def test_values_that_cannot_be_are_damage():
    good = made(1, random.Random(1))
    for wrong in (float("inf"), float("nan"), 3e11, -2e5):
        with pytest.raises(Damaged, match="cannot be"):
            back(replace(good, wall=array("d", [wrong])))
    with pytest.raises(Damaged, match="cannot be"):
        back(replace(good, value=array("d", [float("nan")])))
    with pytest.raises(Damaged, match="cannot be"):
        back(replace(good, quality=b"\x05"))


@given(st.one_of(st.text(max_size=60), st.recursive(st.none() | st.text(max_size=3), st.lists).map(json.dumps)))
def test_any_text_is_a_source_or_damaged(text):
    for door in (Source.read, lane_of):
        try:
            door(text)
        except Damaged:
            continue


def test_sources_are_checked():
    good = json.loads(source().text())
    assert Source.read(json.dumps(good)) == source()
    for key, wrong in [
        ("board", 3), ("sensor", None), ("run", "\ud800"), ("keys", ["\udfff"]), ("keys", [3]), ("keys", 7),
        ("tags", [["a"]]), ("tags", [["a", 1]]), ("unset", 1), ("boot", []), ("more", 1),
    ]:  # fmt: skip
        with pytest.raises(Damaged):
            Source.read(json.dumps(good | {key: wrong}))
    with pytest.raises(Damaged):
        Source.read("[" * 100_000)
    assert lane_of(name_of(("\ud800", "s\0"))) == ("\ud800", "s\0")


# what a reading takes


def made(rows: int, dice: random.Random, *, hz: float = 10.0, wild: bool = False, places: int = 2) -> Features:
    """Readings as boards send them; wild: with numbers that cannot be shortened at all."""
    value = [round(dice.gauss(50, 5), places) for _ in range(rows)]
    if wild:
        value = [dice.uniform(20, 80) for _ in range(rows)]
    wall = [1.795e9 + i / hz + dice.random() * 2e-3 for i in range(rows)]
    noise = (lambda at: value[at]) if not wild else (lambda at: dice.uniform(20, 80))
    columns = [
        [round((v - 20) / 60, 4) for v in value], [round(dice.random() * 4, 4) for _ in value],
        [dice.uniform(49, 51) for _ in value], [dice.uniform(4, 6) for _ in value],
        [noise(max(0, at - at % 7)) for at in range(rows)], [noise(max(0, at - at % 9)) for at in range(rows)],
    ]  # fmt: skip
    return Features(
        "bench", "S1", "°C", KEYS, array("q", range(1, rows + 1)), array("d", wall),
        array("d", [t - 1.7e9 + dice.random() * 5e-6 for t in wall]), array("d", value), list(range(rows)),
        array("q", [min(600, at + 1) for at in range(rows)]), bytes([3]) * rows, [array("d", some) for some in columns],
    )  # fmt: skip


@pytest.mark.parametrize(("wild", "rows", "most"), [(False, 512, 40), (False, 64, 48), (True, 512, 58), (True, 64, 60)])
def test_what_a_reading_takes(wild, rows, most):
    size = len(written(made(rows, random.Random(1), wild=wild), {})) / rows
    assert size < most
