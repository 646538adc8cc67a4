"""Whether the street moves, and that the watchdog is fed only then."""

import asyncio
import math
import socket
from types import SimpleNamespace

import pytest

from gateway import moving, systemd
from gateway.moving import STANDS, Moving


class Street:
    """A clock, and what a street looks like."""

    def __init__(self, monkeypatch):
        self.now, self.oldest, self.trouble, self.told = 1000.0, math.inf, False, []
        monkeypatch.setattr(moving, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.moves = Moving(
            lambda: self.oldest, lambda: self.trouble, lambda name, **fields: self.told.append((name, fields))
        )

    def moves_after(self, seconds):
        """Asked each 10 s."""
        for _ in range(round(seconds / 10)):
            self.now += 10
            moves = self.moves()
        return moves


@pytest.fixture
def street(monkeypatch):
    """One that holds nothing."""
    return Street(monkeypatch)


def test_nothing_that_waits_moves(street):
    """A street without boards is well, however long."""
    assert street.moves_after(10 * STANDS) and street.moves_after(10 * STANDS)


def test_a_backlog_that_is_worked_off_moves(street):
    """Readings may wait for longer than that, as long as others become the oldest."""
    for came in range(20):
        street.oldest = float(came)
        assert street.moves_after(STANDS * 0.9)
    assert street.told == []


def test_one_reading_that_is_never_computed(street):
    """It stands when the same is the oldest for too long; that is told once, and over when it moves again."""
    street.oldest = 5.0
    assert street.moves_after(10) and street.moves_after(STANDS)
    assert not street.moves_after(10)
    assert not street.moves_after(10)
    assert street.told == [
        ("service.failed", {"where": "street", "error": "readings have not been computed for 120 s"})
    ]
    street.oldest = 6.0
    assert street.moves_after(10)


def test_a_sleep_is_not_the_street_s(street):
    """A process that was stopped for an hour, with a reading under way, has time to go on with it."""
    street.oldest = 5.0
    assert street.moves_after(10)
    street.now += 3600
    assert street.moves_after(10)
    assert street.moves_after(60) and not street.moves_after(60)


def test_what_is_told_anyway_is_no_reason(street):
    """While no worker can start, which the status says, a restart would not help: the readings are safe on the disk."""
    street.oldest, street.trouble = 5.0, True
    assert street.moves_after(STANDS * 3) and street.moves_after(STANDS * 3)


async def test_the_watchdog_is_fed_only_then(tmp_path, monkeypatch):
    """The loop runs all the while; when the street stands nothing more is said."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        asked, often = [], asyncio.Event()

        def moves():
            asked.append(len(asked) < 2)
            if len(asked) == 5:
                often.set()
            return asked[-1]

        systemd.stay_awake(asyncio.get_running_loop(), moves)
        async with asyncio.timeout(10):
            await often.wait()
        assert [manager.recv(100), manager.recv(100)] == [b"WATCHDOG=1"] * 2
        with pytest.raises(BlockingIOError):
            manager.recv(100)
