"""`gateway record`: reads a port as the gateway would, and takes down all that comes, with its times.

It writes nothing to the port, unless that of a board whose table has it asked: then it asks as the gateway would, and
takes down what it sent. What it says while it runs goes to standard error, what came of it to standard output.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from .. import __version__
from ..config.keys import WEEK
from ..config.keys import port as checked_port
from ..config.keys import serial as checked_serial
from ..config.load import made, place_of, tables
from ..config.values import duration, size
from ..config.words import Unfit, amount, nearest, quoted, span
from ..ingest.capture.file import CaptureError, Writer
from ..ingest.capture.lines import Header, Heard, Mark
from ..ingest.capture.listener import listener
from ..ingest.shared_lines import asked_beside
from ..ingest.sharing import watch
from ..model import Board, Port
from ..parts import Parts
from ..shown import shown

T = TypeVar("T")
EVERY = 0.5  # s between two looks at how far it is


def record(boards: Sequence[Board], file: str | None, seconds: str | None, most: str, *, as_json: bool) -> int:
    """Records a board, or those that are asked on one port. Gives the exit code.

    It ends at Ctrl-C or SIGTERM, after `seconds`, or when the file has `most` bytes. Raises Unfit for a duration or a
    size that is none, CaptureError when there is no capture in the end.
    """
    if seconds is not None and seconds.replace(".", "", 1).isdecimal():
        seconds += "s"  # as other commands take it
    lasting = None if seconds is None else _checked("--for", duration(0.1, WEEK), seconds)
    limit = _checked("--bytes", size(1000, 10**12), most)
    board = boards[0]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", board.name).strip("-")[-60:] or "board"
    path = Path(file or f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
    recording = asyncio.run(_record(boards, path, lasting, limit))
    recording.writer.close()  # the loop has ended: Ctrl-C ends a wait for a disk that hangs
    where = shown(str(path), 500)
    if not recording.opened:
        path.unlink()
        raise CaptureError(recording.reason or f"{board.port.path} did not open in time")
    if recording.writer.error is not None:
        why = str(recording.writer.error.strerror or recording.writer.error).lower()
        raise CaptureError(f"{where} cannot be written any more ({why}); what is in it can be replayed")
    if as_json:
        document = {
            "file": str(path), "board": board.name, "port": recording.reader.port, "seconds": round(recording.last, 3),
            "bytes": recording.bytes, "chunks": recording.chunks, "sent": recording.sent, "lost": recording.lost,
            "ended": recording.ended,
        }  # fmt: skip
        print(json.dumps(document, ensure_ascii=False))
    else:
        print(f"wrote {where}: {recording.told()}; `gateway replay` shows what the gateway makes of it")
    return 0


def targets(word: str, config: Path, baud: int | None, serial: str | None) -> list[Board]:
    """The board to be recorded; of a board that is asked, all that are asked on its port, and it first.

    word: a path, socket://host:port, or the name of a board, or of a table, in the file `config`. Raises Unfit when it
    is none of these, Wrong for a configuration that does not hold.
    """
    if "/" in word:
        path = word if "://" in word else str(Path(word).absolute())
        found = [Board(path.rsplit("/", 1)[-1], Port(_checked("the port", checked_port, path)))]
    else:
        data = tables(config)
        known = made(data, config)
        place = place_of(word, known, data)
        if place is None:
            names = [one.name for one in known.boards]
            there = "; there are " + ", ".join(map(quoted, names)) if names else ""
            raise Unfit(
                f"{shown(str(config), 500)} has no board {quoted(word)}{nearest(word, names) or there}; "
                "a port is given as a path, such as /dev/ttyUSB0"
            )
        found = sorted(asked_beside(known.boards[place], known.boards), key=lambda one: one is not known.boards[place])
    board = found[0]
    if board.port.path == "auto":
        raise Unfit(f'the board {quoted(word)} has the port "auto": give its path, `gateway ports` lists them')
    line = board.port
    if not baud and not line.baud:
        raise Unfit(f'the board {quoted(word)} has baud = "auto", and a capture is of one rate: give that with --baud')
    if serial is not None:
        line = replace(line, serial=_checked("--serial", checked_serial, serial))
    line = replace(line, baud=baud or line.baud)
    return [replace(one, port=line) for one in found]


async def _record(boards: Sequence[Board], path: Path, seconds: float | None, most: int) -> Recording:
    try:
        recording = Recording(boards, path, most)
    except FileExistsError:
        raise CaptureError(f"{shown(str(path), 500)} is there already and stays as it is; `-o` names another") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = str(getattr(error, "strerror", None) or error).lower()
        raise CaptureError(f"{shown(str(path), 500)} cannot be written: {why}; `-o` names another") from None
    await recording.run(seconds)
    return recording


class Recording:
    """One run of the command. boards: of one port; most: bytes of the file after which it ends."""

    def __init__(self, boards: Sequence[Board], path: Path, most: int) -> None:
        """Raises OSError when there can be no new file."""
        self.bytes = self.chunks = self.sent = self.opened = self.lost = 0
        self.last = 0.0  # s after the start; when something was heard
        self.ended = ""  # for | bytes | told | disk
        self.reason: str | None = None  # the last thing that was said of the port
        self._most, self._terminal = most, sys.stderr.isatty()
        self._said: set[str] = set()  # of the boards' answers
        self._stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        board, start = boards[0], time.monotonic()
        port = board.port
        header = Header(board.name, time.time(), False, port.path, port.baud, port.serial, __version__, board.asked)
        self.writer = Writer(path, header, lambda: loop.call_soon_threadsafe(self._end, "disk"))
        self._listener = listener(boards, self._take, start, self._look)
        self.reader = self._listener.reader

    async def run(self, seconds: float | None) -> None:
        """Records until the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, "told")
        if seconds is not None:
            loop.call_later(seconds, self._end, "for")
        parts = Parts()
        parts.start(self.reader.run())
        parts.start(watch({"": self.reader}))
        if self._terminal:
            parts.start(self._progress())
        try:
            await parts.until(self._stop)
        finally:
            await parts.end()
            if self._terminal:
                self._say("")

    def told(self) -> str:
        """How far it is, for people."""
        lost = f", the port was lost {self.lost} time{'s' * (self.lost != 1)}" if self.lost else ""
        asked = f", {self.sent} times asked" if self._listener.parties else ""
        return f"{amount(self.bytes)} in {self.chunks} pieces over {span(round(self.last, 1))}{asked}{lost}"

    def _take(self, heard: Heard) -> None:
        self.writer.put(heard)
        self.last = heard.at
        if heard.sent:
            self.sent += 1
        else:
            self.bytes += len(heard.data)
            self.chunks += bool(heard.data)
        self.opened += heard.mark is Mark.OPENED
        self.lost += heard.mark is Mark.LOST and not self.ended
        if self.writer.size >= self._most:
            self._end("bytes")

    def _end(self, why: str) -> None:
        self.ended = self.ended or why
        self._stop.set()

    def _look(self) -> None:
        """Something about the port, or about a board's answers, has changed; people are told, once."""
        self._listener.tape.look()
        sharer = self.reader.sharer
        said = f"{sharer} has the port open as well, and takes part of what comes" if sharer else self.reader.reason
        if said != self.reason and not self.ended:
            self.reason = said
            if said:
                self._say(f"gateway: {shown(said, 500)}\n")
        for party in self._listener.parties:
            if (reason := party.reason) and reason not in self._said and not self.ended:
                self._said.add(reason)
                self._say(f"gateway: {party.board.name}: {shown(reason, 500)}\n")

    async def _progress(self) -> None:
        while True:
            self._say(f"{self.told()}; Ctrl-C ends it")
            await asyncio.sleep(EVERY)

    def _say(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}" if self._terminal else text)
        sys.stderr.flush()


def _checked(name: str, check: Callable[[object], T], value: object) -> T:
    """`value` as `check` gives it. Raises Unfit, with `name`."""
    try:
        return check(value)
    except Unfit as error:
        raise Unfit(f"{name}: {error}") from None
