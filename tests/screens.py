"""A terminal as far as a live view needs one: what is on its screen after what was written to it.

Anything else than text, cursor addressing, erasing, styles and the second screen is an error: nothing of a name or a
value may reach a terminal that it would obey.
"""

import re

from gateway.live import cells

PIECE = re.compile(r"\x1b\[([?]?[0-9;]*)([A-Za-z])|\r\n|[^\x00-\x1f\x7f]")
WIDE = "\0"  # the second cell of a wide character


class Emulated:
    """A screen of this size; `second`: the second screen is shown. Lines wrap as on an xterm."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.second = False
        self.cursor = True
        self._rows: list[list[str]] = []
        self._rest = ""
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Another size; what was there is gone."""
        self.width, self.height, self._row, self._column = width, height, 0, 0
        self._rows = [[" "] * width for _ in range(height)]
        self._first = [list(row) for row in self._rows]

    @property
    def lines(self) -> list[str]:
        """What is to be seen, without the blanks at the ends."""
        return ["".join(row).replace(WIDE, "").rstrip() for row in self._rows]

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)

    def feed(self, data: str) -> None:
        """What a program has written, cut anywhere."""
        data, at = self._rest + data, 0
        while at < len(data):
            found = PIECE.match(data, at)
            if found is None:
                assert data[at] in "\x1b\r" and len(data) - at < 24, f"no terminal should get {data[at : at + 24]!r}"
                break
            self._take(found)
            at = found.end()
        self._rest = data[at:]

    def _take(self, found: re.Match[str]) -> None:
        if found[0] == "\r\n":
            self._line()
        elif found[2] is None:
            self._put(found[0])
        else:
            self._obey(found[1], found[2])

    def _line(self) -> None:
        self._column = 0
        if self._row == self.height - 1:
            self._rows = [*self._rows[1:], [" "] * self.width]
        else:
            self._row += 1

    def _put(self, char: str) -> None:
        width = cells(char)
        if width == 0:
            place = max(0, self._column - 1)
            self._rows[self._row][place] += char
            return
        if self._column + width > self.width:
            self._line()
        self._rows[self._row][self._column : self._column + width] = [char, WIDE][:width]
        self._column += width

    def _obey(self, given: str, what: str) -> None:
        numbers = [int(part) for part in given.strip("?").split(";") if part]
        match what:
            case "m":
                assert all(number in (*range(8), *range(30, 38)) for number in numbers), given
            case "H":
                row, column = numbers or (1, 1)
                self._row, self._column = min(row, self.height) - 1, min(column, self.width) - 1
            case "K":
                assert given == ""
                self._rows[self._row][self._column :] = [" "] * (self.width - self._column)
            case "J":
                first = 0 if given == "2" else self._row
                self._rows[first:] = [[" "] * self.width for _ in range(self.height - first)]
            case "h" | "l" if given == "?1049":
                self.second = what == "h"
                if self.second:
                    self._first = self._rows
                else:
                    self._rows = self._first
                self._rows = [list(row) for row in self._rows]
            case "h" | "l" if given == "?25":
                self.cursor = what == "h"
            case _:
                raise AssertionError(f"no view needs CSI {given}{what}")
