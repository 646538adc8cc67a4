"""Small files of state_dir: whole whenever the power goes, and never believed when they are not."""

import asyncio
import errno
import json
import os
import subprocess
import sys
import time

import pytest

from gateway import remembered
from gateway.ingest.loans import Loans
from gateway.model import Chunk
from gateway.notes import Notes, write
from gateway.remembered import ANNOUNCED, LENT, NAME, kept, lent, renamed
from tests.waiting import until


def noted(folder):
    """The notes there, of which nobody is told."""
    return Notes(folder, [].append, lambda name, **fields: None)


def test_another_name_than_before_is_told_of(tmp_path):
    """Nothing at the first start, nor as long as the name stays; what is said is one line."""
    assert renamed(tmp_path, "gateway/a") == []
    write(tmp_path / NAME, "gateway/a")
    assert renamed(tmp_path, "gateway/a") == []
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    (text,) = renamed(tmp_path, "site/b")
    assert "the last start was as gateway/a;" in text and "go out as site/b" in text
    (tmp_path / NAME).write_text("/" + "ä" * 10_000)
    assert all(text.isprintable() and len(text) < 2000 for text in renamed(tmp_path, "site/b"))


@pytest.mark.parametrize("left", [b"", b"\x00" * 9, b"\x1b[2J\n\xff" * 1000, b"gatew", b"gateway/a\n\x07"])
def test_what_is_no_name_is_as_if_there_were_none(tmp_path, left):
    """As a disk in trouble leaves it: no other name is made up, and the next start has the right one."""
    (tmp_path / NAME).write_bytes(left)
    assert renamed(tmp_path, "gateway/a") == []
    write(tmp_path / NAME, "gateway/a")
    assert (tmp_path / NAME).read_text() == "gateway/a"


async def test_a_name_that_is_there_is_not_written_again(tmp_path):
    """A start costs a card nothing; another name is there soon."""
    write(tmp_path / NAME, "gateway/a")
    before = (tmp_path / NAME).stat()
    for name in ("gateway/a", "gateway/b"):
        tuned, rates = asyncio.Event(), {}
        notes = noted(tmp_path)
        keeping = [asyncio.ensure_future(one) for one in (notes.run(), kept(notes, name, rates, tuned))]
        rates["b"] = 9600
        tuned.set()
        await until(lambda name=name: (tmp_path / "rates").exists())
        (tmp_path / "rates").unlink()
        assert ((tmp_path / NAME).stat() == before) is (name == "gateway/a")
        assert (tmp_path / NAME).read_text() == name
        for one in keeping:
            one.cancel()


@pytest.mark.parametrize(
    "left", [b"", b"\xff", b"[" * 5000, b"{}", b"7", b'[7, [], [["x"]], [[7], 1.0], ["x", 1.0], [["\\u0000"], 1.0]]']
)
async def test_what_is_no_loan_is_as_if_there_were_none(tmp_path, left):
    """Whatever stands in the file of the ports that are lent, and nothing is made up."""
    (tmp_path / LENT).write_bytes(left)
    loans = Loans()
    lent(noted(tmp_path), loans).close()
    assert loans.told() == []


async def test_loans_are_kept(tmp_path):
    """Each change is in the file soon, for this user alone, and the next run has it."""
    loans, again = Loans(), Loans()
    notes = noted(tmp_path)
    writing = asyncio.ensure_future(notes.run())
    keeping = asyncio.ensure_future(lent(notes, loans))
    loans.begin(Chunk(time.time() + 60, time.monotonic() + 60), "/dev/ttyX0")
    await until(lambda: (tmp_path / LENT).exists())
    assert (tmp_path / LENT).stat().st_mode & 0o777 == 0o600
    keeping.cancel()
    writing.cancel()
    lent(noted(tmp_path), again).close()
    assert again.told() == loans.told() != []


def test_it_is_on_the_disk_before_it_takes_the_old_ones_place(tmp_path):
    """The system sees the bytes synced, then the file renamed, then the folder synced: no power cut comes between."""
    watched = f"""
import os, sys
from pathlib import Path
from gateway.notes import write
def hook(event, args):
    if event == "os.rename":
        print("rename", *map(os.path.basename, args[:2]))
real = os.fsync
def fsync(number):
    print("fsync", os.path.basename(os.readlink(f"/proc/self/fd/{{number}}")), os.fstat(number).st_size)
    real(number)
os.fsync = fsync
sys.addaudithook(hook)
write(Path({str(tmp_path / "s")!r}) / "name", "gateway/a")
"""
    (tmp_path / "s").mkdir()
    done = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, check=True)
    first, second, third = done.stdout.splitlines()
    assert (first, second) == ("fsync name.new 9", "rename name.new name")
    assert third.startswith("fsync s ")


@pytest.mark.parametrize("text", ["Küche 🌡", "half a character: \ud83c"])
def test_any_text_is_read_again_as_it_was(tmp_path, text):
    """Whatever boards call their sensors, and whatever the machine's locale."""
    write(tmp_path / ANNOUNCED, json.dumps({"x": text}, ensure_ascii=False))
    assert remembered.announced(tmp_path) == {"x": text}
    assert (tmp_path / ANNOUNCED).read_bytes() == f'{{"x": "{text}"}}'.encode(errors="surrogatepass")


def test_on_a_full_disk_the_old_one_stays(tmp_path, monkeypatch):
    """Nothing half written lies about."""
    write(tmp_path / NAME, "gateway/a")

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / NAME, "gateway/b")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(NAME, "gateway/a")]
    assert remembered.rates(tmp_path) == {}


async def test_what_a_full_disk_does_not_take_is_kept_and_tried_again(tmp_path, monkeypatch):
    """It is told with the file and why, once; the newest text is there as soon as there is room, and that is told."""
    monkeypatch.setattr("gateway.notes.AGAIN", 0.02)
    told, events, tries = [], [], []

    def full(number):
        tries.append(number)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    notes = Notes(tmp_path, told.append, lambda name, **fields: events.append((name, fields)))
    writing = asyncio.ensure_future(notes.run())
    for text in ("old", "new"):
        await notes.write("announced", text)  # returns all the same: what waits for it goes on
    await until(lambda: len(tries) > 4)
    assert events == [("notes.failed", {"file": "announced", "why": "no space left on device"})]
    sentence = f"what the next start has to know is not written to {tmp_path}/announced: no space left on device"
    assert {*told} == {sentence}
    monkeypatch.undo()
    await until(lambda: (tmp_path / "announced").exists())
    assert (tmp_path / "announced").read_text() == "new"
    await until(lambda: len(events) == 2)
    assert (events[1][0], told[-1]) == ("notes.recovered", None)
    writing.cancel()


def test_a_link_in_their_place_is_not_followed(tmp_path):
    """Neither where the name lies nor where it is written first."""
    (tmp_path / "victim").write_text("precious")
    for planted in (NAME, f"{NAME}.new"):
        (tmp_path / planted).symlink_to(tmp_path / "victim")
        write(tmp_path / NAME, "gateway/a")
        assert (tmp_path / "victim").read_text() == "precious"
        (tmp_path / planted).unlink(missing_ok=True)
