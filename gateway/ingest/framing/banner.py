"""Text between binary frames: what a board prints as it starts. It is expected, and no damaged frame."""

import re

_NO_TEXT = re.compile(rb"[^\t\r\n\x20-\x7e]")


def is_banner(data: bytes | bytearray) -> bool:
    """Whether `data` is whole lines of plain text."""
    return data.endswith((b"\r", b"\n")) and _NO_TEXT.search(data) is None
