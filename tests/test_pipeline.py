"""The founding pipeline as a library call: plain Python's results, in order, from a pool that may lose workers."""

import asyncio
import contextlib
import copy
import math
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gateway.compute.columns import Transform
from gateway.compute.pool import Pool
from gateway.pipeline import process

ROOT = Path(__file__).parent.parent


def made_up(n: int) -> list[dict]:
    """Records of eight sensors, with a field that is none of ours."""
    dice = random.Random(n)
    return [
        {"sensorId": f"S{k % 8}", "timestamp": k, "value": round(dice.uniform(-40, 150), 2), "unit": "°C", "note": [k]}
        for k in range(n)
    ]


def plain(records: list[dict]) -> list[dict]:
    """The same by plain Python."""
    out = []
    for record in records:
        part = (record["value"] - 20) / 60
        feature = round(math.sqrt(abs(part)) * math.log(abs(record["value"]) + 1), 4)
        out.append({**record, "normalized": round(part, 4), "feature": feature})
    return out


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[Pool]:
    """The pools that calls make."""
    made: list[Pool] = []

    class Noted(Pool):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[arg-type]
            made.append(self)

    monkeypatch.setattr("gateway.compute.columns.Pool", Noted)
    return made


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 2), (7, 3), (20, None), (1000, 2)])
async def test_results_are_plain_pythons(batch_size: int, workers: int | None) -> None:
    """In the records' order, with all their fields, whatever the batches; and the records are as they were."""
    records = made_up(400)
    before = copy.deepcopy(records)
    assert await process(records, batch_size, workers) == plain(before)
    assert records == before


async def test_a_small_batch_size_costs_nothing(pools: list[Pool]) -> None:
    """Where there are many records, a worker gets more of them at once than the caller asked for."""
    records = made_up(20_000)
    assert await process(records, 1, 2) == plain(records)
    assert pools[0].counts.batches == 10


async def test_hard_halves_and_values_of_any_size() -> None:
    """The last rounded digit is plain Python's; integers are numbers; any iterable will do."""
    values = [20 + 60 * (tick + 0.5) / 10_000 for tick in range(-300, 300)]
    values += [0, 20, 80, -5, 10**15, 1e300, -1e300, sys.float_info.max, 5e-324, 0.0]
    results = await process(iter([{"value": value} for value in values]), 50)
    assert results == plain([{"value": value} for value in values])


async def test_no_records() -> None:
    """Nothing in, nothing out, and no process for it."""
    assert await process([]) == []


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, None, "20.5", True, 10**400, [20.0], 20 + 1j],
    ids=lambda value: str(value)[:9],
)
async def test_a_value_that_is_no_finite_number(value: object, pools: list[Pool]) -> None:
    """ValueError names the record's index, before anything is computed."""
    records = [*made_up(10), {"value": value}]
    with pytest.raises(ValueError, match=r"^record 10 has no finite number as its value, but "):
        await process(records)
    with pytest.raises(ValueError, match=r"^record 1 .* None$"):
        await process([{"value": 1}, {"sensorId": "S1"}, {"value": value}])
    assert pools == []


@pytest.mark.parametrize(("batch_size", "workers"), [(0, 1), (-1, 1), (10**9, 1), (20, 0), (20, -2)])
async def test_sizes_that_cannot_be(batch_size: int, workers: int) -> None:
    """A sentence says what is allowed."""
    with pytest.raises(ValueError, match="it has to be"):
        await process(made_up(1), batch_size, workers)


@pytest.mark.slow
async def test_workers_that_are_killed(pools: list[Pool], monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 all the while: the results are the same, and no process is left."""
    dice = random.Random(3)
    records = made_up(60_000)
    monkeypatch.setattr("gateway.pipeline.PORTION", 10)
    call = asyncio.create_task(process(records, 10, 3))
    while not call.done():
        await asyncio.sleep(0.01)
        if pools and pools[0].pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(dice.choice(pools[0].pids), signal.SIGKILL)
    assert call.result() == plain(records)
    assert pools[0].counts.replaced > 5
    assert pools[0].pids == []


async def test_the_loop_goes_on(pools: list[Pool], monkeypatch: pytest.MonkeyPatch) -> None:
    """While records are computed, other tasks run, and each worker has one batch at most."""
    monkeypatch.setattr("gateway.pipeline.PORTION", 20)
    call = asyncio.create_task(process(made_up(20_000), 20, 2))
    turns = 0
    while not call.done():
        await asyncio.sleep(0)
        turns += 1
        assert sum(worker.task is not None for pool in pools for worker in pool._workers) <= 2
    assert turns > 200
    assert len(call.result()) == 20_000


async def test_a_cancelled_call_leaves_no_process(pools: list[Pool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled in the middle: the workers are gone."""
    monkeypatch.setattr("gateway.pipeline.PORTION", 10)
    call = asyncio.create_task(process(made_up(50_000), 10, 2))
    pids: list[int] = []
    for _ in range(10_000):
        if pids := [pid for pool in pools for pid in pool.pids]:
            break
        await asyncio.sleep(0.001)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert pids
    assert pools[0].pids == []
    assert not {str(pid) for pid in pids} & set(os.listdir("/proc"))


async def test_a_batch_that_cannot_be_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's traceback comes out as RuntimeError."""
    monkeypatch.setattr("gateway.pipeline.founding", lambda lo, hi: Transform(b"no task", 2))
    with pytest.raises(RuntimeError, match=r"(?s)a batch could not be computed: Traceback"):
        await process(made_up(100), 10, 2)


def test_a_script_without_a_guard(tmp_path: Path) -> None:
    """A plain script calls it: no worker runs the script again."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            import asyncio, sys
            from gateway.pipeline import process
            print("once")
            for n in (100, 50):
                print(len(asyncio.run(process([{"value": 50.0}] * n, 10, 3))))
            assert "numpy" not in sys.modules
        """)
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, timeout=60)
    assert (done.stdout, done.stderr) == ("once\n100\n50\n", "")


def test_the_example_runs() -> None:
    """docs/examples/founding.py prints a figure for each size of batch, and a result."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, ROOT / "docs/examples/founding.py", "4000"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len([line for line in lines if re.search(r" [\d,]+ records/s$", line)]) == 10
    assert "'normalized': 0." in lines[-1]
