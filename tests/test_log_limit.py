"""How much the log may say."""

import random
from collections import Counter, deque
from typing import Any

from gateway.log.limit import Limit


def told(
    limit: Limit, seconds: float, offers: Any, step: float = 0.01, size: int = 300
) -> list[tuple[float, dict[str, Any]]]:
    """What comes out, and when, while `offers(now)` gives the events of each step."""
    out = []
    for tick in range(int(seconds / step)):
        now = tick * step
        for event in offers(now):
            limit.offer(event)
        while (taken := limit.take(now)) is not None:
            limit.spent(size)
            out.append((now, taken[1]))
    return out


def test_the_first_of_each_kind_is_told_at_once() -> None:
    """An event that is not one of many comes out when it went in, without a count."""
    limit = Limit()
    for number, name in enumerate(["board.offline", "broker.lost", "board.silent"]):
        limit.offer({"event": name, "board": "b"})
        taken = limit.take(float(number))
        assert taken is not None
        assert taken[1] == {"event": name, "board": "b"}
        limit.spent(100)
        assert limit.wait(float(number)) is None


def test_a_flapping_board() -> None:
    """Twenty flaps in 4 s: the first is told at once, the newest 10 s later with the number of those between."""
    limit = Limit()
    flaps = deque(tick * 0.2 for tick in range(20))

    def offers(now: float) -> list[dict[str, Any]]:
        return [{"event": "board.offline", "board": "b", "at": flaps.popleft()}] if flaps and now >= flaps[0] else []

    (first, one), (second, other) = told(limit, 30, offers)
    assert (first, one["at"]) == (0.0, 0.0)
    assert (round(second), other["at"], other["held"]) == (10, 19 * 0.2, 18)


def test_a_storm_is_bounded() -> None:
    """50 kinds, thousands of events a second: at most 10 lines in a second, 1 MB in an hour; each kind has its turn."""
    dice = random.Random(3)
    limit = Limit()
    kinds = [
        {"event": f"board.{name}", "board": f"b{number}"} for name in ("offline", "silent") for number in range(25)
    ]
    out = told(limit, 4000, lambda now: dice.choices(kinds, k=5), step=0.05)
    times = [now for now, _ in out]
    assert all(later - earlier >= 1 for earlier, later in zip(times, times[10:], strict=False))
    assert 300 * sum(400 <= now < 4000 for now in times) < 1_000_000
    turns = Counter((event["event"], event["board"]) for now, event in out if now > 400)
    assert len(turns) == 50
    assert max(turns.values()) - min(turns.values()) <= 2
    assert sum(1 + event.get("held", 0) for _, event in out) > 390_000


def test_the_gateways_own_events_go_first() -> None:
    """In a storm of boards the broker's loss is the next line."""
    limit = Limit()
    for number in range(30):
        limit.offer({"event": "board.offline", "board": f"b{number}"})
    limit.offer({"event": "broker.lost"})
    taken = limit.take(0.0)
    assert taken is not None
    assert taken[1]["event"] == "broker.lost"


def test_wait_says_when_the_next_line_may_go() -> None:
    """Whoever waits as long as `wait` says gets the next event; a moment earlier there is none."""
    dice = random.Random(4)
    limit, now, lines = Limit(), 0.0, 0
    for _ in range(2000):
        limit.offer({"event": "board.offline", "board": f"b{dice.randrange(8)}"})
        wait = limit.wait(now)
        assert wait is not None
        if wait > 0.002:
            assert limit.take(now + wait - 0.001) is None
        taken = limit.take(now + wait + 0.001)
        now += wait + 0.001
        if taken is not None:
            limit.spent(dice.randrange(100, 2000))
            lines += 1
    assert lines > 1900


def test_kinds_are_bounded() -> None:
    """With a new board in every event the memory stays: beyond the bound the events of one name are one kind."""
    limit = Limit(kinds=10)
    for number in range(1000):
        limit.offer({"event": "board.offline", "board": f"b{number}"})
    assert len(limit.kinds) == 11
    held = 0
    while (taken := limit.rest()) is not None:
        held += 1 + taken[1].get("held", 0)
    assert held == 1000


def test_what_could_not_be_written_is_held() -> None:
    """A line that was lost on its way counts in the next of its kind, with those that it counted itself."""
    limit = Limit(apart=0)
    for number in range(3):
        limit.offer({"event": "x", "number": number})
    taken = limit.take(0.0)
    assert taken is not None
    limit.lost(*taken)
    limit.offer({"event": "x", "number": 3})
    assert limit.take(0.0) == (taken[0], {"event": "x", "number": 3, "held": 3})
