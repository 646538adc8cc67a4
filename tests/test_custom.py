"""The lane of users' own features, with real processes: what comes out of it, complete, in order and bounded."""

import asyncio
import os
from pathlib import Path

import pytest

from gateway.compute.custom import lane as lane_module
from gateway.compute.custom.lane import Lane
from gateway.compute.custom.pieces import Custom
from gateway.model import Features, Plan
from tests.custom_lanes import GOOD, null, street
from tests.waiting import until

from .made import KEYS, features
from .pools import family


async def test_columns_are_appended(tmp_path: Path) -> None:
    """One array has the function's name, a dict its own keys, in the order of the configuration."""
    async with street(tmp_path, GOOD, "both last") as one:
        assert await one.ask(rows=2) == {"low": [19.125, 19.25], "size": [2.0, 2.0], "last": [20.125, 20.25]}
        assert await one.ask(rows=2) == {"low": [19.375, 19.5], "size": [4.0, 4.0], "last": [20.375, 20.5]}
        assert await one.ask(rows=1) == {"low": [19.625], "size": [3.0], "last": [20.625]}
        assert one.lane.look()["custom"] == {"workers": 2, "calls": 6, "missed": 0, "replaced": 0}


async def test_times_and_values_are_the_window(tmp_path: Path) -> None:
    """The window in seconds, clamped values, the time of arrival."""
    source = "def f(t, v, new):\n    return {'first': [t[0]] * new, 'least': [min(v)] * new, 'most': [max(v)] * new}\n"
    plan = Plan(window_s=10.0, range=(0.0, 50.0), out_of_range="clamp", custom=("own:f",))
    async with street(tmp_path, source, "f", plan) as one:
        assert await one.ask(mono=[100.0], value=[-5.0]) == {"first": [100.0], "least": [0.0], "most": [0.0]}
        assert await one.ask(mono=[109.0], value=[99.0]) == {"first": [100.0], "least": [0.0], "most": [50.0]}
        assert await one.ask(mono=[110.0], value=[7.0]) == {"first": [109.0], "least": [7.0], "most": [50.0]}


async def test_another_unit_begins_a_new_window(tmp_path: Path) -> None:
    """°C and °F make no window."""
    async with street(tmp_path, GOOD, "both") as one:
        assert (await one.ask(rows=3))["size"] == [3.0] * 3
        assert (await one.ask(unit="°F"))["size"] == [1.0]
        assert (await one.ask(unit="°C"))["size"] == [1.0]


async def test_readings_behind_a_border_have_a_window_of_their_own(tmp_path: Path) -> None:
    """What came before it is in the window of before, even when it comes after the border was told."""
    async with street(tmp_path, GOOD, "both") as one:
        assert (await one.ask(rows=3))["size"] == [3.0] * 3
        one.lane.renew("bench", "S1", 5)
        assert (await one.ask())["size"] == [3.0]
        assert (await one.ask())["size"] == [1.0]
        assert (await one.ask())["size"] == [2.0]
        one.plan = Plan()
        one.lane.renew("bench", "S2", 1)  # nobody has heard of it
        one.lane.renew("bench", "S1", 7)
        assert "size" not in await one.ask()


async def test_a_window_is_whole_while_another_is_waited_for(tmp_path: Path) -> None:
    """Readings in the unit of before wait in front; those behind them are asked for with their windows."""
    slow = "import time\ntime.sleep(0.5)\n"
    plan = Plan(window_s=None, window_n=10, custom=("own:both",))
    async with street(tmp_path, slow + GOOD, "both", plan, deadline=20.0) as one:
        one.put(unit="°F")
        pieces = [one.put(rows=10) for _ in range(20)]
        assert not one.out
        await until(lambda: len(one.out) == 21)
        assert [len(one.of(piece)["low"]) for piece in pieces] == [10] * 20
        assert one.of(pieces[0])["low"] == [value - 1 for value in pieces[0].value]
        assert not one.told("custom.missed")


async def test_who_is_not_covered_passes_in_the_same_call(tmp_path: Path) -> None:
    """Sensors without custom features never wait, and come out untouched."""
    plans = {"S1": Plan(custom=("own:last",)), "S2": Plan()}
    async with street(tmp_path, GOOD, "last", covered=lambda board, sensor: plans[sensor]) as one:
        waits, passes = features([1]), features([1], sensor="S2")
        one.lane.put([waits, passes])
        assert one.out == [passes]
        assert one.lane.held("bench") == 1
        await until(lambda: len(one.out) == 2)
        assert one.lane.held("bench") == 0


async def test_without_features_nothing_starts() -> None:
    """No process, no wait."""
    before = family(os.getpid())
    out: list[Features] = []
    lane = Lane(Custom(), lambda board, sensor: Plan(), out.extend)
    lane.start()
    lane.put([features([1])])
    assert len(out) == 1 and lane.look() == {"quarantined": [], "reason": None}
    await lane.stop()
    assert set(family(os.getpid())) <= set(before)


async def test_order_is_kept_and_nothing_is_lost(tmp_path: Path) -> None:
    """Four sensors, one of whose features dies at random: each reading leaves once, in order, with its own value."""
    source = (
        GOOD
        + "import random, os\ndef dies(t, v, new):\n    if random.random() < 0.02: os._exit(1)\n    return v[-new:]\n"
    )
    async with street(tmp_path, source, "last dies", deadline=0.2) as one:
        sent: dict[str, list[int]] = {}
        for k in range(1500):
            sensor = f"S{k % 4}"
            sent.setdefault(sensor, []).extend(one.put(sensor, 1 + k % 3).seq)
            if k % 5 == 0:
                await asyncio.sleep(0.002)
        await until(lambda: not one.lane.held("bench"))
        came: dict[str, list[int]] = {}
        for piece in one.out:
            came.setdefault(piece.sensor, []).extend(piece.seq)
            last = piece.columns[piece.keys.index("last")]
            assert null(list(last)) or last == piece.value
        assert came == sent


async def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest leave with null, in order."""
    monkeypatch.setattr(lane_module, "MOST_WAITING", 100)
    async with street(tmp_path, "import time\ntime.sleep(60)\n", "f", deadline=5.0) as one:
        for _ in range(30):
            one.put(rows=10)
        assert one.lane.held("bench") == 100
        assert [piece.seq[0] for piece in one.out] == [1 + 10 * k for k in range(20)]
        assert all(null(list(piece.columns[-1])) for piece in one.out)


async def test_what_waits_can_be_kept(tmp_path: Path) -> None:
    """What came until a moment, in order, in columns of its own, with what is computed so far and null for the rest."""
    source = GOOD + "import time\ndef slow(t, v, new):\n    time.sleep(30)\n"
    async with street(tmp_path, source, "last slow", deadline=10.0) as one:
        pieces = [one.put(rows=3), one.put("S2"), one.put()]
        assert one.lane.oldest() == 1.0
        await until(lambda: sum("slow" in f.keys and f.columns[-2][0] > 0 for f in one.lane.older(9.0, {})) == 3)
        kept = one.lane.older(2.0, {})
        assert [(f.sensor, list(f.seq)) for f in kept] == [("S1", [1, 2])]
        assert kept[0].keys[len(KEYS) :] == ("last", "slow")
        assert kept[0].columns[-2] == kept[0].value == pieces[0].value[:2] and null(list(kept[0].columns[-1]))
        kept[0].extend(kept[0].cut(0, 2))
        assert len(pieces[0]) == 3 and [list(f.seq) for f in one.lane.older(9.0, {})] == [[1, 2, 3], [4], [5]]


async def test_stop_lets_all_go(tmp_path: Path) -> None:
    """What is computed within the patience leaves with its columns, the rest with null."""
    source = GOOD + "import time\ndef slow(t, v, new):\n    time.sleep(30)\n"
    async with street(tmp_path, source, "last slow", deadline=10.0) as one:
        await until(lambda: one.lane.look()["custom"]["workers"] == 2)
        piece = one.put()
        await one.lane.stop(0.3)
        assert one.of(piece)["last"] == [20.125] and null(one.of(piece)["slow"])
        late = one.put()
        assert one.out[-1] is late
