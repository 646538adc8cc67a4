"""How a line is set, by a text like "8N1"."""

import re

_SETTINGS = re.compile(r"([5-8])([NEOMS])(1|1\.5|2)")


def settings(text: str) -> tuple[int, str, float]:
    """Data bits, parity and stop bits of a text like "8N1". Raises ValueError."""
    if (match := _SETTINGS.fullmatch(text)) is None:
        raise ValueError(
            f'"{text}" says nothing about a serial line: write data bits, parity and stop bits, like "8N1" or "7E1"'
        )
    bits, parity, stop = match.groups()
    return int(bits), parity, float(stop)
