"""What a fresh format makes of a few lines, for tests."""

from typing import Any

from gateway.ingest.formats import FORMATS
from gateway.model import Decoded, FormatOptions, Noise, Refusal


def decode(name: str, *lines: bytes, **given: Any) -> Decoded | Refusal | Noise:
    """What a fresh format makes of the last line, after those before it."""
    board = FORMATS[name](FormatOptions(**given))
    return [board.decode(line) for line in lines][-1]


def pairs(result: Decoded | Refusal | Noise) -> dict[str, float]:
    """Sensor and value of what was decoded."""
    assert isinstance(result, Decoded), result
    return {sample.sensor: sample.value for sample in result.samples}
