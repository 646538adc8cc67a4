"""The import of a user's own feature: one that is slow is no miss, one that fails is told in a sentence."""

from pathlib import Path

import pytest

from gateway.compute.custom.pieces import Custom
from gateway.compute.custom.trial import try_out
from tests.custom_lanes import GOOD, null, street
from tests.waiting import until


@pytest.mark.slow
async def test_a_slow_import_is_no_miss(tmp_path: Path) -> None:
    """While a module is imported readings leave at their deadline with null; then its values come. No miss."""
    async with street(tmp_path, "import time\ntime.sleep(2)\n" + GOOD, "last", deadline=0.5) as one:
        assert null((await one.ask())["last"])
        await until(lambda: one.lane.look()["custom"]["workers"])
        assert (await one.ask())["last"] == [20.25]
        assert one.lane.look()["custom"]["missed"] == 0


@pytest.mark.parametrize(
    ("source", "name", "why"),
    [
        ("", "f", "cannot be called: there is no such function in own"),
        ("f = 1", "f", "cannot be called: that is no function in own"),
        ("import nowhere", "f", "cannot be imported: it needs the module nowhere, which is not installed"),
        ("1 / 0", "f", "cannot be imported: it raised ZeroDivisionError at line 1 of own.py: division by zero"),
        ("import os; os._exit(4)", "f", "ended its process with exit code 4"),
        (
            "x = bytearray(4 << 30)",
            "f",
            "cannot be imported: it raised MemoryError at line 1 of own.py; compute.memory",
        ),
        ("def f(:", "f", "cannot be imported: it raised SyntaxError"),
    ],
)
async def test_what_cannot_be_imported(tmp_path: Path, source: str, name: str, why: str) -> None:
    """It is named, with one sentence, by `gateway check` and by the running lane; readings go on."""
    async with street(tmp_path, source, name) as one:
        await until(lambda: one.quarantined)
        assert why in one.lane.look()["reason"]
        assert null((await one.ask())["f"])
        (tried,) = await try_out(Custom(one.names, tmp_path))
        assert tried.why.startswith(why) and tried.keys == ()


async def test_a_trial_says_what_it_answers(tmp_path: Path) -> None:
    """What `gateway check` shows; a module that is not there is named with the place where it was looked for."""
    (tmp_path / "own.py").write_text(GOOD)
    both, none = await try_out(Custom(("own:both", "nope:f"), tmp_path))
    assert both == ("own:both", ("low", "size"), "")
    assert none.why == f"cannot be imported: there is no module nope in {tmp_path}, and none installed"
