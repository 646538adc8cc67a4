"""Where the control socket is, and how it is reached by a path of any length: a socket's own has at most 107 bytes."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

NAME = "control"
SYSTEM = Path("/run/gateway")  # the service's runtime directory


def runtime() -> Path | None:
    """The directory that the service manager has made for this run."""
    given = os.environ.get("RUNTIME_DIRECTORY")
    return Path(given.split(":")[0]) if given else None


@contextlib.contextmanager
def short(folder: Path) -> Iterator[str]:
    """A short path of the socket in `folder`, as long as it is used. Raises OSError."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{place}/{NAME}"
    finally:
        os.close(place)
