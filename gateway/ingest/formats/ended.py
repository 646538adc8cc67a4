"""line_end of a text format: its lines, cut at a character of their own."""

from functools import partial

from ...model import Decoded, Format, Frame, Noise, Refusal
from ..framing.ended import ended


class Ended:
    """Decodes as `inner` does; `framing` cuts at `character`."""

    def __init__(self, inner: Format, character: str) -> None:
        self._inner = inner
        self.checked = getattr(inner, "checked", False)
        self.framing = partial(ended, character)

    @property
    def name(self) -> str:
        """Of the format."""
        return self._inner.name

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        return self._inner.decode(frame)
