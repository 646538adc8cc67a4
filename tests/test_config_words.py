"""Durations and sizes, as the file spells them and as they are told."""

from typing import Any

import pytest

from gateway.config import words
from gateway.config.values import duration, size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20ms", 0.02), ("60s", 60.0), ("5m", 300.0), ("2h", 7200.0), ("7d", 604_800.0), ("1.5s", 1.5)],
)
def test_durations(text: str, seconds: float) -> None:
    """A duration is a number and its unit, in s."""
    assert duration(0, 1e9)(text) == seconds


@pytest.mark.parametrize(
    "value", ["60", "s", "1 s", "-1s", "1e3s", "\uff11s", "1S", "1us", "1s2", "", 1, 1.5, True, None, ["1s"]]
)
def test_no_durations(value: Any) -> None:
    """What only looks like a duration is refused."""
    with pytest.raises(words.Unfit):
        duration(0, 1e9)(value)


@pytest.mark.parametrize(
    ("text", "count"),
    [("16B", 16), ("4kB", 4000), ("4KiB", 4096), ("256MB", 256_000_000), ("1.5MiB", 1_572_864), ("1GB", 10**9)],
)
def test_sizes(text: str, count: int) -> None:
    """A size is a number and its unit: 1000ⁿ bytes, or 1024ⁿ with an i."""
    assert size(0, 10**12)(text) == count


def test_spans_and_amounts() -> None:
    """Bounds are told as the file spells them."""
    assert [words.span(s) for s in (0, 0.001, 60, 90, 7200, 604_800)] == ["0s", "1ms", "60s", "90s", "2h", "7d"]
    assert [words.amount(n) for n in (16, 4000, 204_800_000)] == ["16 B", "4.0 kB", "204.8 MB"]
