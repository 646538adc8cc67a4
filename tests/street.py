"""A whole street of real processes for tests: `gateway run`, and a judge that is joined to the broker directly."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

ROOT = Path(__file__).parent.parent


def until(condition: Callable[[], Any], what: str, patience: float = 10.0, every: float = 0.005) -> Any:
    """What `condition` gives as soon as it is true, asked each `every` s. Fails with `what` when that does not come."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
        time.sleep(every)
    return found


class Judge:
    """An independent subscriber: all messages, as they came."""

    def __init__(self, port: int, topic: str = "gateway/#") -> None:
        self.features: list[dict[str, Any]] = []
        self.documents: dict[str, dict[str, Any]] = {}
        self.history: list[tuple[str, dict[str, Any]]] = []
        self.unexpected: list[str] = []
        self._of: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._subscribed = threading.Event()
        self._topic = topic
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="judge", protocol=paho.MQTTv311, clean_session=False
        )
        self._client.on_connect = lambda client, *_: client.subscribe(self._topic, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._heard
        self._client.reconnect_delay_set(0.1, 0.5)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(10)

    def _heard(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if not message.payload:  # what was retained there is taken back
            self.documents.pop(message.topic, None)
            return
        document = json.loads(message.payload, parse_constant=self.unexpected.append)
        if message.topic.endswith("/features"):
            self.features.append(document)
            self._of.setdefault((document["board"], document["sensor"]), []).append(document)
        else:
            self.documents[message.topic] = document
            self.history.append((message.topic, document))

    @property
    def sensors(self) -> set[tuple[str, str]]:
        """(board, sensor) of all that it has heard of."""
        return set(self._of)

    def of(self, board: str, sensor: str) -> list[dict[str, Any]]:
        """The readings of one sensor, in the order in which they came."""
        return self._of.get((board, sensor), [])

    def close(self) -> None:
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()


class Gateway:
    """`gateway run` as a child process, with a configuration given as TOML text.

    program: another module to start, and its options; prefix: a command that starts it.
    """

    def __init__(
        self,
        folder: Path,
        text: str,
        *,
        environment: dict[str, str] | None = None,
        program: Sequence[str] = ("gateway",),
        prefix: Sequence[str] = (),
    ) -> None:
        self.file = folder / "gateway.toml"
        self.file.write_text(text)
        self.log = folder / "gateway.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", *program, "run", "-c", str(self.file)],
                cwd=ROOT, stdout=log, stderr=log,
                env={**os.environ, "STATE_DIRECTORY": str(folder / "state"), **(environment or {})},
            )  # fmt: skip

    def events(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def workers(self) -> list[int]:
        """Process ids of its workers: grandchildren that the fork server has made."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                pid, parent = int(stat.parent.name), int(stat.read_text().rsplit(")", 1)[1].split()[1])
                if parent in self._children() and parent != self.process.pid:
                    found.append(pid)
        return found

    def _children(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return {int(pid) for pid in children.split()} | {int(p) for t in threads for p in t.read_text().split()}

    def stop(self, patience: float = 5.0) -> int:
        """SIGTERM; gives the exit code. Fails when it takes longer, or has said a traceback."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(patience)
        assert "Traceback" not in self.log.read_text(), self.log.read_text()
        return code

    def kill(self) -> None:
        """SIGKILL, if it still runs; returns when it is gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)


def configuration(port: int, boards: dict[str, str], extra: str = "", mqtt: str = "", each: str = "") -> str:
    """A gateway.toml. boards: name -> port; each: keys of every board."""
    tables = "".join(f'\n[[boards]]\nname = "{name}"\nport = "{path}"\n{each}\n' for name, path in boards.items())
    return f'[gateway]\nid = "gw"\n[mqtt]\nurl = "mqtt://127.0.0.1:{port}"\n{mqtt}\n{tables}\n{extra}\n'


@contextlib.contextmanager
def running(folder: Path, text: str, *, environment: dict[str, str] | None = None) -> Iterator[Gateway]:
    """A gateway that is killed at the end if a test has not stopped it."""
    gateway = Gateway(folder, text, environment=environment)
    try:
        yield gateway
    finally:
        gateway.kill()
