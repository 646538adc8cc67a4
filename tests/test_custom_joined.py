"""What has left the lane at its deadline belongs to the next stage, which may append to it; answers stay right."""

import asyncio
from pathlib import Path

import pytest

from .custom_lanes import street
from .made import features
from .waiting import until

GATED = """
import pathlib, time
calls = []

def echo(times, values, new):
    calls.append(new)
    gate = pathlib.Path(__file__).with_name(f"gate{len(calls)}")
    while not gate.exists():
        time.sleep(0.01)
    return values[-new:]
"""


@pytest.mark.slow
async def test_an_answer_goes_to_its_readings_when_others_of_the_call_have_left(tmp_path: Path) -> None:
    (tmp_path / "gate1").touch()
    async with street(tmp_path, GATED, "echo", deadline=2.0) as one:
        await one.ask()  # the module is imported
        first = one.put()
        early = one.put()  # waits for the call of the first, and for the next one it waits too long
        await asyncio.sleep(1.0)  # half of its time is over
        late = one.put(rows=3)  # of the same call, in time
        (tmp_path / "gate2").touch()
        await until(lambda: any(out.seq == early.seq for out in one.out))
        assert one.of(first)["echo"] == list(first.value)
        left = next(out for out in one.out if out.seq == early.seq)
        more = features([90, 91])
        more.columns.append(more.value[:])
        left.extend(more)  # as pieces that wait for the broker are joined
        (tmp_path / "gate3").touch()
        await until(lambda: any(out.seq == late.seq for out in one.out))
        (out,) = (out for out in one.out if out.seq == late.seq)
        assert list(out.columns[-1]) == list(late.value)
