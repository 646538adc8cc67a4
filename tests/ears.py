"""An independent subscriber that keeps books, a process of its own: `python -m tests.ears PORT`.

On its output it says ten times a second how it stands, a JSON line each; it ends with its input.
"""

import json
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

from tests.books import Books
from tests.faults.listener import joined
from tests.street import ROOT, until

EACH = 0.1  # s


class Ears:
    """The process, for who starts it; in a `with` it listens. heard: the newest of what it has said."""

    def __init__(self, port: int) -> None:
        self.heard: dict[str, Any] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ears", str(port)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read, name="ears", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        until(lambda: self.heard, "the subscriber has subscribed")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._thread.join(5)
        self._process.stdout.close()

    @property
    def arrived(self) -> int:
        """Readings, each once."""
        return self.heard["live"] + self.heard["replayed"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.heard = json.loads(line)


def main(port: int) -> None:
    """Listens until standard input closes."""
    books, lock, over, subscribed = Books(), threading.Lock(), threading.Event(), threading.Event()
    spooled = -1

    def heard(topic: str, payload: bytes) -> None:
        nonlocal spooled
        try:
            document = json.loads(payload, parse_constant=books.blame)
        except ValueError:
            books.blame(f"no JSON on {topic}: {payload[:200]!r}")
            return
        if topic.endswith("/features"):
            books.take(document, time.time(), time.monotonic())
        elif topic.endswith("/last"):
            books.seen("last", document)
        elif topic == "gateway/gw/status":
            spooled = document["spooled"]
            if not document["balanced"]:
                books.blame(f"the ledger does not balance: {document}")

    def say() -> None:
        while not over.wait(EACH):
            with lock:
                look = books.look() | {"spooled": spooled}
            print(json.dumps(look), flush=True)

    def locked(_client: Any, _data: Any, message: Any) -> None:
        with lock:
            heard(message.topic, message.payload)

    client = joined(port, "ears", ("gateway/#",), locked, subscribed.set)
    subscribed.wait()
    saying = threading.Thread(target=say, name="say")
    saying.start()
    sys.stdin.read()
    over.set()
    saying.join()
    client.loop_stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
