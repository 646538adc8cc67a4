"""What is watched, as lines of JSON on standard output."""

from __future__ import annotations

import asyncio
import sys

from pydantic_core import to_json

from .state import News


class Lines:
    """JSON, a document a line, on standard output. over: set when nobody reads it any more."""

    def __init__(self, over: asyncio.Event) -> None:
        self._over = over
        self._gone: BrokenPipeError | None = None

    def write(self, news: News) -> None:
        """One line."""
        if self._gone is not None:
            return
        kind, gateway, what = news
        try:
            sys.stdout.buffer.write(to_json({"kind": kind, "gateway": gateway, **what}, inf_nan_mode="null") + b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError as error:  # raised where a command can end by it: see `check`
            self._gone = error
            self._over.set()

    def check(self) -> None:
        """Raises BrokenPipeError where a line could not be written."""
        if self._gone is not None:
            raise self._gone
