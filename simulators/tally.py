"""What a board wrote: counted, and told one reading a line where a log is asked for."""

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import IO

from simulators.kinds import Line


@dataclass(slots=True)
class Tally:
    """The counts of one board. A line counts when the write that held its last byte has returned."""

    bytes: int = 0  # all that went out: banners and damaged lines too
    lines: int = 0  # whole and true
    readings: int = 0  # in those lines
    dropped: int = 0  # lines that did not go out whole, or went on a line that was cut: nobody could read them
    damaged: int = 0  # lines with bytes lost or changed by a fault, or read at another rate
    repeated: int = 0  # second copies
    sensors: Counter[str] = field(default_factory=Counter)  # readings of each

    def sent(self, line: Line) -> None:
        """A line went out as it is."""
        if line.what == "data":
            self.lines += 1
            self.readings += len(line.values)
            for name, _ in line.values:
                self.sensors[name] += 1
        elif line.what == "damaged":
            self.damaged += 1
        elif line.what == "copy":
            self.repeated += 1

    def lost(self, line: Line) -> None:
        """A line did not go out, or not whole."""
        if line.what in ("data", "damaged"):
            self.dropped += 1

    def document(self) -> dict[str, object]:
        """The counts, as JSON has them."""
        return {
            "lines": self.lines,
            "readings": self.readings,
            "dropped": self.dropped,
            "damaged": self.damaged,
            "repeated": self.repeated,
            "bytes": self.bytes,
            "sensors": dict(self.sensors),
        }


def log_line(log: IO[str], board: str, line: Line, mono: float) -> None:
    """One JSON line for each reading of `line`; a number that JSON cannot say goes as its text."""
    for sensor, text in line.values:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        value = number if math.isfinite(number) else text
        entry = {"board": board, "sensor": sensor, "value": value, "count": line.record, "mono": mono}
        log.write(json.dumps(entry) + "\n")
