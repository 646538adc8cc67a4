"""The founding formulas for one value, as plain Python computes them; by the thousand: founding.py, heavy.py."""

import math

DIGITS = 4
HEAVY_DIGITS = 6


def normalized(value: float, lo: float, hi: float) -> float:
    """Where `value` lies between lo (0) and hi (1), rounded. Infinite on overflow."""
    return round((value - lo) / (hi - lo), DIGITS)


def feature(value: float, lo: float, hi: float) -> float:
    """sqrt(|normalized, unrounded|) * ln(|value| + 1), rounded. Infinite on overflow."""
    return round(math.sqrt(abs((value - lo) / (hi - lo))) * math.log(abs(value) + 1), DIGITS)


def heavy(value: float, rounds: int) -> float:
    """`rounds` times v = sin(v) * cos(v) + ln(|v| + 1), then rounded: the load of the founding benchmark."""
    for _ in range(rounds):
        value = math.sin(value) * math.cos(value) + math.log(abs(value) + 1)
    return round(value, HEAVY_DIGITS)
