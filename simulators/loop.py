"""One loop for many boards: it wakes when the first of them has something to do, or a reader has made room."""

import select
import time
from collections.abc import Callable, Sequence
from typing import Protocol

LOOK = 0.02  # s between two looks at whether a reader has come or gone, and at whether it is over


class Speaker(Protocol):
    """What the loop runs."""

    @property
    def starved(self) -> bool:
        """Whether it has more to write and its reader leaves no room."""

    @property
    def fd(self) -> int | None:
        """Where room is waited for; None while there is no port."""

    def step(self, now: float) -> float:
        """Does what is due by `now` (monotonic) and says when it wants the next step."""
        ...


def serve(boards: Sequence[Speaker], over: Callable[[], bool]) -> None:
    """Runs `boards` until `over`, which is asked at each turn, every LOOK seconds at least."""
    due = [0.0] * len(boards)
    while not over():
        now = time.monotonic()
        for place, board in enumerate(boards):
            if due[place] <= now:
                due[place] = board.step(now)
        wait = min(max(min(due) - time.monotonic(), 0.0), LOOK)
        room = select.poll()
        starved = {}
        for place, board in enumerate(boards):
            if board.starved and (fd := board.fd) is not None:
                room.register(fd, select.POLLOUT)
                starved[fd] = place
        for fd, _ in room.poll(wait * 1000):
            due[starved[fd]] = 0.0


def until(condition: Callable[[], object], timeout: float, sentence: str) -> None:
    """Returns when `condition()` holds; raises TimeoutError with `sentence` when it does not in `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{sentence} within {timeout:g} s")
        time.sleep(0.002)
