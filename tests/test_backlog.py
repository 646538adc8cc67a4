"""Backpressure: who is held, and that nobody stays so."""

import asyncio

from gateway.backlog import HIGH, LOW, Valve, holds


class Source:
    """A reader as far as it can be held."""

    def __init__(self, sender_waits: bool) -> None:
        self.sender_waits, self.paused = sender_waits, False
        self.let_go = asyncio.Event()

    def pause(self) -> None:
        """Held."""
        self.paused = True
        self.let_go.clear()

    def resume(self) -> None:
        """Let go."""
        self.paused = False
        self.let_go.set()


def test_only_a_sender_that_waits_is_held_and_only_while_the_broker_moves():
    """A UART is always read; in an outage everybody is; in between, from HIGH down to LOW."""
    assert holds(HIGH + 1, False, sender_waits=True, moving=True)
    assert not holds(HIGH, False, sender_waits=True, moving=True)
    assert holds(LOW + 1, True, sender_waits=True, moving=True)
    assert not holds(LOW, True, sender_waits=True, moving=True)
    assert not holds(10 * HIGH, False, sender_waits=False, moving=True)
    assert not holds(10 * HIGH, True, sender_waits=True, moving=False)


async def test_boards_that_flood_share_what_may_be_under_way():
    """The second board is held at half, the third at a third; when one is let go the others have more again."""
    under_way = {"a": HIGH + 1, "b": HIGH // 2 + 1, "c": HIGH // 3 + 1, "quiet": HIGH // 4}
    valve, sources = Valve(under_way.__getitem__, lambda: True), {name: Source(True) for name in under_way}
    for name, source in sources.items():
        valve.fed(name, source)
    assert [source.paused for source in sources.values()] == [True, True, True, False]
    under_way |= {"a": LOW // 3, "b": LOW // 2, "c": LOW + 1}
    valve.relieve()
    assert [source.paused for source in sources.values()] == [False, False, True, False]


async def test_the_valve_lets_go():
    """By acknowledgements, and by itself when the broker has stopped moving and nothing else would."""
    under_way = {"pty": HIGH + 1, "uart": HIGH + 1}
    moving = True
    valve = Valve(under_way.__getitem__, lambda: moving)
    pty, uart = Source(True), Source(False)
    valve.fed("pty", pty)
    valve.fed("uart", uart)
    assert (pty.paused, uart.paused) == (True, False)
    under_way["pty"] = LOW
    valve.relieve()
    assert not pty.paused
    under_way["pty"] = HIGH + 1
    valve.fed("pty", pty)
    assert pty.paused
    moving = False
    async with asyncio.timeout(5):
        await pty.let_go.wait()
    assert not pty.paused
