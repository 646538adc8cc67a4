"""What the keys of a binary field must be for its type: how many bytes, which words, which bits."""

from collections.abc import Mapping
from typing import Any

from ..layouts import SPELT, WIDTHS
from .nested import Parts
from .values import whole
from .words import Inside, Unfit, quoted, wanted

LONGEST = 16
"""Bytes of a number that has a length of its own."""
TYPES = (*WIDTHS, *SPELT)
OF_TYPES = ("length", "words", "bits", "minus")
"""Keys of a field that hang on its type."""

length, minus = whole(1, LONGEST), whole(1, 255)


def bits(value: object) -> tuple[int, int]:
    """The lowest and the highest bit of a number; the lowest there is is 0."""
    if not isinstance(value, list) or len(value) != 2:
        raise wanted("two bits, [lowest, highest] from 0 on, such as [2, 15],", value)
    low, high = (whole(0, 31)(one) for one in value)
    if low >= high:
        raise Unfit(f"the lowest comes first, and is not the highest too: found [{low}, {high}]")
    return low, high


def fits(field: Mapping[str, Any]) -> None:
    """Raises Inside with what does not go with the type of a checked `field`."""
    kind = field.get("type")
    if kind is not None and (wrong := _wrong(kind, field)):
        raise Inside(wrong)


def _wrong(kind: str, field: Mapping[str, Any]) -> Parts:
    called, width = f"type = {quoted(kind)}", WIDTHS.get(kind)
    wrong: Parts = []
    if kind == "dec" and "length" not in field and "repeat" in field:
        wrong.append((("length",), "is missing; numbers that repeat need their number of bytes"))
    elif width is None and kind != "dec" and "length" not in field:
        wrong.append((("length",), f"is missing; {called} needs its number of bytes"))
    if width is not None and "length" in field:
        wrong.append((("length",), f"{called} has {width} bytes always; take length out"))
    if "words" in field and width not in (4, 8):
        wrong.append((("words",), f"{called} is not of several words; take words out"))
    if "endian" in field and kind in ("dec", "hex", "ihex"):
        wrong.append((("endian",), f"{called} is read from left to right; take endian out"))
    if "bits" in field and (width is None or kind[0] not in "ui"):
        wrong.append((("bits",), f'{called} is always read whole; take bits out, or give a type such as "u16"'))
    elif "bits" in field and width is not None and field["bits"][1] >= 8 * width:
        wrong.append((("bits",), f"{called} has the bits 0 to {8 * width - 1}; found {list(field['bits'])}"))
    return wrong
