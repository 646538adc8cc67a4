"""What the keys of a binary board must be together: a frame that can be found, and fields that lie inside of it.

Works on the table as TOML gave it; a value that is wrong by itself is told by its own key, and passed over here.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .. import checksums
from ..layouts import Crc, Field, Length, Magic
from . import layout, values
from .words import Unfit, quoted

Kind = TypeVar("Kind")

LIBRARIES = {"cobs": "cobs", "slip": "sliplib"}
"""What a framing needs."""
INSTALL = 'pip install "serial-edge-gateway[binary]"'


@dataclass(frozen=True, slots=True)
class _Frame:
    """What can be read of a board's keys; None for what is not given, or wrong by itself."""

    place: str  # boards[0]
    given: Mapping[str, Any]
    framing: str
    size: int | Length | None
    magic: Magic | None
    crc: Crc | None
    fields: tuple[Field, ...]

    @property
    def total(self) -> int | None:
        """Bytes, where they are always as many."""
        return self.size if isinstance(self.size, int) else None


def conflicts(place: str, board: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each thing that does not go with another."""
    framing = board.get("framing")
    frame = _Frame(
        place,
        board,
        framing if isinstance(framing, str) else "",
        _read(layout.size, board, "size"),
        _read(layout.magic, board, "magic"),
        _read(layout.crc, board, "crc"),
        _read(layout.fields, board, "fields") or (),
    )
    if framing is None:
        yield f'{place}.framing: is missing; format = "struct" needs it, such as "fixed" or "cobs"'
    if board.get("fields", []) == []:
        yield f'{place}.fields: is missing; format = "struct" needs the values of a frame, a table each'
    if "columns" in board:
        yield f'{place}.columns: format = "struct" takes names from fields; take columns out'
    placed = list(_placed(frame))
    yield from placed
    for told in (_found, _installed, _checksum, *(() if placed else (_inside, _names))):
        yield from told(frame)


def text_conflicts(place: str, board: Mapping[str, Any]) -> Iterator[str]:
    """The same for the fields of a format for text."""
    fields = board.get("fields")
    for number, field in enumerate(fields if isinstance(fields, list) else []):
        for key in layout.OF_BYTES:
            if isinstance(field, dict) and key in field:
                yield f'{place}.fields[{number}].{key}: is for binary frames, format = "struct"; take {key} out'
    columns = board.get("columns")
    plain = [name for name in columns if isinstance(name, str) and "=" not in name] if isinstance(columns, list) else []
    if fields and columns and (plain or board.get("format") in ("plain", "csv")):
        yield f"{place}.columns: fields name the columns already; take columns out"


def _read(check: Callable[[Any], Kind], board: Mapping[str, Any], key: str) -> Kind | None:
    try:
        return check(board[key]) if key in board else None
    except Unfit:
        return None


def _placed(frame: _Frame) -> Iterator[str]:
    """Whether each field says where it is."""
    wanted = {"at": "its place, counted from 0,", "type": 'a type such as "i16"'}
    for number, _ in enumerate(frame.fields):
        for key, what in wanted.items():
            if key not in frame.given["fields"][number]:
                yield f"{frame.place}.fields[{number}].{key}: is missing; {what} is needed"


def _found(frame: _Frame) -> Iterator[str]:
    """Whether frames can be found by what is given."""
    place, framing, size = frame.place, frame.framing, frame.size
    wrong = size is None and "size" in frame.given  # told by its own key
    if framing == "fixed" and frame.total is None and not wrong:
        yield f"{place}.size: a number of bytes is needed, since all frames have one size"
    elif framing == "length" and not isinstance(size, Length) and not wrong:
        yield f"{place}.size: a table such as {{ at = 1, add = 4 }} is needed: where the frame says how long it is"
    elif framing != "length" and isinstance(size, Length):
        named = f'framing = "{framing}"' if framing else "this framing"
        yield f'{place}.size: {named} takes a number; a table is for framing = "length"'
    if framing in ("fixed", "length") and "magic" not in frame.given and "crc" not in frame.given:
        yield from _answered(frame)
    if framing == "stx-etx" and "magic" in frame.given:
        yield f'{place}.magic: framing = "stx-etx" has the bytes 02 and 03; take magic out'
    most = _read(values.size(16, 1_000_000), frame.given, "max_line") or 4000
    if frame.total is not None and frame.total > most:
        yield f'{place}.size: {size} bytes are more than max_line, {most}; set max_line = "{size}B"'


def _answered(frame: _Frame) -> Iterator[str]:
    """Whether a frame without magic and crc is known by its place: it is a whole answer, of just its size."""
    ask, place = frame.given.get("ask"), frame.place
    if frame.framing != "fixed" or not isinstance(ask, dict) or "question" not in ask:
        also = ', or ask, where it answers a question: ask = { question = "…", size = … }'
        yield (
            f"{place}.framing: a frame is found by bytes that never change or by its checksum; give magic or crc"
            f"{also if frame.framing == 'fixed' else ''}"
        )
    elif frame.total is not None and ask.get("size") != frame.total:
        yield (
            f"{place}.ask.size: without magic and crc, nothing but its size tells an answer; "
            f"give ask the size = {frame.total} of the frame, or give magic or crc"
        )


def _installed(frame: _Frame) -> Iterator[str]:
    library = LIBRARIES.get(frame.framing)
    if library and importlib.util.find_spec(library) is None:
        yield f"{frame.place}.framing: needs the package {library}, which is not installed; `{INSTALL}`"
    if frame.crc is not None and not checksums.available(frame.crc.name):
        yield f"{frame.place}.crc: needs the package fastcrc, which is not installed; `{INSTALL}`"


def _checksum(frame: _Frame) -> Iterator[str]:
    """Whether the checksum is inside of the frame, and not over itself."""
    crc, total = frame.crc, frame.total
    if crc is None:
        return
    at, first, end = crc.at, *crc.over
    if total is not None:
        at, first, end = (each if each >= 0 else total + each for each in (at, first, end))
        if not 0 <= at <= total - crc.width:
            yield f"{frame.place}.crc.at: {crc.width} bytes at {crc.at} are not inside of a frame of {total}"
            return
        if not 0 <= first < end <= total:
            yield f"{frame.place}.crc.over: {list(crc.over)} is no part of a frame of {total} bytes"
            return
    first = first - layout.LARGEST if at < 0 <= first else first  # as far before the end as a frame can be long
    if (at < 0) == (end < 0) and first < at + crc.width and at < end:
        yield f"{frame.place}.crc.over: {list(crc.over)} has the checksum's own bytes in it; end it at {crc.at}"


def _inside(frame: _Frame) -> Iterator[str]:
    """Whether what has a place in the frame is there, and not where the checksum is."""
    place, total, magic, summed = frame.place, frame.total, frame.magic, _summed(frame)
    if total is not None and magic is not None and magic.at + len(magic.data) > total:
        yield f"{place}.magic: takes bytes {magic.at} to {magic.at + len(magic.data) - 1}, and a frame has {total}"
    for number, field in enumerate(frame.fields):
        places = list(_places(field))
        called = f"{place}.fields[{number}].at: {quoted(field.name)}"
        if total is not None and places[-1].stop > total:
            yield f"{called} takes bytes {field.at} to {places[-1].stop - 1}; a frame of {total} has 0 to {total - 1}"
        elif any(each.start < summed.stop and summed.start < each.stop for each in places):
            yield f"{called} lies on the checksum, bytes {summed.start} to {summed.stop - 1}; move one of them"
        for key, conditions in (("when", field.when), ("only", field.only)):
            for turn, condition in enumerate(conditions):
                if total is not None and condition.at >= total:
                    yield f"{place}.fields[{number}].{key}[{turn}].at: a frame of {total} bytes has 0 to {total - 1}"


def _summed(frame: _Frame) -> range:
    """The bytes of the checksum, as far as they can be told."""
    if frame.crc is None or (frame.crc.at < 0 and frame.total is None):
        return range(0)
    at = frame.crc.at if frame.crc.at >= 0 else (frame.total or 0) + frame.crc.at
    return range(at, at + frame.crc.width)


def _places(field: Field) -> Iterator[range]:
    """The bytes of each value of a field."""
    width = field.width
    for turn in range(field.repeat):
        at = field.at + turn * (field.stride or width)
        yield range(at, at + width)


def _names(frame: _Frame) -> Iterator[str]:
    """Whether each value can have its name, and there are not too many."""
    always: set[str] = set()
    for number, field in enumerate(frame.fields):
        if field.name in always:
            yield (
                f"{frame.place}.fields[{number}].name: {quoted(field.name)} stands there before without a `when`, so "
                "this one is never read; give it another name, or the first one a `when`"
            )
        if not (field.when or field.only):
            always.add(field.name)
    count = sum({field.name: field.repeat for field in frame.fields}.values())
    most = frame.given.get("max_sensors", 256)
    if type(most) is int and count > most > 0:
        yield f"{frame.place}.fields: come to {count} values, and max_sensors = {most}; set max_sensors = {count}"
