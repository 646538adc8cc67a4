"""The installer, as far as it goes without a machine of its own; tests/system/ has it install."""

import ast
import errno
import itertools
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.installer import files, main, start, versions
from gateway.installer.doing import Failed, attempt, do
from tests.street import ROOT


def test_it_stands_on_nothing():
    """It runs before anything is installed: it imports the standard library and itself."""
    for file in (ROOT / "gateway" / "installer").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1 or (node.module or "").split(".")[0] in sys.stdlib_module_names


def test_its_files_come_with_the_package():
    """Each file that it puts somewhere is one that a wheel carries to where it looks for it."""
    carried = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    assert set(carried[str(versions.SHARE)]) == {f"systemd/{name}" for name in files.FILES.values()}
    assert all((ROOT / name).is_file() for name in carried[str(versions.SHARE)])
    assert all((ROOT / part).exists() for part in versions.PARTS)


def test_it_runs_out_of_a_wheel(tmp_path):
    """Nothing need be unpacked: the wheel is the path, and what it installs by itself."""
    wheel = tmp_path / "serial_edge_gateway-0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        for file in [ROOT / "gateway/__init__.py", *(ROOT / "gateway/installer").glob("*.py")]:
            made.write(file, file.relative_to(ROOT))
    code = "from gateway.installer.main import source; print(source(None))"
    where = {**os.environ, "PYTHONPATH": str(wheel)}
    done = subprocess.run([sys.executable, "-c", code], env=where, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == str(wheel), done.stderr


def test_the_command_of_a_checkout():
    """systemd/install finds the installer beside it, wherever it is called."""
    done = subprocess.run([ROOT / "systemd" / "install", "--help"], cwd="/", capture_output=True, text=True)
    assert done.returncode == 0 and "--offline WHEELHOUSE" in done.stdout


def test_what_lies_where_it_is_called_is_not_run(tmp_path):
    """Root may stand in anybody's folder: neither the command of a checkout nor that of a wheel runs a file in it."""
    wheel, here = tmp_path / "serial_edge_gateway-0.1.0-py3-none-any.whl", tmp_path / "here"
    with zipfile.ZipFile(wheel, "w") as made:
        for file in [ROOT / "gateway/__init__.py", *(ROOT / "gateway/installer").glob("*.py")]:
            made.write(file, file.relative_to(ROOT))
    (here / "gateway" / "installer").mkdir(parents=True)
    for name in ("argparse.py", "gateway/__init__.py", "gateway/installer/__main__.py"):
        (here / name).write_text("print('foreign')\n")
    page = (ROOT / "docs" / "install.md").read_text()
    (line,) = [one.strip() for one in page.splitlines() if one.endswith("python3 -m gateway.installer")]
    typed = line.removeprefix("sudo ").replace(wheel.name, str(wheel))
    where = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for words in ([ROOT / "systemd" / "install", "--help"], ["sh", "-c", f"{typed} --help"]):
        done = subprocess.run(words, cwd=here, env=where, capture_output=True, text=True)
        assert "--offline WHEELHOUSE" in done.stdout and "foreign" not in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--purge"], 2, "--purge goes with --uninstall"),
        (["--upgrade", "--uninstall"], 2, "not allowed with"),
        ([], 1, "install: it needs root: run it with sudo\n"),
    ],
)
def test_wrong_use_ends_in_a_sentence(words, code, said, monkeypatch, capsys):
    """And in the exit code of wrong use, or of what has failed."""
    monkeypatch.setattr(main.os, "geteuid", lambda: 1000)
    try:
        ended = main.main(words)
    except SystemExit as end:
        ended = end.code
    assert ended == code
    assert said in capsys.readouterr().err


def test_where_no_systemd_runs(monkeypatch, capsys):
    """It says so, and touches nothing."""
    monkeypatch.setattr(main.os, "geteuid", lambda: 0)
    monkeypatch.setattr(files, "attempt", lambda words: subprocess.CompletedProcess(words, 127, "", ""))
    assert main.main([]) == 1
    assert "systemd does not run here" in capsys.readouterr().err


def test_what_is_installed_has_to_be_a_checkout_or_a_wheel(tmp_path):
    """Anything else is said to be neither, and what is not there not to be there."""
    assert main.source(None) == ROOT
    with pytest.raises(Failed, match="is neither a checkout nor a wheel"):
        main.source(tmp_path)
    with pytest.raises(Failed, match="there is no"):
        main.source(tmp_path / "a.whl")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """/opt/gateway, elsewhere."""
    monkeypatch.setattr(versions, "HOME", tmp_path)
    monkeypatch.setattr(versions, "BIN", tmp_path / "bin")
    return tmp_path


def version(home, number):
    """A version that is complete."""
    made = home / "versions" / number
    (made / "bin").mkdir(parents=True)
    (made / versions.COMPLETE).write_text(f"gateway 0.{number}\n")
    return made


def test_one_link_says_which_version_runs(home):
    """None at first; then the one that was switched to last; what was only begun is none."""
    assert versions.running() is None
    first, second = version(home, "1"), version(home, "2")
    for one in (first, second, first):
        versions.switch(one)
        assert versions.running() == one
    (first / versions.COMPLETE).unlink()
    assert versions.running() is None


def test_an_environment_made_by_hand_is_left_alone(home):
    """A bin that is no link of ours is nobody's to replace; the sentence has the command that moves it away."""
    (home / "bin").mkdir()
    with pytest.raises(Failed, match="sudo mv"):
        versions.running()


@pytest.mark.slow
def test_a_version_that_cannot_be_made_leaves_nothing(home, tmp_path, capsys):
    """The wheelhouse lacks what is needed: a sentence, pip's own last words, and no half version."""
    house = tmp_path / "wheels"
    house.mkdir()
    with pytest.raises(Failed, match="has no wheels"):
        versions.make(ROOT, house)
    (house / "some-1-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(Failed, match="lacks a package for this Python and machine"):
        versions.make(ROOT, house)
    assert not any((home / "versions").iterdir())
    assert "setuptools" in capsys.readouterr().err
    assert not (ROOT / "build").exists()


def test_a_version_is_on_the_disk_before_it_is_made(home, tmp_path, monkeypatch):
    """All of it is written before anything can point to it; where that fails nothing of it is left."""
    seen = []

    def do(words, otherwise):
        seen.append((words[0], (home / "versions" / "1" / versions.COMPLETE).exists()))
        if words[0] == "sync" and len(seen) > 2:
            raise Failed(otherwise)
        return "gateway 0.1\n"

    monkeypatch.setattr(versions, "install", lambda version, what, wheelhouse: version.mkdir())
    monkeypatch.setattr(versions, "do", do)
    wheel = tmp_path / "some.whl"
    wheel.touch()
    made = versions.make(wheel, None)
    assert seen == [(made / "bin" / "gateway", False), ("sync", True)]
    with pytest.raises(Failed, match="df -h"):
        versions.make(wheel, None)
    assert list((home / "versions").iterdir()) == [made]


def test_old_versions_go(home):
    """Those that are named stay."""
    one, two, three = (version(home, number) for number in "123")
    versions.drop(two, three)
    assert not one.exists() and two.exists() and three.exists()


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


def test_only_one_installer_at_a_time(tmp_path, monkeypatch):
    """A second one says that another is at work."""
    monkeypatch.setattr(main, "LOCK", tmp_path / "lock")
    with main.alone(), pytest.raises(Failed, match="another installer is at work"):
        with main.alone():
            raise AssertionError("two at once")


def test_what_stands_before_the_unit(tmp_path, monkeypatch):
    """A unit in /etc, put there by hand, would be the one that counts: it says how to remove it, and stops."""
    monkeypatch.setattr(files, "OLD", tmp_path / "gateway.service")
    shutil.copy(ROOT / "systemd/gateway.service", files.OLD)
    with pytest.raises(Failed, match="would stand before the unit"):
        files.place(Path("/nowhere"))


@pytest.fixture
def lib(tmp_path, monkeypatch):
    """/usr/local/lib, elsewhere, and a version whose files go there; no program of systemd's is called."""
    made = tmp_path / "version"
    shutil.copytree(ROOT / "systemd", made / versions.SHARE)
    placed = {tmp_path / "lib" / target.relative_to(files.LIB): name for target, name in files.FILES.items()}
    monkeypatch.setattr(files, "FILES", placed)
    monkeypatch.setattr(files, "COMMAND", tmp_path / "gateway")
    monkeypatch.setattr(files, "OLD", tmp_path / "none")
    monkeypatch.setattr(files, "do", lambda words, otherwise: "")
    monkeypatch.setattr(files, "attempt", lambda words: subprocess.CompletedProcess(words, 0, "", ""))
    return made


def test_a_file_of_systemds_is_never_half_there(lib, monkeypatch):
    """Where a new one cannot be written whole, the one that was there is as it was, and nothing is beside it."""
    files.place(lib)
    unit, *_ = files.FILES
    good = unit.read_bytes()
    assert good == (ROOT / "systemd" / "gateway.service").read_bytes() and unit.stat().st_mode & 0o777 == 0o644

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (lib / versions.SHARE / "gateway.service").write_text("[Service]\n")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            files.place(lib)
    assert unit.read_bytes() == good
    assert [file.name for file in unit.parent.iterdir() if file.is_file()] == [unit.name]
    files.place(lib)
    assert unit.read_text() == "[Service]\n"
