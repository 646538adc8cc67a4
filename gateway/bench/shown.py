"""How a measurement looks: tables in plain text, and a line of progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Lines with columns under each other, the first `left` of them flush left, the others right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        pads = [
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(pads).rstrip()

    return [line(head), line(["-" * width for width in widths]), *map(line, rows)]


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Shows what is going on, in one line of a terminal on standard error; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return

    def say(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text[:78]}")
        sys.stderr.flush()

    try:
        yield say
    finally:
        say("")
