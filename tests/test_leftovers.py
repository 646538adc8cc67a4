"""What earlier runs have left retained is taken back, and noted until the broker has it: with files, and no broker."""

import asyncio
import json
import os
import threading
from types import SimpleNamespace

import pytest

from gateway import leftovers, remembered
from gateway.config import load
from gateway.leftovers import Leftovers
from gateway.notes import Notes

from .waiting import until

TEXT = '[gateway]\nid = "g"\n[[boards]]\nname = "bench"\nport = "/dev/x"\n'


class Run:
    """One run of a gateway, as far as it is asked here. heard: (board, sensor, alarm) of what is retained."""

    def __init__(self, folder, text=TEXT):
        (folder / "gateway.toml").write_text(text)
        self.folder, self.config = folder, load(folder / "gateway.toml")
        self.heard, self.own, self.waits, self.cleared, self.events = [], {}, set(), [], []
        self.streams = SimpleNamespace(changes=0, retained=lambda: iter(self.heard))
        self.readers = dict.fromkeys(board.name for board in self.config.boards if board.port.path != "auto")
        notes = Notes(folder, [].append, lambda *_, **fields: None)
        self.noting = asyncio.ensure_future(notes.run())
        self.left = Leftovers(notes, lambda: self.config, self, self, lambda *_, **fields: self.events.append(fields))

    def sensors(self, board):
        """As Boards has them."""
        return SimpleNamespace(hardware=lambda sensor: self.own.get(sensor, sensor))

    def document(self, topic, payload):
        """As the publisher has it."""
        assert payload == b""
        self.cleared.append(topic)
        self.waits.add(topic)

    def unsettled(self, topics):
        """As the publisher has it."""
        return self.waits & set(topics)

    async def look(self, *heard):
        """One look, at so much that was heard meanwhile; gives what was cleared."""
        if heard:
            self.heard, self.streams.changes = list(heard), self.streams.changes + 1
        self.cleared = []
        await self.left.look()
        return self.cleared


async def started(folder, text=TEXT):
    """A run that has read what the one before has noted, and has looked once; with what it has cleared then."""
    run = Run(folder, text)
    run.left.remember()
    return run, sorted(await run.look())


S1 = ("bench", "S1", True)


async def test_a_board_that_was_renamed_between_two_runs(tmp_path):
    """All that was retained of it goes, with one event; and is noted until the broker has taken it."""
    run, cleared = await started(tmp_path)
    await run.look(S1)
    assert cleared == run.cleared == []
    gone = [f"gateway/g/bench/{topic}" for topic in ("S1/alarm", "S1/last", "status")]
    for _ in range(2):  # the first of these ends before it is connected
        run, cleared = await started(tmp_path, TEXT.replace("bench", "desk"))
        assert cleared == gone
        assert run.events == [{"topics": 3, "first": gone[0]}]
    run.waits.clear()
    assert await run.look() == []
    assert [*known_boards(tmp_path)] == ["desk"]
    run, cleared = await started(tmp_path, TEXT.replace("bench", "desk"))
    assert cleared == []


def known_boards(folder):
    """What is noted, by board."""
    return remembered.retained(folder)[0]["boards"]


async def test_a_sensor_that_is_called_otherwise(tmp_path):
    """It is known once the board has spoken; one that does not speak is as it was, and stays noted."""
    run, _ = await started(tmp_path)
    await run.look(S1, ("bench", "S2", False))
    run, cleared = await started(tmp_path)
    assert cleared == []
    run.own = {"inlet": "S1"}
    assert sorted(await run.look(("bench", "inlet", False))) == ["gateway/g/bench/S1/alarm", "gateway/g/bench/S1/last"]
    run.waits.clear()
    await run.look()
    assert {key: one[0] for key, one in known_boards(tmp_path)["bench"]["sensors"].items()} == {
        "inlet": "S1",
        "S2": "S2",
    }


async def test_another_name(tmp_path):
    """All of the old one goes, and what is noted is of the new one alone in the end."""
    run, _ = await started(tmp_path)
    await run.look(S1)
    run, cleared = await started(tmp_path, TEXT.replace('"g"', '"h"'))
    assert cleared == [f"gateway/g/{topic}" for topic in ("bench/S1/alarm", "bench/S1/last", "bench/status", "status")]
    assert [one["base"] for one in remembered.retained(tmp_path)] == ["gateway/h", "gateway/g"]
    run.waits.clear()
    await run.look()
    assert [one["base"] for one in remembered.retained(tmp_path)] == ["gateway/h"]


async def test_a_board_that_was_found(tmp_path):
    """It may be plugged in again, and stays; one that had a table and has none now is cleared, whatever may come."""
    text = TEXT + '[[boards]]\nname = "hall"\nport = "auto"\n'
    run, _ = await started(tmp_path, text)
    run.readers["hall-usb"] = None
    await run.look()
    run, cleared = await started(tmp_path, text.replace('"hall"', '""').replace("bench", "desk"))
    assert (cleared, run.left.cleared("gateway/g/bench/status")) == (["gateway/g/bench/status"], True)
    assert not run.left.cleared("gateway/g/hall-usb/status")
    run, cleared = await started(tmp_path, text.replace('"hall"', '"hal"'))
    assert "gateway/g/hall-usb/status" in cleared


async def test_a_quiet_time_costs_nothing(tmp_path, monkeypatch):
    """Where nothing has changed nothing is compared or written."""
    run, _ = await started(tmp_path)
    await run.look(S1)
    monkeypatch.setattr(leftovers, "_compared", None)
    assert await run.look() == []


async def test_what_came_last_is_noted_at_the_end(tmp_path):
    """A stop that comes before the next look leaves nothing out."""
    run, _ = await started(tmp_path)
    run.heard, run.streams.changes = [S1], 1
    await run.left.finish()
    assert [*known_boards(tmp_path)["bench"]["sensors"]] == ["S1"]


async def test_a_look_that_is_cancelled_while_it_notes(tmp_path, monkeypatch):
    """What is noted at the end stands there, although the disk has not done with what was noted before."""
    run, _ = await started(tmp_path)
    sync, begun, goes_on = os.fsync, threading.Event(), threading.Event()

    def slow(number):
        begun.set()
        goes_on.wait(10)
        sync(number)

    monkeypatch.setattr(os, "fsync", slow)
    look = asyncio.ensure_future(run.look(S1))
    await until(begun.is_set)
    look.cancel()
    run.heard, run.streams.changes = [S1, ("bench", "S2", False)], 2
    ending = asyncio.ensure_future(run.left.finish())
    await until(lambda: "S2" in run.left._noted)
    goes_on.set()
    await ending
    assert sorted(known_boards(tmp_path)["bench"]["sensors"]) == ["S1", "S2"]
    assert not (tmp_path / f"{remembered.RETAINED}.new").exists()


@pytest.mark.parametrize("text", ["", "[", "null", '[{"base": "#", "boards": 3}]', '{"base": []}'])
async def test_a_file_that_a_power_cut_has_left(tmp_path, text):
    """It is as none, and the next note is whole."""
    (tmp_path / remembered.RETAINED).write_text(text)
    _, cleared = await started(tmp_path)
    assert cleared == [] and [*known_boards(tmp_path)] == ["bench"]
    assert json.loads((tmp_path / remembered.RETAINED).read_text())[0]["base"] == "gateway/g"
