"""strace at a process: system calls of it fail or take long, and its log says which."""

import os
import signal
import subprocess
from pathlib import Path

from tests.street import until


class Strace:
    """Meddles with the system calls of a process and its threads. seen: its log."""

    def __init__(self, pid: int, log: Path, *inject: str, paths: tuple[Path, ...] = ()) -> None:
        self.log = log
        calls = ",".join(sorted({one.split(":")[0] for one in inject}))
        command = ["strace", "-f", "-p", str(pid), "-o", str(log), "-e", f"trace={calls}"]
        for one in inject:
            command += ["-e", f"inject={one}"]
        for path in paths:
            command += ["-P", str(path)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE)
        os.set_blocking(self._process.stderr.fileno(), False)
        said = b""

        def attached() -> bool:
            nonlocal said
            said += self._process.stderr.read() or b""
            return b"attached" in said or self._process.poll() is not None

        until(attached, "strace is attached")

    @property
    def seen(self) -> str:
        """What it has written."""
        return self.log.read_text() if self.log.exists() else ""

    def end(self) -> None:
        """Lets the process go."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(10)
        self._process.stderr.close()

    def __enter__(self) -> "Strace":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
