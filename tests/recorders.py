"""`gateway record` for tests: a real process, and the file that it writes."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.ingest.capture.file import Capture
from gateway.ingest.capture.lines import Heard, Mark

from .street import ROOT

END = "it is not read any more"


class Recorder:
    """`gateway record`, and the file that it writes."""

    def __init__(self, folder: Path, *arguments: object, file: str = "c.jsonl") -> None:
        self.file, self.said = folder / file, folder / f"{file}.stderr"
        command = [sys.executable, "-m", "gateway", "record", *map(str, arguments), "-o", str(self.file)]
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said, text=True)

    def heard(self) -> list[Heard]:
        """What is in the file by now."""
        if not self.file.exists() or not self.file.stat().st_size:
            return []
        with Capture(self.file) as capture:
            return list(capture)

    def data(self) -> bytes:
        """The bytes of it that came."""
        return b"".join(one.data for one in self.heard() if not one.sent)

    def marks(self) -> list[tuple[Mark, str]]:
        """What has happened to the port."""
        return [(one.mark, one.why) for one in self.heard() if one.mark is not None]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ends it by a signal; gives its exit code and what it printed."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=10)
        assert "Traceback" not in self.said.read_text(), self.said.read_text()
        return self.process.returncode, out


@contextlib.contextmanager
def recording(folder: Path, *arguments: object, **more: Any) -> Iterator[Recorder]:
    """A recorder that is killed at the end where a test has not ended it."""
    one = Recorder(folder, *arguments, **more)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()
