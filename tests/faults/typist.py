"""A board whose every byte a row decides: numbered lines on a bare wire, told to the judge as any board's are."""

import threading
import time
from collections.abc import Callable, Iterable
from itertools import chain, count

from tests.faults.scene import Scene


class Typist:
    """Types for the board `name` of a scene, which has no kind, until the board is stopped.

    numbers: of the lines. cut: a line into the pieces that are written one by one. before: what is typed before each.
    """

    EACH = 'format = "csv"\ncolumns = ["T1", "count", ""]\nheader = false'
    """What the configuration says of such a board."""

    def __init__(
        self,
        scene: Scene,
        name: str,
        *,
        rate: float = 50.0,
        numbers: Iterable[int] | None = None,
        cut: Callable[[bytes, int], Iterable[bytes]] = lambda line, number: [line],
        before: Callable[[int], bytes] = lambda number: b"",
    ) -> None:
        self.board, self.name, self.sent = scene.boards[name], name, scene.judge.written.sent
        self._rate, self._cut, self._before = rate, cut, before
        self._numbers = count(1) if numbers is None else numbers
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._type, name=f"typist {name}", daemon=True)
        self.board.stop = self.stop  # type: ignore[method-assign]
        scene.stack.callback(self.stop)
        self._thread.start()

    def stop(self) -> None:
        """Ends with the line that is under way."""
        self._over.set()
        self._thread.join(10)

    def _type(self) -> None:
        due = time.monotonic()
        for number in self._numbers:
            value = 20.0 + number % 1000 / 16
            line = f"{value:.4f},{number},südöstlich\r\n".encode()
            for piece in chain([self._before(number)], self._cut(line, number)):
                if piece:
                    self.board.write(piece, 30.0)
            self.sent[self.name, "T1", number] = value, time.monotonic()
            due = max(due + 1 / self._rate, time.monotonic() - 0.1)
            if self._over.wait(max(0.0, due - time.monotonic())):
                return
