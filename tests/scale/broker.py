"""The mosquitto that is measured, as it is in use: it logs no message. What a process has had of CPU and memory."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.brokers import Mosquitto
from tests.certificates import Authority


@contextlib.contextmanager
def quiet(*, tls: bool = False) -> Iterator[tuple[Mosquitto, Path | None]]:
    """A mosquitto that runs, and with `tls` the CA by which it is known."""
    with tempfile.TemporaryDirectory() as name:
        folder, lines, authority = Path(name), ["log_dest none"], None
        if tls:
            ours = Authority(folder / "ca")
            certificate, key = ours.issue("broker")
            lines, authority = [*lines, f"certfile {certificate}", f"keyfile {key}"], ours.certificate
        broker = Mosquitto(folder, lines)
        broker.start()
        try:
            yield broker, authority
        finally:
            broker.kill()


def cpu_of(pid: int) -> float:
    """S of CPU that the first thread of a process has had, which is all that mosquitto has."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def memory_of(pid: int) -> float:
    """MB of memory that a process has now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6
