"""Backpressure: who is held, and that nobody stays so."""

import asyncio

from gateway.backlog import GULP, HIGH, LOW, Valve, holds


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
    """Together they have as much as one would: who has its share or more is held, and a quiet one is not."""
    under_way = dict.fromkeys((*"abcd", "quiet"), 0)
    valve, sources = Valve(under_way.__getitem__, lambda: True), {name: Source(True) for name in under_way}
    for _ in range(HIGH // 4 // 100):
        for name in "abcd":
            under_way[name] += 100
            valve.fed(name, sources[name])
    assert not any(source.paused for source in sources.values()), "it is not more than one may have"
    under_way["quiet"] = 1
    valve.fed("quiet", sources["quiet"])
    for name in "abcd":
        under_way[name] += 1
        valve.fed(name, sources[name])
    assert [source.paused for source in sources.values()] == [True, True, True, True, False]
    under_way |= {"a": LOW // 4, "b": LOW // 4}
    valve.relieve()
    assert [sources[name].paused for name in "abc"] == [False, False, True]


async def test_in_an_outage_nobody_is_counted():
    """Much is under way then, for long: what comes costs no look at all boards, and nobody is held."""
    looks = []
    valve = Valve(lambda board: looks.append(board) or HIGH, lambda: False)
    for number in range(100):
        source = Source(True)
        valve.fed(str(number), source)
        assert not source.paused
    assert looks == [str(number) for number in range(100)]


async def test_a_uart_that_floods_holds_no_quiet_board():
    """What cannot be held may have more than all others together."""
    under_way = {"uart": 10 * HIGH, "pty": 10}
    valve, sources = Valve(under_way.__getitem__, lambda: True), {"uart": Source(False), "pty": Source(True)}
    for name, source in sources.items():
        valve.fed(name, source)
    assert not any(source.paused for source in sources.values())


async def test_many_that_are_let_go_do_not_flood_at_once():
    """Of a hundred as many are let go as there is room for what they bring, and then those that follow."""
    under_way = dict.fromkeys(map(str, range(100)), HIGH)
    valve, sources = Valve(under_way.__getitem__, lambda: True), {name: Source(True) for name in under_way}
    for name, source in sources.items():
        valve.fed(name, source)
    under_way |= dict.fromkeys(list(under_way)[1:], 0)
    under_way["0"] = LOW
    held = [name for name, source in sources.items() if source.paused]
    assert len(held) == 99, "the first was alone when it was heard"
    while held:
        valve.relieve()
        free = [name for name in held if not sources[name].paused]
        assert free == held[: len(free)]
        assert 0 < len(free) <= -(-HIGH // GULP)
        valve.relieve()
        assert not any(not sources[name].paused for name in held[len(free) :]), "what comes of these is not here yet"
        for name in free:
            valve.fed(name, sources[name])
        held = held[len(free) :]


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
