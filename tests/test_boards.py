"""The boards that are read: what a reload does to those that were found without being named."""

from dataclasses import replace

import pytest

from gateway.ingest import boards as boards_module
from gateway.ingest.boards import Boards
from gateway.model import Board, Port, Treatment, Why
from gateway.parts import Parts
from simulators import Board as Simulated
from tests.waiting import until

FOUND = "usb-a"


@pytest.mark.parametrize("name", ["bench", FOUND])
@pytest.mark.parametrize("link", [False, True])
async def test_a_table_for_a_board_that_was_found(tmp_path, monkeypatch, name, link):
    """It is read as its table says, under that name alone, and its port is nobody else's to find."""
    with Simulated(kind="kv", sensors=1, rate=50, name="a") as simulated:
        path, taken = simulated.path, []
        if link:
            path = str(tmp_path / "link")
            (tmp_path / "link").symlink_to(simulated.path)

        async def discover(pattern, named, found, not_now):
            taken.append(named)
            found(replace(pattern, name=FOUND, port=replace(pattern.port, path=simulated.path)))

        monkeypatch.setattr(boards_module, "discover", discover)
        parts, readings = Parts(), []
        made = Boards(lambda board, samples, chunk: readings.append(board), lambda: None, lambda *_, **__: None)
        made.open([Board("usb-", Port("auto"))], parts)
        try:
            await until(lambda: readings)
            assert set(made.readers) == {FOUND}
            assert await made.add(Board(name, Port(path), tags=(("site", "north"),), max_line=100), parts) == [FOUND]
            readings.clear()
            await until(lambda: readings)
            assert set(made.readers) == set(readings) == {name}
            assert made.readers[name].board.max_line == 100
            assert path in taken[0]
            assert made.tags(name) == {"site": "north"}
            await made.drop(name, parts)
            assert made.tags(name) == {"site": "north"}, "what it sent last may still be under way"
            assert path not in taken[0]
        finally:
            await parts.end()


async def test_what_is_done_with_values_changes_with_the_port_open():
    """The next lines are read by it, what had failed under a name of before is forgotten, and who moved is told."""
    with Simulated(kind="kv", sensors=1, rate=50, name="a") as simulated:
        parts, names, moved, treatments = Parts(), [], [], {}
        made = Boards(
            lambda board, samples, chunk: names.append(samples[-1].sensor),
            lambda: None,
            lambda *_, **__: None,
            treatments.get,
            lambda *of: moved.append(of),
        )
        made.open([Board("a", Port(simulated.path), format="kv")], parts)
        try:
            await until(lambda: "T1" in names)
            made.readers["a"].intake.failed["x"] = Why.NOT_A_NUMBER
            treatments["a"] = lambda own: Treatment("inlet", gain=2.0)
            made.treat()
            assert not made.readers["a"].failed
            await until(lambda: "inlet" in names)
            assert names == ["T1"] * names.count("T1") + ["inlet"] * names.count("inlet")
            assert moved == [("a", "inlet")]
            assert made.sensors("a").hardware("inlet") == "T1"
            assert made.accounts["a"].reopened == 0
        finally:
            await parts.end()


async def test_a_board_that_is_dropped_is_known_until_its_port_is_closed():
    """It gives readings until then, and whoever gets them asks for its reader."""
    known = []

    class Slow(Parts):
        async def end(self, parts=None):
            before = len(known)
            await until(lambda: len(known) > before)
            await super().end(parts)

    with Simulated(kind="kv", sensors=1, rate=100, name="a") as simulated:
        parts = Slow()
        made = Boards(
            lambda board, samples, chunk: known.append(board in made.readers), lambda: None, lambda *_, **__: None
        )
        made.open([Board("a", Port(simulated.path), format="kv")], parts)
        try:
            await made.drop("a", parts)
            assert all(known) and not made.readers
        finally:
            await Parts.end(parts)
