"""Boards that say what a test gives them, beside those that talk by themselves; what must come of it is declared.

with by_hand(scene, odd='format = "kv"') as (s, boards): boards["odd"].says(b"count:1,T1:21.5", T1=21.5)
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from gateway.names import level
from simulators import Board
from tests.faults.scene import Scene


class Hand:
    """One of them. What it declares is held against what arrives, as everything that other boards write."""

    def __init__(self, name: str, board: Board) -> None:
        self.name, self.board = name, board
        self.frames = 0
        self.scene: Scene
        self._newest: tuple[str, str, int] | None = None

    @property
    def next(self) -> int:
        """The number that the next line has."""
        return self.frames + 1

    def says(self, line: bytes, **means: float) -> None:
        """A line. means: what it must come to, by sensor, where it gives its number as `count`."""
        self.declare(**means)
        self.write(line + b"\n")

    def declare(self, **means: float) -> None:
        """What the next frame has to come to, under its number."""
        self.frames += 1
        for sensor, value in means.items():
            self._newest = self.name, sensor, self.frames
            self.scene.judge.written.sent[self._newest] = value, time.monotonic()

    def write(self, data: bytes) -> None:
        """Bytes, in no line."""
        self.board.write(data, timeout=60)

    def heard(self) -> bool:
        """Whether the last reading that it declared has arrived."""
        return self._newest in self.scene.judge.readings

    def status(self) -> dict[str, Any]:
        """The newest document of it; after a stop with the last counts."""
        return self.scene.status(level(self.name))


@contextlib.contextmanager
def by_hand(
    scene: Callable[..., Scene], /, extra: str = "", hands: dict[str, str] | None = None, **options: Any
) -> Iterator[tuple[Scene, dict[str, Hand]]]:
    """A scene with boards of this kind. hands: by name, the keys of their [[boards]] table; extra: more of the file."""
    with contextlib.ExitStack() as stack:
        made = {name: Hand(name, stack.enter_context(Board(name=name))) for name in hands or {}}
        tables = "".join(
            f'\n[[boards]]\nname = "{name}"\nport = "{hand.board.path}"\n{(hands or {})[name]}\n'
            for name, hand in made.items()
        )
        s = scene(extra=tables + extra, **options)
        for hand in made.values():
            hand.scene = s
            s.until(
                lambda hand=hand: hand.status().get("state") == "online", f"{hand.name} is read", 20
            )  # an open flushes
            hand.write(b"\n")  # what comes before the first line end is noise
        yield s, made
