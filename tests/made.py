"""Features as the compute stage would hand them on, made up."""

from array import array
from collections.abc import Sequence

from gateway.model import Features

KEYS = ("normalized", "feature", "mean", "std")
T0 = 1_795_000_000.123  # s since 1970


def features(
    seq: Sequence[int],
    *,
    board: str = "bench",
    sensor: str = "S1",
    unit: str = "°C",
    keys: tuple[str, ...] = KEYS,
    mono: Sequence[float] | None = None,
    value: Sequence[float] | None = None,
    count: Sequence[int | None] | None = None,
    columns: Sequence[Sequence[float]] | None = None,
    quality: bytes | None = None,
) -> Features:
    """Features of one sensor; what is not given is derived from `seq`: a reading a second."""
    n = len(seq)
    return Features(
        board,
        sensor,
        unit,
        keys,
        array("q", seq),
        array("d", [T0 + number for number in seq]),
        array("d", mono if mono is not None else [float(number) for number in seq]),
        array("d", value if value is not None else [20.0 + number / 8 for number in seq]),
        list(count) if count is not None else [None] * n,
        array("q", [min(number, 60) for number in seq]),
        quality if quality is not None else bytes([4] * n),
        [array("d", column) for column in columns]
        if columns is not None
        else [array("d", [number + k / 4 for number in seq]) for k in range(len(keys))],
    )
