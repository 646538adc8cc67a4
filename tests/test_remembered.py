"""Small files of state_dir: whole whenever the power goes, and never believed when they are not."""

import asyncio
import errno
import os
import subprocess
import sys
import time

import pytest

from gateway import remembered
from gateway.ingest.loans import Loans
from gateway.model import Chunk
from gateway.remembered import LENT, NAME, lent, remember, renamed
from tests.waiting import until


def test_another_name_than_before_is_told_of(tmp_path):
    """Nothing at the first start, nor as long as the name stays; what is said is one line."""
    assert renamed(tmp_path, "gateway/a") == []
    remember(tmp_path, "gateway/a")
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
    remember(tmp_path, "gateway/a")
    assert (tmp_path / NAME).read_text() == "gateway/a"


def test_a_name_that_is_there_is_not_written_again(tmp_path):
    """A start costs a card nothing."""
    remember(tmp_path, "gateway/a")
    before = (tmp_path / NAME).stat()
    remember(tmp_path, "gateway/a")
    assert (tmp_path / NAME).stat() == before


@pytest.mark.parametrize(
    "left", [b"", b"\xff", b"[" * 5000, b"{}", b"7", b'[7, [], [["x"]], [[7], 1.0], ["x", 1.0], [["\\u0000"], 1.0]]']
)
async def test_what_is_no_loan_is_as_if_there_were_none(tmp_path, left):
    """Whatever stands in the file of the ports that are lent, and nothing is made up."""
    (tmp_path / LENT).write_bytes(left)
    loans = Loans()
    lent(tmp_path, loans).close()
    assert loans.told() == []


async def test_loans_are_kept(tmp_path):
    """Each change is in the file soon, for this user alone, and the next run has it."""
    loans, again = Loans(), Loans()
    keeping = asyncio.ensure_future(lent(tmp_path, loans))
    loans.begin(Chunk(time.time() + 60, time.monotonic() + 60), "/dev/ttyX0")
    await until(lambda: (tmp_path / LENT).exists())
    assert (tmp_path / LENT).stat().st_mode & 0o777 == 0o600
    keeping.cancel()
    lent(tmp_path, again).close()
    assert again.told() == loans.told() != []


def test_it_is_on_the_disk_before_it_takes_the_old_ones_place(tmp_path):
    """The system sees the bytes synced, then the file renamed, then the folder synced: no power cut comes between."""
    watched = f"""
import os, sys
from pathlib import Path
from gateway.remembered import remember
def hook(event, args):
    if event == "os.rename":
        print("rename", *map(os.path.basename, args[:2]))
real = os.fsync
def fsync(number):
    print("fsync", os.path.basename(os.readlink(f"/proc/self/fd/{{number}}")), os.fstat(number).st_size)
    real(number)
os.fsync = fsync
sys.addaudithook(hook)
remember(Path({str(tmp_path / "s")!r}), "gateway/a")
"""
    (tmp_path / "s").mkdir()
    done = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, check=True)
    first, second, third = done.stdout.splitlines()
    assert (first, second) == ("fsync name.new 9", "rename name.new name")
    assert third.startswith("fsync s ")


def test_on_a_full_disk_the_old_one_stays(tmp_path, monkeypatch):
    """Nothing half written lies about."""
    remember(tmp_path, "gateway/a")

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    remember(tmp_path, "gateway/b")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(NAME, "gateway/a")]
    remember(tmp_path / "none", "gateway/a")
    assert remembered.rates(tmp_path) == {}


def test_a_link_in_their_place_is_not_followed(tmp_path):
    """Neither where the name lies nor where it is written first."""
    (tmp_path / "victim").write_text("precious")
    for planted in (NAME, f"{NAME}.new"):
        (tmp_path / planted).symlink_to(tmp_path / "victim")
        remember(tmp_path, "gateway/a")
        assert (tmp_path / "victim").read_text() == "precious"
        (tmp_path / planted).unlink(missing_ok=True)
