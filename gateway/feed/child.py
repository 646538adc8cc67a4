"""The web process as a child of the gateway's: how it is started, ended, and what it said when it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from ..extras import WEB, WEB_COMES, without


class Child:
    """A running web process. channel: our end of the socket pair; when it closes the process ends by itself."""

    def __init__(self, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self.process, self.channel = process, channel

    @classmethod
    def start(cls) -> Child:
        """Starts one; blocks for a moment. Raises OSError, with a sentence."""
        if without(WEB):
            raise OSError(f"the web page is not installed; {WEB_COMES}")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gateway.web", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env={key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"} | {"PYTHONPATH": path},
                process_group=0,  # so that Ctrl-C leaves it to us when it ends
            )
        except OSError as error:
            ours.close()
            raise OSError(f"no web process can start ({(error.strerror or str(error)).lower()})") from None
        finally:
            theirs.close()
        return cls(process, ours)

    def ended(self, said: Callable[[str], object]) -> str:
        """Why it ended; blocks until then. said: gets each line that it writes to its standard error."""
        pipe, last = cast(IO[bytes], self.process.stderr), ""
        for raw in iter(lambda: pipe.readline(4096), b""):
            if line := raw.decode(errors="replace").strip():
                last = line
                said(line)
        code = self.process.wait()
        pipe.close()
        if code < 0:
            return f"the web process was killed ({signal.Signals(-code).name})"
        return f"the web process ended with code {code}" + (f" ({last})" if last else "")

    def kill(self) -> None:
        """Ends it at once."""
        with contextlib.suppress(OSError):
            self.channel.close()
        self.process.kill()  # nothing happens if it has ended

    def forget(self) -> None:
        """Ends it when nobody wants it any more."""
        self.kill()
        self.ended(lambda line: None)
