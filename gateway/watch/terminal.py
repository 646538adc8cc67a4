"""A terminal with its keyboard: key by key, another size, stopped by Ctrl-Z and going on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
from collections.abc import Callable
from typing import Any, Self

from ..live import Screen


class Terminal:
    """A screen and the keyboard before it. pressed: gets bytes of keys; changed: it has to be drawn anew."""

    def __init__(self, pressed: Callable[[bytes], None], changed: Callable[[], None], gone: Callable[[], None]) -> None:
        self.screen = Screen(sys.stdout)
        self._pressed, self._changed, self._gone = pressed, changed, gone
        self._keyboard = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._take()
        loop.add_signal_handler(signal.SIGWINCH, self._redrawn)
        loop.add_signal_handler(signal.SIGTSTP, self._stop)
        if self._keyboard is not None:
            loop.add_reader(self._keyboard, self._read)
        return self

    def __exit__(self, *error: object) -> None:
        loop = asyncio.get_running_loop()
        if self._keyboard is not None:
            loop.remove_reader(self._keyboard)
        loop.remove_signal_handler(signal.SIGWINCH)
        loop.remove_signal_handler(signal.SIGTSTP)
        self._give_back()

    def _take(self) -> None:
        """Keys come one by one and are not shown; Ctrl-C and Ctrl-Z stay what they are."""
        if self._keyboard is not None:
            self._before = termios.tcgetattr(self._keyboard)
            raw = termios.tcgetattr(self._keyboard)
            raw[3] &= ~(termios.ICANON | termios.ECHO)
            raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, raw)
        self.screen.__enter__()

    def _give_back(self) -> None:
        self.screen.__exit__()
        if self._keyboard is not None and self._before is not None:
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._before)

    def _stop(self) -> None:
        """Ctrl-Z: the terminal is the shell's until we go on."""
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()
        self._redrawn()

    def _redrawn(self) -> None:
        self.screen.forget()
        self._changed()

    def _read(self) -> None:
        assert self._keyboard is not None
        try:
            data = os.read(self._keyboard, 1024)
        except OSError:
            data = b""
        if data:
            self._pressed(data)
        else:
            asyncio.get_running_loop().remove_reader(self._keyboard)
            self._gone()
