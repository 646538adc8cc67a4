"""The compute stage with real workers, which are killed, starved and stopped."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import defaultdict

import pytest

from gateway.model import Plan
from tests.stages import Street
from tests.waiting import until


@pytest.mark.slow
@pytest.mark.parametrize("kills", [0, 200])
async def test_order_is_kept_and_nothing_is_lost(kills: int) -> None:
    """Eight boards, three workers, random pieces, kill -9 all the while: each sensor's readings leave once, in order,
    with their own values, at most 2 s after they came."""
    dice = random.Random(kills)
    street = Street(Plan(window_s=None, window_n=50), workers=3)
    await street.stage.start()
    sent: dict[tuple[str, str], list[float]] = defaultdict(list)
    while street.stage.pool.counts.replaced < kills or sum(street.came.values()) < 30_000:
        board = f"board-{dice.randrange(8)}"
        if street.stage.held(board) < 2000:
            piece = [(f"S{dice.randrange(4)}", round(dice.gauss(20, 5), 2)) for _ in range(dice.randrange(1, 40))]
            for sensor, value in piece:
                sent[board, sensor].append(value)
            street.take(board, *piece)
        if kills and street.stage.pool.pids and dice.random() < 0.05:
            with contextlib.suppress(ProcessLookupError):  # killed before
                os.kill(dice.choice(street.stage.pool.pids), signal.SIGKILL)
        await asyncio.sleep(0.0005 if kills else 0)
    await street.stage.stop()
    assert street.stage.pool.counts.replaced >= kills
    assert {key: list(range(1, len(values) + 1)) for key, values in sent.items()} == street.seqs()
    got = defaultdict(list)
    for f in street.out:
        got[f.board, f.sensor] += f.value
        assert max(f.n) <= 50
    assert got == sent
    assert street.latest < 2.0
    assert not street.dropped
    assert not any(street.stage.held(board) for board in street.came)


@pytest.mark.slow
async def test_starved_of_cpu_no_worker_is_killed_again_and_again() -> None:
    """Eight busy loops beside two workers: batches take longer, all is computed, and hardly a worker is replaced."""
    street = Street(Plan(), workers=2)
    await street.stage.start()
    busy = [await asyncio.create_subprocess_exec("sh", "-c", "while :; do :; done") for _ in range(8)]
    try:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for board in ("a", "b", "c"):
                if street.stage.held(board) < 2000:
                    street.take(board, *((f"S{k}", 20.0 + k) for k in range(20)))
            await asyncio.sleep(0.001)
    finally:
        for process in busy:
            process.kill()
            await process.wait()
    await street.stage.stop(30.0)
    assert street.stage.pool.counts.replaced <= 2
    assert sum(map(len, street.out)) == street.came.total() > 0
    assert not street.dropped


async def test_stop_computes_what_waits() -> None:
    """All that came in before stop() leaves, and the workers are gone."""
    street = Street(Plan(), workers=2)
    await street.stage.start()
    for board in ("a", "b"):
        street.take(board, *[("S", float(n)) for n in range(15_000)])
    await street.stage.stop()
    assert sum(map(len, street.out)) == 30_000
    assert not street.dropped
    assert street.stage.pool.pids == []


@pytest.mark.slow
async def test_stop_gives_up_a_worker_that_hangs() -> None:
    """A stopped worker at the end: what it held is given back as it came, and never comes out after that."""
    street = Street(Plan(), workers=1)
    await street.stage.start()
    street.take("a", ("S", 1.0))
    await until(lambda: street.out)
    os.kill(street.stage.pool.pids[0], signal.SIGSTOP)
    street.take("a", ("S", 2.0), ("S", 3.0))
    began = time.monotonic()
    (left,) = await street.stage.stop(0.2)
    assert time.monotonic() - began < 2.0
    assert (left.board, left.sensor, list(left.seq), list(left.value)) == ("a", "S", [2, 3], [2.0, 3.0])
    assert not street.dropped
    assert street.stage.held("a") == 0
    assert street.seqs() == {("a", "S"): [1]}
