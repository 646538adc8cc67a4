r"""block: a record over several lines, which framing/blocks.py has put together.

    Temperature for device: 0            start = 'Temperature for device: ', end = 'Temp C: |Error: '
    Temp C: 23.06 Temp F: 73.51          pattern = 'device: (?P<sensor>\d+)\nTemp C: (?P<value>\S+)'    0 23.06 °C

    [24.25, 24.00,                       start = '\[', end = '\]'
    23.75, 24.00]                        pattern = '(?P<value>[^\s,\[\]]+)'    S1 24.25 °C, S2 24.00 °C, …

    Temperature = 21.87 *C               start = 'Temperature = ', end = ""
    Humidity = 44.12 %                   without a pattern the lines are pairs, as in kv, or else numbers, as in plain;
                                         all of them one record

The pattern is looked for again and again; each of its groups has to be found, and as often as in the block before.
"""

from dataclasses import replace

from ...model import BadValue, Decoded, FormatOptions, Frame, Noise, Refusal, Sample, Why
from ...patterns import Pattern
from ..framing.blocks import Blocks, Edge
from .groups import Groups, Values
from .kv import Kv
from .plain import Plain
from .rows import Row, Rows
from .text import ROLES, noise, outcome, readable, refused

Cell = tuple[str, str]
"""A group, and the text that it holds."""


class Block:
    """Decodes blocks: lines parted by LF. Raises BadPattern.

    A match that holds a `sensor` begins a record of that sensor; else the whole block is one record. Plain names in
    `columns` are those of all that is found, in order.
    """

    name = "block"

    def __init__(self, options: FormatOptions) -> None:
        self._starts, self._ends = _edge(options.start), _edge(options.end)
        self._timeout = options.timeout
        self._pattern = Pattern(options.pattern, lines=True) if options.pattern else None
        self._groups = Groups(options, self._pattern.groups if self._pattern else ())
        self._widths = Rows(replace(options, columns=self._groups.plain))
        self._lines: tuple[Kv | Plain, ...] = (Kv(options), Plain(options))

    def framing(self, limit: int, midstream: bool) -> Blocks:
        """How its bytes are cut."""
        return Blocks(limit, midstream, self._starts, self._ends, self._timeout)

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a block holds."""
        lines = [readable(line) for line in frame.split(b"\n")]
        texts = [line for line in lines if isinstance(line, str)]
        if len(texts) < len(lines):
            return refused(Why.BAD_FRAME, frame)
        if self._pattern is None:
            return self._without_pattern(texts, frame)
        found = self._pattern.each("\n".join(texts).encode())
        if not found:
            return refused(Why.BAD_FRAME, frame) if self._starts or found is None else noise(frame)
        result = self._record([_cells(self._pattern.groups, one) for one in found])
        return refused(result, frame) if isinstance(result, Why) else outcome(*result, frame)

    def _record(self, matches: list[list[Cell]]) -> Values | Why:
        """All values of a block, or why none of it is any good."""
        cells = [cell for found in matches for cell in found]
        if {group for group, _ in cells} < set(self._groups.groups):
            valued = any(ROLES.get(self._groups.name(group).casefold(), "value") == "value" for group, _ in cells)
            return Why.WRONG_COLUMNS if valued and [] not in matches else Why.ERROR_MARK
        if not self._widths.fits(Row([text for _, text in cells])):
            return Why.WRONG_COLUMNS
        samples: list[Sample] = []
        bad: list[BadValue] = []
        for names, part in self._records(matches):
            groups, texts = zip(*part, strict=True) if part else ((), ())
            result = self._groups.read(groups, tuple(names), list(texts))
            if isinstance(result, Why):
                return result
            samples += result[0]
            bad += result[1]
        return samples, bad

    def _records(self, matches: list[list[Cell]]) -> list[tuple[list[str], list[Cell]]]:
        """The cells of each record, with their names. The number of the block is that of all records."""
        places = iter(self._groups.plain or [self._groups.name(group) for found in matches for group, _ in found])
        records: list[tuple[list[str], list[Cell]]] = []
        counted: list[tuple[str, Cell]] = []
        sensed = False  # the last record has its sensor
        for found in matches:
            names = [next(places) for _ in found]
            roles = [ROLES.get(name.casefold(), "") for name in names]
            if not records or (sensed and "sensor" in roles):
                records.append(([name for name, _ in counted], [cell for _, cell in counted]))
                sensed = False
            sensed = sensed or "sensor" in roles
            if len(records) == 1 and "count" in roles:
                counted = [(names[roles.index("count")], found[roles.index("count")])]
            records[-1][0].extend(names)
            records[-1][1].extend(found)
        return records

    def _without_pattern(self, lines: list[str], frame: bytes) -> Decoded | Refusal | Noise:
        """The lines as one line: of pairs, or of numbers; what has read one block reads all."""
        result: Decoded | Refusal | Noise = noise(frame)
        for each in self._lines:
            between = "\t" if isinstance(each, Kv) else " "
            result = each.decode(between.join(line.strip() for line in lines).encode())
            if isinstance(result, Decoded):
                self._lines = (each,)
            if not isinstance(result, Noise):
                break
        if isinstance(result, Decoded):
            return result
        return refused(result.why, frame) if isinstance(result, Refusal) else noise(frame)


def _edge(text: str | None) -> Edge:
    """Whether a line begins with a match of a pattern; of "" whether it is empty. Colours are looked through."""
    if text is None:
        return None
    pattern = Pattern(text)

    def holds(line: bytes) -> bool:
        shown = readable(line)
        line = line if isinstance(shown, Refusal) else shown.encode()
        return pattern.begins(line) if text else not line.strip()

    return holds


def _cells(groups: tuple[str, ...], found: tuple[bytes | None, ...]) -> list[Cell]:
    """The groups that took part in a match, and what they hold."""
    return [
        (group, text.decode(errors="replace").strip())
        for group, text in zip(groups, found, strict=True)
        if text is not None
    ]
