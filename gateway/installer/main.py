"""The installer's command: what is to be done, in which order."""

import argparse
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from . import files, start, versions
from .doing import Failed, as_service, say

OLDEST = (3, 11)
LOCK = Path("/run/gateway-install.lock")


def main(words: Sequence[str] | None = None) -> int:
    """Does what `words` ask for; 0 done, 1 failed with a sentence, 2 wrong use."""
    options = parser().parse_args(words)
    if options.purge and not options.uninstall:
        parser().error("--purge goes with --uninstall")
    try:
        if os.geteuid() != 0:
            raise Failed("it needs root: run it with sudo")
        if sys.version_info < OLDEST:
            raise Failed(f"Python {'.'.join(map(str, OLDEST))} or newer is needed: Debian 12 has it")
        files.systemd()
        os.umask(0o022)  # the service has to read what is installed
        with alone():
            if options.uninstall:
                files.remove(purge=options.purge)
            elif options.upgrade:
                upgrade(source(options.what), options.offline)
            else:
                install(source(options.what), options.offline)
    except Failed as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninstall: ended by hand; what ran before runs, and it may be run again", file=sys.stderr)
        return 130
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"install: {where}{error.strerror or error}; mend that and run it again", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(prog="install", description="Installs the gateway as a service of systemd's.")
    what = "a wheel or a checkout of the gateway (default: the one that this program is part of)"
    top.add_argument("what", nargs="?", type=Path, metavar="WHAT", help=what)
    way = top.add_mutually_exclusive_group()
    way.add_argument("--upgrade", action="store_true", help="put WHAT in the place of what runs; back if it fails")
    way.add_argument("--uninstall", action="store_true", help="remove it; configuration and spool stay")
    top.add_argument("--purge", action="store_true", help="with --uninstall: these too")
    top.add_argument("--offline", type=Path, metavar="WHEELHOUSE", help="take packages from this folder alone")
    return top


@contextmanager
def alone() -> Iterator[None]:
    """While no other installer runs."""
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed("another installer is at work: wait until it is done") from None
        yield


def source(given: Path | None) -> Path:
    """What is installed: what was given, else the checkout or the wheel that this file lies in."""
    found = (given or Path(__file__).parents[2]).resolve()
    if not (found / "pyproject.toml").is_file() and found.suffix != ".whl":
        raise Failed(f"{found} is neither a checkout nor a wheel: name one of them")
    if not found.exists():
        raise Failed(f"there is no {found}: name a wheel or a checkout")
    return found


def install(what: Path, wheelhouse: Path | None) -> None:
    """All that is missing; what is there stays."""
    version = versions.running()
    if version is not None:
        say(f"{versions.name(version)} is installed; --upgrade puts {what.name} in its place")
    else:
        versions.drop()
        version = versions.make(what, wheelhouse and wheelhouse.resolve())
    files.place(version)
    files.begin(version)
    versions.switch(version)
    if not start.active():
        say("done; `sudo systemctl enable --now gateway` starts it, now and at each boot")


def upgrade(what: Path, wheelhouse: Path | None) -> None:
    """A new version in the place of the one that runs, which is back where the new one does not come up."""
    old = versions.running()
    if old is None:
        raise Failed("nothing is installed yet: run it without --upgrade")
    versions.drop(old)
    new = versions.make(what, wheelhouse and wheelhouse.resolve())
    try:
        files.place(old)  # the user and the folders, whatever has become of them
        files.begin(new)
        check(new)
    except BaseException:
        shutil.rmtree(new)
        raise
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a connection that breaks must not leave it half done
    patience, ran = start.patience(), start.active()
    try:
        versions.switch(new)
        files.place(new)
    except BaseException:  # the old one runs all the same
        undo(old, new)
        raise
    if not ran:
        say(f"{versions.name(new)} is installed; the service was not running and is not started")
    else:
        try_out(new, old, patience)
    versions.drop(new, old)


def try_out(new: Path, old: Path, patience: float) -> None:
    """Starts the new version; the old one is back when it is not up in `patience` s. Raises Failed then."""
    called, former = versions.name(new), versions.name(old)
    up = False
    try:
        up = start.comes_up(patience)
    finally:
        if not up:  # or somebody has lost patience
            last = start.why()
            start.end()
            try:
                undo(old, new)
            finally:  # the old one is started, whatever has become of its files
                back = start.comes_up(patience)
                with suppress(OSError):  # the line to the terminal may be broken
                    print(last, file=sys.stderr, flush=True)
    if not up:
        rest = f"{former} is back and runs" if back else f"nor did {former}: `journalctl -u gateway` says why"
        raise Failed(f"{called} did not come up (its last lines are above): {rest}")
    say(f"{called} runs in the place of {former}")


def undo(old: Path, new: Path) -> None:
    """The old version in the place of the new one, which is deleted."""
    versions.switch(old)
    shutil.rmtree(new, ignore_errors=True)  # first, as it may have filled the disk; what stays goes with `drop`
    files.place(old)


def check(new: Path) -> None:
    """Has the new version read the configuration, as the service's user. Raises Failed."""
    secrets = Path("/run/credentials/gateway.service")
    if str(secrets) in (files.CONFIGURATION / "gateway.toml").read_text() and not secrets.is_dir():
        say("the configuration is not checked: the secrets that it names are there while the service runs")
        return
    where = {
        "CONFIGURATION_DIRECTORY": str(files.CONFIGURATION),
        "STATE_DIRECTORY": str(files.STATE),
        "CREDENTIALS_DIRECTORY": str(secrets),
    }
    done = as_service([new / "bin" / "gateway", "check"], where)
    if done.returncode:
        print(done.stderr.strip(), file=sys.stderr)
        raise Failed(
            "the new version refuses the configuration; mend it (above) and upgrade again: the old one runs on"
        )
