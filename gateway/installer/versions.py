"""The versions under /opt/gateway: how one is made, which runs, and which go."""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .doing import Failed, attempt, do, say

HOME = Path("/opt/gateway")
BIN = HOME / "bin"
SHARE = Path("share/gateway")  # of a version: the files of systemd's that come with it
COMPLETE = "complete"  # the file that a version has, with its name, once it is
PARTS = ("gateway", "simulators", "systemd", "pyproject.toml", "README.md", "LICENSE")  # of a checkout


def running() -> Path | None:
    """The version that the service runs, or would run."""
    if not BIN.is_symlink():
        if BIN.exists():
            raise Failed(f"{HOME} was made by hand: `sudo mv {HOME} {HOME}.old`, then install again")
        return None
    found = BIN.resolve().parent
    return found if (found / COMPLETE).exists() else None


def name(version: Path) -> str:
    """As what it calls itself."""
    return (version / COMPLETE).read_text().strip()


def make(source: Path, wheelhouse: Path | None) -> Path:
    """A new version of `source`, a checkout or a wheel; from the files of `wheelhouse` alone where one is given.

    Raises Failed, and leaves nothing then.
    """
    if wheelhouse is not None and not any(wheelhouse.glob("*.whl")):
        raise Failed(f"{wheelhouse} has no wheels: fill it as docs/install.md says, on a machine with a network")
    numbers = [int(one.name) for one in (HOME / "versions").glob("*") if one.name.isdecimal()]
    version = HOME / "versions" / str(max(numbers, default=0) + 1)
    version.parent.mkdir(parents=True, exist_ok=True)
    say(f"installing {source.name} into {version}; that takes a minute or so")
    try:
        with built(source) as what:
            install(version, f"{what}[all]", wheelhouse)
        called = do([version / "bin" / "gateway", "--version"], "the new version does not start: tell its makers")
        (version / COMPLETE).write_text(called)
        # else a power cut after `switch` might find a version without its files
        do(["sync", "-f", version], f"{version} cannot be written to the disk: `df -h` and `dmesg` say why")
    except BaseException:
        shutil.rmtree(version, ignore_errors=True)
        raise
    return version


@contextmanager
def built(source: Path) -> Iterator[Path]:
    """What pip is given: a wheel as it is; a checkout copied, since pip would build in it and leave root's files."""
    if source.is_file():
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        copy = Path(folder) / "gateway"
        copy.mkdir()
        for part in PARTS:
            if (source / part).is_dir():
                shutil.copytree(source / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source / part, copy / part)
        yield copy


def install(version: Path, what: str, wheelhouse: Path | None) -> None:
    """A virtual environment with the gateway in it."""
    own_pip = sorted(wheelhouse.glob("pip-*.whl")) if wheelhouse is not None else []
    if importlib.util.find_spec("ensurepip") is None and not own_pip:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        say(f"this Python has no venv: apt-get install {package}")
        if attempt(["apt-get", "install", "-y", package]).returncode:
            attempt(["apt-get", "update"])
            do(["apt-get", "install", "-y", package], f"{package} is missing: `sudo apt-get install {package}`")
    words: list[str | Path] = [sys.executable, "-I", "-m", "venv", *(["--without-pip"] if own_pip else []), version]
    do(words, f"no virtual environment can be made in {version}: see that /opt can be written and has 400 MB")
    program: list[str | Path] = [own_pip[-1] / "pip"] if own_pip else ["-m", "pip"]
    pip: list[str | Path] = [version / "bin" / "python", "-I", *program, "install"]
    if wheelhouse is None:
        sentence = "the packages could not be fetched: see that the network is there, or use --offline WHEELHOUSE"
    else:
        pip += ["--no-index", "--find-links", wheelhouse]
        sentence = f"{wheelhouse} lacks a package for this Python and machine: fill it as docs/install.md says"
    do([*pip, "--quiet", "--disable-pip-version-check", "--no-cache-dir", what], sentence)


def switch(version: Path) -> None:
    """Has the service run `version` when it starts the next time; at once, or not at all."""
    new = HOME / "bin.new"
    new.unlink(missing_ok=True)
    new.symlink_to(version / "bin")
    new.replace(BIN)
    subprocess.run(["sync", "-f", HOME], check=False)  # a power cut right after it finds one or the other


def drop(*kept: Path) -> None:
    """Deletes the other versions."""
    for one in (HOME / "versions").glob("*"):
        if one not in kept:
            shutil.rmtree(one)
