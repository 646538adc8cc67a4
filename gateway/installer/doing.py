"""What is done to the machine by other programs, and how it is told when one of them fails."""

import errno
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FULL = "there is no room left: a version takes 150 MB in /opt, and as much in /tmp while it is made; `df -h` says where"


class Failed(Exception):
    """One sentence: what went wrong, and what to do."""


def say(text: str) -> None:
    """A line of progress."""
    print(f"install: {text}", flush=True)


def do(words: Sequence[str | Path], otherwise: str) -> str:
    """Runs a program, gives what it printed. Raises Failed with the sentence `otherwise`, after its last lines."""
    done = attempt(words)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        print("\n".join(said.splitlines()[-12:]), file=sys.stderr)
        raise Failed(FULL if os.strerror(errno.ENOSPC) in said else otherwise)
    return done.stdout


def attempt(words: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Runs a program; one that is not there has failed too."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        return subprocess.run(words, capture_output=True, text=True, env=environment, cwd="/", stdin=subprocess.DEVNULL)
    except OSError as error:
        return subprocess.CompletedProcess(list(words), 127, "", f"{words[0]}: {error.strerror}")


def as_service(words: Sequence[str | Path], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a program as the service's user, with its groups and nothing of our environment."""
    user = pwd.getpwnam("gateway")
    clean = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": user.pw_dir, "LANG": "C.UTF-8", **environment}
    return subprocess.run(
        words, capture_output=True, text=True, env=clean, cwd="/", stdin=subprocess.DEVNULL,
        user=user.pw_uid, group=user.pw_gid, extra_groups=os.getgrouplist("gateway", user.pw_gid),
    )  # fmt: skip
