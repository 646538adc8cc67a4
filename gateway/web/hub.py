"""What is shown now, and the pages that look: each event is made into text once, and handed to all. No socket.

A page that is slow holds up nobody: what waits for it is bounded, and beyond that it gets all anew when it is ready.
"""

import asyncio
import json
from array import array
from collections import deque
from collections.abc import Callable
from typing import Any

from ..feed.feeder import ALARMS
from ..model import Quality

WAITING = 16  # events that may wait for a page
GONE, LEFT = 10_000, 1_000  # ids of sensors, and boards, of which it is remembered that they have left
KEEP_ALIVE = 15.0  # s
RETRY = b"retry: 2000\n\n"
COMMENT = b": nothing new\n\n"
_QUALITIES = tuple(Quality)
_ALARM = {code: name for name, code in ALARMS.items()}


class Page:
    """One open page."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self.behind = False  # it has to be told all anew
        self._ready = asyncio.Event()

    def put(self, event: bytes) -> None:
        """One more event for it."""
        if len(self._waiting) >= WAITING:
            self._waiting.clear()
            self.behind = True
        if not self.behind:
            self._waiting.append(event)
        self._ready.set()

    async def next(self, whole: Callable[[], bytes]) -> bytes:
        """What to send next: all that waits, or a comment that keeps the connection. whole: gives all of it anew."""
        try:
            async with asyncio.timeout(KEEP_ALIVE):
                await self._ready.wait()
        except TimeoutError:
            return COMMENT
        self._ready.clear()
        if self.behind:
            self.behind = False
            self._waiting.clear()
            return whole()
        out = b"".join(self._waiting)
        self._waiting.clear()
        return out


class Hub:
    """look: is told whether anybody looks."""

    def __init__(self, look: Callable[[bool], None]) -> None:
        self._look = look
        self._pages: set[Page] = set()
        self._forget()

    def _forget(self) -> None:
        self._gateway: dict[str, Any] | None = None
        self._boards: dict[str, Any] = {}
        self._sensors: dict[int, Any] = {}
        self._values: dict[int, Any] = {}
        self._lines: dict[str, Any] = {}
        self._left: list[str] = []  # boards
        self._time = 0.0
        self._gone: deque[int] = deque(maxlen=GONE)

    def join(self) -> Page:
        """A page was opened: it gets what is known, and what comes. With the first one the gateway is told."""
        page = Page()
        first = not self._pages
        self._pages.add(page)
        if first:
            self._forget()
            self._look(True)
        elif self._gateway is not None:
            page.put(self.whole())
        return page

    def leave(self, page: Page) -> None:
        """It was closed."""
        self._pages.discard(page)
        if not self._pages:
            self._look(False)

    def take(self, name: str, head: dict[str, Any], body: bytes) -> None:
        """An event of the gateway."""
        if name == "values":
            rows = _rows(head["keys"], body)
            self._time = head["time"]
            self._values.update((row[0], row) for row in rows)
            told = _values(self._time, rows)
        else:
            data = json.loads(body)
            if name == "documents":
                self._gateway = data["gateway"]
                self._boards.update(data["boards"])
                back = data["boards"].keys() | set(data["left"])
                self._left = [*(name for name in self._left if name not in back), *data["left"]][-LEFT:]
                for board in data["left"]:
                    self._boards.pop(board, None)
                    self._lines.pop(board, None)
            elif name == "sensors":
                self._sensors.update((one["id"], one) for one in data["sensors"])
            elif name == "gone":
                for id in data["ids"]:
                    self._sensors.pop(id, None)
                    self._values.pop(id, None)
                self._gone.extend(data["ids"])
            elif name == "lines":
                for line in data["refused"]:
                    line["text"] = printable(bytes.fromhex(line["hex"]))
                self._lines[data["board"]] = data
            told = _event(name, data)
        for page in self._pages:
            page.put(told)

    def whole(self) -> bytes:
        """Everything that is known, as a page takes it at its start."""
        events = [_event("documents", {"gateway": self._gateway, "boards": self._boards, "left": self._left})]
        if self._gone:
            events.append(_event("gone", {"ids": list(self._gone)}))
        events.append(_event("sensors", {"sensors": list(self._sensors.values())}))
        events.append(_values(self._time, list(self._values.values())))
        return b"".join(events + [_event("lines", lines) for lines in self._lines.values()])


def _event(name: str, data: Any) -> bytes:
    """An event as text/event-stream has it: JSON has no end of line inside."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode(errors="replace")


def _values(time: float, rows: list[Any]) -> bytes:
    return _event("values", {"time": round(time, 3), "values": rows})


def _rows(keys: list[list[str]], body: bytes) -> list[Any]:
    """The newest readings that the feeder has written as numbers."""
    numbers = array("d")
    numbers.frombytes(body)
    rows, at = [], 0
    while at < len(numbers):
        id, time, value, quality, alarm, which = numbers[at : at + 6]
        names = keys[int(which)]
        at += 6
        found = numbers[at : at + len(names)]
        at += len(names)
        features = {name: one if one == one else None for name, one in zip(names, found, strict=True)}  # NaN: none
        rows.append([int(id), round(time, 3), value, _QUALITIES[int(quality)], features, _ALARM[alarm]])
    return rows


def printable(data: bytes) -> str:
    """Bytes as a person reads them: what prints as it is, all else as \\x1b or \\u202e."""
    text = data.decode(errors="backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
