"""The compute room as the service sees it: what waits in it is counted and can be kept, whichever stage it is in."""

import asyncio
import math
from pathlib import Path

import pytest

from gateway.compute.room import Custom, Room
from gateway.model import Chunk, Features, Plan, Sample
from tests.waiting import until

SOURCE = "import time\n\ndef slow(t, v, new):\n    time.sleep(60)\n\ndef twice(t, v, new):\n    return 2 * v[-new:]\n"


def room(folder: Path, names: tuple[str, ...], out: list[Features], deadline: float = 9.0) -> Room:
    """A room whose sensors have these features, and b's none."""
    (folder / "own.py").write_text(SOURCE)
    plans = {"a": Plan(custom=names), "b": Plan()}
    return Room(
        lambda board, sensor: plans[board], out.extend, lambda board, why, readings: pytest.fail(why),
        workers=1, linger=0.0, custom=Custom(names, folder, deadline), event=lambda name, **fields: None,
    )  # fmt: skip


def take(one: Room, board: str, *values: float) -> None:
    """One piece, now."""
    one.take(board, [Sample("S", value, "°C") for value in values], Chunk(0.0, asyncio.get_running_loop().time()))


async def test_readings_come_out_with_all_their_features(tmp_path: Path) -> None:
    """Built-in features first, then the user's own; who has none is not kept waiting."""
    out: list[Features] = []
    one = room(tmp_path, ("own:twice",), out)
    await one.start()
    take(one, "a", 1.0, 2.0)
    take(one, "b", 3.0)
    await until(lambda: len(out) == 2)
    by_board = {piece.board: dict(zip(piece.keys, map(list, piece.columns), strict=True)) for piece in out}
    assert by_board["a"]["twice"] == [2.0, 4.0] and by_board["a"]["mean"] == [1.0, 1.5]
    assert "twice" not in by_board["b"]
    assert one.look()["quarantined"] == [] and one.look()["custom"]["calls"] == 1
    await one.end()


async def test_what_waits_is_counted_and_can_be_kept(tmp_path: Path) -> None:
    """Whether it waits for a worker or for a user's feature: in order, and at the stop it all comes out."""
    out: list[Features] = []
    one = room(tmp_path, ("own:slow",), out)
    await one.start()
    began = one.now()
    take(one, "a", 1.0, 2.0)
    await until(lambda: one.lane.held("a") == 2)
    take(one, "a", 3.0)
    assert (one.stage.held("a"), one.held("a"), one.held("b")) == (1, 3, 0)
    assert [list(piece.seq) for piece in one.older(math.inf, {})] == [[1, 2], [3]]
    assert began <= one.oldest() <= one.now()
    assert one.older(began, {}) == []
    assert await one.stop(0.2) == []
    assert [(list(piece.seq), list(piece.value)) for piece in out] == [([1, 2], [1.0, 2.0]), ([3], [3.0])]
    assert all(math.isnan(number) for piece in out for number in piece.columns[-1])
    assert (one.held("a"), one.oldest(), one.older(math.inf, {})) == (0, math.inf, [])
    await one.end()
