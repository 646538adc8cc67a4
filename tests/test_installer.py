"""The installer, as far as it goes without a machine of its own: what it stands on, and versions beside each other."""

import ast
import errno
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from gateway.installer import files, main, versions
from gateway.installer.doing import Failed
from tests.installed import home, version

__all__ = ["home"]  # the fixture
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
