"""What is watched, as lines on standard output."""

from __future__ import annotations

import asyncio
import sys

from pydantic_core import to_json

from .state import News


class Full(Exception):
    """Standard output takes no more; says why."""


def put(text: str) -> None:
    """Lines for a person. Raises Full, and BrokenPipeError where nobody reads them any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise _ended(error) from error


def _ended(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    return Full(f"its output cannot be written ({error.strerror}), so it has ended; is the disk full?")


class Lines:
    """JSON, a document a line, on standard output. over: set when that takes no more."""

    def __init__(self, over: asyncio.Event) -> None:
        self._over = over
        self._gone: OSError | None = None

    def write(self, news: News) -> None:
        """One line."""
        if self._gone is not None:
            return
        kind, gateway, what = news
        try:
            sys.stdout.buffer.write(to_json({"kind": kind, "gateway": gateway, **what}, inf_nan_mode="null") + b"\n")
            sys.stdout.buffer.flush()
        except OSError as error:  # raised where a command can end by it: see `check`
            self._gone = error
            self._over.set()

    def check(self) -> None:
        """Raises as `put` does where a line could not be written."""
        if self._gone is not None:
            raise _ended(self._gone) from self._gone
