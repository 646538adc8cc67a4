"""`gateway bench` for tests: a process of its own, some of it changed, and nothing of it may be left at its end."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .street import ROOT, until

RUN = "from gateway.cli import run\nsys.exit(run(sys.argv[1:]))\n"


def relatives(directory: Path) -> dict[int, str]:
    """Command lines of processes that were started with their temporary files in `directory`, by process id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={directory}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has ended meanwhile
            continue
    return found


@contextmanager
def bench(directory: Path, *words: str, changed: str) -> Iterator[subprocess.Popen]:
    """`gateway bench WORDS` after the statements `changed`, in a process group of its own."""
    command = [sys.executable, "-c", f"import sys\n{textwrap.dedent(changed)}{RUN}", "bench", *words]
    environment = {**os.environ, "TMPDIR": str(directory), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()
    until(lambda: not relatives(directory), "no process is left")
