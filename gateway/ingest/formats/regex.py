r"""regex: lines of any shape, by a pattern whose named groups are the columns.

    Device Address: 281D3931020000F0 Temp C: 23.06 Temp F: 73.51
    pattern = 'Device Address: (?P<sensor>\w+) Temp C: (?P<value>\S+) Temp F: .*'         281D3931020000F0 23.06 °C

    Device Address: 281D3931020000F0 Error: Could not read temperature data
    … (?:Temp C: (?P<value>\S+) .*|Error: .*)'            it matches without a value: refused, as an error of the board

The whole line has to match, blanks around it aside. What does not is noise, but for a line that begins as the last one
that matched did, up to its first group: that one is data which was cut or into which something broke.
"""

import re

from ...model import Decoded, FormatOptions, Frame, Noise, Refusal, Why
from ...patterns import Pattern
from .groups import Groups
from .text import is_numberish, noise, outcome, readable, refused

_DIGITS = re.compile(rb"\d+")


class Regex:
    """Decodes lines that match `pattern`. `base` is that of the numbers, 10 or 16. Raises BadPattern."""

    name = "regex"

    def __init__(self, options: FormatOptions) -> None:
        self._pattern = Pattern(options.pattern)
        self._groups = Groups(options, self._pattern.groups)
        self._names = tuple(self._groups.name(group) for group in self._pattern.groups)
        self._last: bytes | None = None  # the last line that matched, and was no error

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        text = readable(frame)
        if isinstance(text, Refusal):
            return text
        line = frame if frame.isascii() and len(text) == len(frame) else text.encode()
        line = line.strip()
        if not line:
            return noise(frame)
        found = self._pattern.whole(line)
        if found is None:
            return refused(Why.BAD_FRAME, frame) if self._begins_as_data(line) else noise(frame)
        names, groups = self._names, self._pattern.groups
        if None in found:
            present = [at for at, text in enumerate(found) if text is not None]
            names, groups = tuple([names[at] for at in present]), tuple([groups[at] for at in present])
        texts = [text.decode(errors="replace").strip() for text in found if text is not None]
        result = self._groups.read(groups, names, texts)
        if isinstance(result, Why):
            return refused(result, frame)
        self._last = line
        return outcome(*result, frame)

    def _begins_as_data(self, line: bytes) -> bool:
        """Whether a line that does not match begins as the last did that does, whatever the digits in it."""
        if self._last is None:
            return False
        head = _DIGITS.sub(b"0", self._pattern.before(self._last)).strip()
        if not head:
            return is_numberish(line.decode(errors="replace"))
        return _DIGITS.sub(b"0", line).startswith(head)
