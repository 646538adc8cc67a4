"""The directory that outlasts a run: made for us alone, used by one gateway, and what is said when it cannot be."""

import os
import re
import subprocess
import sys

import pytest

from gateway import state
from gateway.state import LOCK, Lock, NoState
from tests.faults.tree import opened


def claimed(folder):
    """Its lock, taken."""
    lock = Lock(folder)
    lock.claim()
    return lock


def test_where_it_is(monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")
    assert str(state.default()) == "/var/lib/a"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("HOME", "/home/someone")
    assert str(state.default()) == "/home/someone/.local/state/gateway"


def test_it_is_made_for_us_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        folder = tmp_path / "a" / "b"
        lock = claimed(folder)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / LOCK).stat().st_mode & 0o777 == 0o600
    assert (folder / LOCK).read_text() == str(os.getpid())
    lock.let_go()


def test_one_that_others_may_read_is_closed_to_them(tmp_path):
    tmp_path.chmod(0o777)
    claimed(tmp_path).let_go()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_second_gateway_is_told_of_the_first(tmp_path):
    first = claimed(tmp_path)
    with pytest.raises(NoState, match=re.escape(f"in use by another gateway (pid {os.getpid()})")):
        claimed(tmp_path)
    assert (tmp_path / LOCK).read_text() == str(os.getpid()), "the first is not disturbed"
    first.let_go()
    claimed(tmp_path).let_go()


def test_while_it_is_let_go_nothing_is_open(tmp_path):
    """Then it is taken again; where another gateway has taken it meanwhile, that is told."""
    first = claimed(tmp_path)
    first.again()
    assert opened(os.getpid(), LOCK) == [str(tmp_path / LOCK)]
    first.let_go()
    assert opened(os.getpid(), LOCK) == []
    first.again()
    with pytest.raises(NoState, match="in use by another gateway"):
        claimed(tmp_path)
    first.let_go()
    second = claimed(tmp_path)
    with pytest.raises(BlockingIOError, match=re.escape(f"in use by another gateway (pid {os.getpid()})")):
        first.again()
    second.let_go()
    first.again()
    first.let_go()


def test_where_its_disk_is_not_mounted_it_is_not_taken(tmp_path):
    """A bare mount point is no state_dir; a lock that somebody had deleted before is made anew."""
    first = claimed(tmp_path)
    first.let_go()
    (tmp_path / LOCK).unlink()
    with pytest.raises(FileNotFoundError, match="not mounted; mount it, or restart"):
        first.again()
    assert not list(tmp_path.iterdir())
    other = claimed(tmp_path)
    (tmp_path / LOCK).unlink()
    other.let_go()
    other.again()
    other.let_go()


def test_a_gateway_that_was_killed_leaves_no_lock(tmp_path):
    text = (
        f"from gateway.state import Lock; from pathlib import Path; lock = Lock(Path({str(tmp_path)!r})); lock.claim()"
    )
    text += "; print(1, flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline()
    with pytest.raises(NoState, match=f"pid {other.pid}"):
        claimed(tmp_path)
    other.kill()
    other.wait(5)
    other.stdin.close()
    other.stdout.close()
    claimed(tmp_path).let_go()


def test_rubbish_in_the_lock_is_no_matter(tmp_path):
    (tmp_path / LOCK).write_bytes(b"\xff\x00" * 5000)
    first = claimed(tmp_path)
    os.truncate(tmp_path / LOCK, 0)
    with pytest.raises(NoState, match="pid unknown"):
        claimed(tmp_path)
    first.let_go()


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / LOCK).symlink_to(victim)
    with pytest.raises(NoState):
        claimed(folder)
    assert victim.read_text() == "precious"


def test_a_full_disk_does_not_keep_it_from_starting(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    first = claimed(tmp_path)
    with pytest.raises(NoState, match="in use"):
        claimed(tmp_path)
    first.let_go()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (PermissionError(13, "Permission denied"), r"run `sudo install -d -m 700 -o \S+ "),
        (NotADirectoryError(20, "Not a directory"), "is no directory: name another with gateway.state_dir"),
        (OSError(30, "Read-only file system"), r"cannot be used \(read-only file system\)"),
    ],
)
def test_what_is_wrong_and_what_to_do_is_one_sentence(tmp_path, monkeypatch, error, says):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(NoState, match=says):
        claimed(tmp_path / "with space")


def test_a_file_in_its_place(tmp_path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NoState, match="no directory") as raised:
            claimed(place)
        assert state.no_place(place) == [str(raised.value)], "a look says the same"


def test_a_look_makes_nothing_and_knows_a_place_where_a_directory_can_be(tmp_path):
    """One that is there, one that is still to be made, a link to one; a link that leads nowhere is none."""
    for name, target in (("good", tmp_path), ("bad", tmp_path / "nowhere"), ("loop", tmp_path / "loop")):
        (tmp_path / name).symlink_to(target)
    before = sorted(tmp_path.iterdir())
    for place in (tmp_path, tmp_path / "a" / "b", tmp_path / "good", tmp_path / "good" / "below"):
        assert state.no_place(place) == []
    for place in (tmp_path / "bad", tmp_path / "loop", tmp_path / "loop" / "below"):
        assert len(state.no_place(place)) == 1
    assert sorted(tmp_path.iterdir()) == before
