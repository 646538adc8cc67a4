"""A pseudo-terminal for tests of ports, and what of it this process has open."""

import os

import pytest

from tests.faults import tree


@pytest.fixture
def pty():
    """(the board's end, the path of the port)."""
    main, other = os.openpty()
    path = os.ttyname(other)
    os.close(other)
    yield main, path
    os.close(main)


def held(path: str) -> list[str]:
    """The descriptors of this process that name a path, also one that is deleted."""
    return [name for name in tree.opened(os.getpid(), path) if name.split()[0] == path]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
