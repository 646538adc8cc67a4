"""How fast the disk's readings go out: never above the rate, nor below what there is to send."""

import random

from gateway.publish.pace import BURST, LEAST, TIMES, Pace


def test_over_any_time_no_more_goes_than_the_rate():
    dice, pace, now, taken = random.Random(1), Pace(), 50.0, 0
    pace.take(10**9, now)
    for _ in range(5000):
        now += dice.choice([0.0, 0.001, 0.01])
        taken += pace.take(dice.randint(1, 100), now)
        assert taken <= (now - 50.0) * LEAST + LEAST * BURST + 1
    assert taken >= 0.9 * (now - 50.0) * LEAST


def test_a_long_wait_is_no_burst():
    pace = Pace()
    pace.take(10**9, 0.0)
    assert pace.take(10**9, 3600.0) <= LEAST * BURST


def test_what_is_given_back_can_be_taken():
    pace = Pace()
    taken = pace.take(10**9, 100.0)
    pace.give_back(taken)
    assert pace.take(10**9, 100.0) == taken


def test_it_follows_the_live_rate():
    pace, now = Pace(), 0.0
    for _ in range(6000):
        now += 0.01
        pace.live(20, now)
    assert 0.9 * TIMES * 2000 <= pace.rate <= 1.1 * TIMES * 2000
    for _ in range(60):
        now += 1.0
        pace.live(1, now)
    assert pace.rate < 1.2 * LEAST
