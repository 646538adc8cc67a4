"""Temperatures that look measured: a slow drift, answers to new set points, noise, and a sensor's resolution."""

import math
from collections.abc import Iterator
from random import Random

RESOLUTIONS = (0.0625, 0.01)  # °C: a DS18B20's and an SHT31's; a board's sensors take turns
DAY = 1800.0  # s; the drift's period: a day that goes by fast enough to be seen


def temperatures(random: Random, dt: float, resolution: float) -> Iterator[float]:
    """One sensor's values in °C, for ever, one each `dt` seconds.

    target(t) = set point + drift; T += (target - T) (1 - exp(-dt/tau)), the step response of a first-order body; then
    Gaussian noise, rounded to `resolution`. One set point in eight lies outside [20, 80]: what is heated gets too hot.
    """
    tau = random.uniform(2.0, 8.0)
    noise = random.uniform(0.01, 0.04)
    swing, phase = random.uniform(0.5, 3.0), random.uniform(0.0, math.tau)
    share = 1.0 - math.exp(-dt / tau)
    place = random.uniform(28.0, 72.0)  # what this sensor's set points lie around
    point = true = place
    until = random.expovariate(1 / 15.0)
    time = 0.0
    while True:
        if time >= until:
            point = _set_point(random, place)
            until = time + random.uniform(8.0, 40.0)
        target = point + swing * math.sin(math.tau * time / DAY + phase)
        true += (target - true) * share
        yield round((true + random.gauss(0.0, noise)) / resolution) * resolution
        time += dt


def _set_point(random: Random, place: float) -> float:
    if random.random() < 1 / 8:
        return random.choice((random.uniform(12.0, 18.0), random.uniform(82.0, 92.0)))
    return min(max(random.gauss(place, 8.0), 24.0), 76.0)
