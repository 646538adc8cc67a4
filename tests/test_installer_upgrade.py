"""What runs after an upgrade: the new version where it comes up, else the old one, whatever stands in the way."""

import errno
import itertools
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from gateway.installer import files, main, start, versions
from gateway.installer.doing import Failed, attempt, do
from tests.installed import home, version

__all__ = ["home"]  # the fixture

UP = {"ActiveState": "active", "SubState": "running", "NRestarts": "0"}
STARTING = {"ActiveState": "activating", "SubState": "start", "NRestarts": "0"}


@pytest.mark.parametrize(
    ("states", "up"),
    [
        ([STARTING, STARTING, UP], True),
        ([STARTING, UP, {**UP, "NRestarts": "1"}], False),
        ([STARTING, {**STARTING, "SubState": "auto-restart"}], False),
        ([STARTING, {"ActiveState": "failed", "SubState": "failed", "NRestarts": "0"}], False),
        ([STARTING], False),
    ],
    ids=["it stays up", "up and down again", "no start", "wrong configuration", "it hangs"],
)
def test_whether_it_comes_up(monkeypatch, states, up):
    """It is believed when it has run for a while after one start; anything else is a start in vain."""
    clock = itertools.count(0.0, 0.1)
    monkeypatch.setattr(start, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda s: None))
    told = iter([*states, *itertools.repeat(states[-1], 1000)])
    runs = iter([{"InvocationID": "old"}, {"InvocationID": "old"}])

    def show(*asked):
        return next(runs, {"InvocationID": "new"}) if asked == ("InvocationID",) else next(told)

    monkeypatch.setattr(start, "show", show)
    monkeypatch.setattr(start, "do", lambda words, otherwise: "")
    assert start.comes_up(5.0) is up


@pytest.mark.parametrize(("state", "verbs"), [("start", ["kill", "stop"]), ("auto-restart", ["stop"])])
def test_what_did_not_come_up_is_ended(monkeypatch, state, verbs):
    """For good, so that none of its own further starts is taken for that of the version that follows."""
    done = []
    monkeypatch.setattr(start, "show", lambda *asked: {"SubState": state})
    monkeypatch.setattr(start, "attempt", lambda words: done.append(words[1]))
    start.end()
    assert done == verbs


@pytest.mark.parametrize(
    ("ends", "raised", "runs", "said"),
    [
        ([True], None, "2", "gateway 0.2 runs in the place of gateway 0.1"),
        ([False, True], Failed, "1", "gateway 0.1 is back and runs"),
        ([False, False], Failed, "1", "nor did gateway 0.1: `journalctl -u gateway` says why"),
        ([KeyboardInterrupt, True], KeyboardInterrupt, "1", ""),
    ],
    ids=["it is up", "it is not", "neither is", "ended by hand"],
)
def test_what_runs_after_an_upgrade(home, monkeypatch, capsys, ends, raised, runs, said):
    """The new version when it has come up; else the old one, however it ended, and what has become of it is said."""
    old, new = version(home, "1"), version(home, "2")
    versions.switch(new)
    told, placed = iter(ends), []

    def comes_up(patience):
        if (end := next(told)) is KeyboardInterrupt:
            raise end
        return end

    monkeypatch.setattr(start, "comes_up", comes_up)
    monkeypatch.setattr(start, "why", lambda: "its last line")
    monkeypatch.setattr(start, "end", lambda: None)
    monkeypatch.setattr(files, "place", placed.append)
    if raised is None:
        main.try_out(new, old, 12.0)
        assert said in capsys.readouterr().out
    else:
        with pytest.raises(raised) as caught:
            main.try_out(new, old, 12.0)
        assert said in str(caught.value)
        assert placed == [old] and not new.exists()
    assert versions.running() == home / "versions" / runs
    assert not list(told), "each start was asked for"


class Broken:
    """Where a connection that is gone would print."""

    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def flush(self):
        self.write("")


def test_the_old_one_is_back_though_nobody_listens(home, monkeypatch):
    """Where the line to the terminal is broken, what failed is taken back all the same, and the old one started."""
    old, new, starts = version(home, "1"), version(home, "2"), iter([False, True])
    versions.switch(new)
    monkeypatch.setattr(start, "comes_up", lambda patience: next(starts))
    monkeypatch.setattr(start, "why", lambda: "its last line")
    monkeypatch.setattr(start, "end", lambda: None)
    monkeypatch.setattr(files, "place", lambda version: None)
    monkeypatch.setattr(sys, "stderr", Broken())
    with pytest.raises(Failed, match=r"gateway 0\.1 is back and runs"):
        main.try_out(new, old, 12.0)
    assert versions.running() == old and not new.exists()


def test_the_old_one_is_started_on_a_full_disk(home, monkeypatch, capsys):
    """The new one is gone before the old one's files are written; where even they cannot be, the old one is started."""
    old, new, starts, seen = version(home, "1"), version(home, "2"), iter([False, True]), []
    versions.switch(new)

    def place(version):
        seen.append(new.exists())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(start, "comes_up", lambda patience: next(starts))
    monkeypatch.setattr(start, "why", lambda: "its last line")
    monkeypatch.setattr(start, "end", lambda: None)
    monkeypatch.setattr(files, "place", place)
    with pytest.raises(OSError, match="No space left"):
        main.try_out(new, old, 12.0)
    assert seen == [False] and not list(starts) and versions.running() == old


@pytest.mark.parametrize(
    ("text", "checked"),
    [("", True), ('password_file = "/run/credentials/gateway.service/gateway.password"', False)],
)
def test_secrets_that_only_a_running_service_has(home, monkeypatch, capsys, text, checked):
    """While it does not run, a configuration that names them cannot be checked; that is said, and is no failure."""
    (home / "gateway.toml").write_text(text)
    monkeypatch.setattr(files, "CONFIGURATION", home)
    asked = []

    def as_service(words, environment):
        asked.append(words)
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(main, "as_service", as_service)
    main.check(home)
    assert bool(asked) is checked
    assert ("not checked" in capsys.readouterr().out) is not checked


def test_a_slow_board_is_given_time(monkeypatch):
    """Three times what the last start took, and never less than 12 s."""
    began = {"ExecMainStartTimestampMonotonic": "1000000", "ActiveEnterTimestampMonotonic": "2000000"}
    monkeypatch.setattr(start, "show", lambda *asked: began)
    assert start.patience() == 12.0
    began["ActiveEnterTimestampMonotonic"] = "21000000"
    assert start.patience() == 60.0


def test_a_program_that_is_not_there_has_failed():
    """As one that fails: with a code, and its name."""
    done = attempt(["/nowhere/program"])
    assert done.returncode == 127 and "/nowhere/program" in done.stderr


def test_a_disk_that_is_full_is_called_so(capsys):
    """Whatever a program was about when it found no room; its own last lines are above."""
    with pytest.raises(Failed, match="there is no room left"):
        do(["sh", "-c", "echo pip: No space left on device >&2; exit 1"], "the network is away")
    assert "pip: No space" in capsys.readouterr().err
    with pytest.raises(Failed, match="the network is away"):
        do(["false"], "the network is away")


def test_ended_by_hand(monkeypatch, capsys):
    """Ctrl-C is told in a sentence, without a traceback."""
    monkeypatch.setattr(main.os, "geteuid", lambda: 0)

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "systemd", interrupted)
    assert main.main([]) == 130
    assert capsys.readouterr().err == "\ninstall: ended by hand; what ran before runs, and it may be run again\n"
