"""Fast streets take turns, whichever test processes they run in: two at once would keep the cores from each other, and
from the quick ears that judge them.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

FAST = 1000  # readings a second


@contextlib.contextmanager
def alone(folder: Path, rate: float) -> Iterator[None]:
    """Waits until no other fast street of this run of the tests is there. folder: of the test; rate: readings/s."""
    if rate < FAST:
        yield
        return
    run = folder.parents[1] if "PYTEST_XDIST_WORKER" in os.environ else folder.parent
    with open(run / "fast-street.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
