"""A Dask cluster for tests: its scheduler and workers as processes of their own on loopback, by Dask's own commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .brokers import free_port

ROOT = Path(__file__).parent.parent
DASK = (sys.executable, "-m", "dask")


def patched(folder: Path, code: str) -> dict[str, str]:
    """The environment of a worker in which this is run first. folder: a new one."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


class DaskCluster:
    """A scheduler on one port of 127.0.0.1, which it has again when it comes back, and workers. tls: Dask's options."""

    def __init__(self, folder: Path, *, tls: tuple[str, ...] = (), scheme: str = "tcp") -> None:
        self.port = free_port()
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []
        self._folder, self._tls = folder, tls

    def start(self, workers: int = 0) -> None:
        """Starts the scheduler, which needs no gateway and has none, and so many workers."""
        nothing = self._folder / "nothing"
        nothing.mkdir(exist_ok=True)
        (nothing / "gateway.py").write_text("raise ModuleNotFoundError('No module named gateway')")
        where = ("--host", f"{self.address.partition(':')[0]}://127.0.0.1", "--port", str(self.port))
        self.scheduler = self._run("scheduler", *where, "--no-dashboard", "--no-show", env={"PYTHONPATH": str(nothing)})
        for _ in range(workers):
            self.add()

    def add(
        self, threads: int = 1, env: Mapping[str, str] | None = None, nanny: bool = False
    ) -> subprocess.Popen[bytes]:
        """One more worker. nanny: it has a process that starts it again."""
        alone = () if nanny else ("--no-nanny",)
        worker = self._run(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", str(threads), *alone, "--no-dashboard",
            "--death-timeout", "60", env=env,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kills it."""
        process.kill()
        process.wait()

    def close(self) -> None:
        """Ends all."""
        for process in (*self.workers, self.scheduler):
            if process is not None:
                process.send_signal(signal.SIGCONT)
                self.kill(process)

    def _run(self, what: str, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        number = len(list(self._folder.glob("*.log")))
        own = {"PYTHONPATH": str(ROOT), "DASK_CONFIG": os.devnull}
        with open(self._folder / f"{number}-{what}.log", "wb") as log:
            return subprocess.Popen(
                [*DASK, what, *arguments, *self._tls], stdout=log, stderr=subprocess.STDOUT, cwd=self._folder,
                env=os.environ | own | dict(env or {}),
            )  # fmt: skip
