"""A Home Assistant of its own for a test: installed once into a cache, started, looked at, stopped.

GATEWAY_HOMEASSISTANT_CACHE: where (/var/tmp/gateway-homeassistant); it takes 700 MB and a few minutes. Its traffic
stays on this machine: of all that it usually brings only the core, http on loopback and the mqtt integration are
started (hass.py).
"""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.brokers import free_port

CACHE = Path(os.environ.get("GATEWAY_HOMEASSISTANT_CACHE", "/var/tmp/gateway-homeassistant"))
NEEDED = ["homeassistant==2026.2.3", "paho-mqtt==2.1.0"]  # paho as its mqtt integration wants it
PROGRAM = Path(__file__).with_name("hass.py")
INSTALLING = 900  # s


class Missing(Exception):
    """It cannot be had here; one sentence."""


def installed() -> Path:
    """The Python that has it; installs it where it is missing. Raises Missing."""
    python = shutil.which("python3.13", path=f"{os.environ['PATH']}:/usr/bin:/usr/local/bin")
    if python is None:
        raise Missing("Home Assistant 2026.2 needs Python 3.13, which is not here")
    place = CACHE / "-".join(NEEDED).replace("==", "-")
    done = place / "done"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes beside this one want it too
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)
            for command in ([python, "-m", "venv", str(place)], [str(place / "bin/pip"), "install", "-q", *NEEDED]):
                made = subprocess.run(command, capture_output=True, text=True, timeout=INSTALLING)
                if made.returncode:
                    raise Missing(f"Home Assistant cannot be installed: {made.stderr.strip().splitlines()[-1]}")
            done.touch()
    return place / "bin/python"


class HomeAssistant:
    """One, with its configuration in `folder`, at the broker on that port of loopback. In a `with` it runs."""

    def __init__(self, python: Path, folder: Path, broker: int) -> None:
        self._command = [str(python), str(PROGRAM), str(folder), str(broker), str(free_port())]
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "HomeAssistant":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, patience: float = 300) -> None:
        """Starts it; returns when it is ready."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "ready").unlink(missing_ok=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        with open(self.folder / "output", "ab") as out:
            self._process = subprocess.Popen(self._command, stdout=out, stderr=out, env=environment, cwd=self.folder)
        deadline = time.monotonic() + patience
        while not (self.folder / "ready").exists():
            assert self._process.poll() is None and time.monotonic() < deadline, (self.folder / "output").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stops it as a shutdown does."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def look(self) -> dict[str, Any]:
        """All that it shows: states, entities, devices."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.folder / "look"))
            pieces = iter(lambda: client.recv(1 << 16), b"")
            seen: dict[str, Any] = json.loads(b"".join(pieces))
        return seen

    def states(self) -> dict[str, str]:
        """The state of each entity that is enabled."""
        return {entity: one["state"] for entity, one in self.look()["states"].items()}

    def complaints(self) -> list[str]:
        """Warnings and errors in its log that are about us."""
        logs = [*self.folder.glob("hass.log*")]
        lines = [line for log in logs for line in log.read_text().splitlines()]
        return [line for line in lines if " WARNING " in line or " ERROR " in line if not _own(line)]


def _own(line: str) -> bool:
    """Whether it is about how we have started it."""
    return any(name in line for name in ("homeassistant.bootstrap", "aiohttp_fast_zlib"))
