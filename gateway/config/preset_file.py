"""One preset's file -> a checked Preset, or everything that is wrong with it. presets.py draws what is in it.

The files of presets.d are as hostile as any: a link that leads elsewhere, a pipe, a huge file are told and not read.
"""

import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from .keys import plausible
from .presets import NOT_A_PRESETS, Preset, Reading, Sample
from .questions import sent
from .source import LONGEST, Wrong, parsed
from .source import read as read_file
from .values import number, text, texts, whole
from .words import Unfit, nearest, path_of, quoted, wanted

KEYS = ("title", "source", "notes", "range", "board", "samples")
SAMPLE = ("asked", "text", "hex", "readings", "refused")
READING = ("sensor", "value", "values", "unit", "count")
NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
T = TypeVar("T")


def read(path: Path, of_board: Callable[[dict[str, Any]], list[str]]) -> Preset:
    """The preset in `path`. Raises Wrong, whose sentences begin with the path.

    of_board: what is wrong with keys of a [[boards]] table, a sentence each.
    """
    if strange := _strange(path):
        raise Wrong([f"{path_of(path)}: {strange}"])
    data, wrong = parsed(read_file(path), str(path))
    if wrong:
        raise Wrong(wrong)
    board = data.get("board")
    preset, told = None, list(_keys(data))
    if isinstance(board, dict):
        told += of_board({key: value for key, value in board.items() if key not in NOT_A_PRESETS})
    try:
        preset = _preset(path, data)
    except _At as error:
        told.append(str(error))
    if told or preset is None:
        raise Wrong([f"{path_of(path)}: {sentence}" for sentence in told])
    return preset


class _At(Exception):
    """What is wrong, with its place."""


def _strange(path: Path) -> str:
    """Why a file in the folder is not to be opened."""
    if not NAME.fullmatch(path.stem):
        return "a preset's file is named with letters, digits, - and _, and .toml; rename it"
    try:
        real = path.resolve()
        found = real.stat()
    except (OSError, RuntimeError):  # the second: links that lead to each other
        return "leads nowhere; put the file itself there"
    if not real.is_relative_to(path.parent.resolve()):
        return f"leads out of its folder, to {path_of(real)}; put the file itself there"
    if not stat.S_ISREG(found.st_mode):
        return "is no file; put one there, or take it away"
    return f"over {LONGEST // 1_000_000} MB is no preset; take it away" if found.st_size > LONGEST else ""


def _keys(data: dict[str, Any]) -> Iterator[str]:
    """Keys that have no place where they stand."""
    yield from (f"{_called(key)}: no such key{nearest(key, KEYS)}" for key in data if key not in KEYS)
    board = data.get("board")
    if not isinstance(board, dict):
        yield "board: is missing; a table [board] with keys of a [[boards]] table is needed"
        return
    for key in NOT_A_PRESETS:
        if key == "range" and key in board:
            yield "board.range: stands above [board] in a preset, in °C; move it there"
        elif key in board:
            yield f"board.{key}: is of one board and not of its kind; take it out"


def _preset(path: Path, data: dict[str, Any]) -> Preset:
    samples = _tables(data, "samples", "samples")
    return Preset(
        name=path.stem,
        path=path,
        title=_value("title", text, data.get("title", "")),
        source=_value("source", text, data.get("source", "")),
        notes=_value("notes", text, data.get("notes", "")),
        range=_value("range", plausible, data.get("range", [])),
        board=data.get("board", {}),
        samples=tuple(_sample(f"samples[{at}]", sample) for at, sample in enumerate(samples)),
    )


def _sample(place: str, table: dict[str, Any]) -> Sample:
    _known(place, table, SAMPLE)
    if ("text" in table) == ("hex" in table):
        raise _At(f"{place}: either text or hex is needed, with the bytes that the board sends")
    if "text" in table:
        data = _value(f"{place}.text", _text, table["text"]).encode()
    else:
        data = _value(f"{place}.hex", _bytes, table["hex"])
    readings = [
        reading
        for at, one in enumerate(_tables(table, "readings", f"{place}.readings"))
        for reading in _readings(f"{place}.readings[{at}]", one)
    ]
    asked = _value(f"{place}.asked", sent, table["asked"]) if "asked" in table else b""
    return Sample(data, asked, tuple(readings), _value(f"{place}.refused", texts, table.get("refused", [])))


def _readings(place: str, table: dict[str, Any]) -> list[Reading]:
    """One reading; or with `values` many, of sensors with numbers behind their name: S1, S2, …"""
    _known(place, table, READING)
    if ("value" in table) == ("values" in table):
        raise _At(f"{place}: either value or values is needed, with what comes of the bytes")
    sensor = _value(f"{place}.sensor", text, table.get("sensor", "S" if "values" in table else "temperature"))
    unit = _value(f"{place}.unit", text, table.get("unit", "°C"))
    count = _value(f"{place}.count", whole(0, 10**18), table["count"]) if "count" in table else None
    if "value" in table:
        return [(sensor, _value(f"{place}.value", number, table["value"]), unit, count)]
    values = _value(f"{place}.values", _numbers, table["values"])
    return [(f"{sensor}{at}", value, unit, count) for at, value in enumerate(values, 1)]


def _numbers(value: object) -> list[float]:
    """A list of numbers."""
    if not isinstance(value, list):
        raise wanted("a list of numbers", value)
    return [number(one) for one in value]


def _text(value: object) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise wanted('text in quotes, such as "21.5\\r\\n",', value)
    return value


def _bytes(value: object) -> bytes:
    """Bytes as hexadecimal digits, with blanks between."""
    try:
        return bytes.fromhex(_text(value))
    except ValueError:  # Unfit is one too
        raise wanted('bytes as hexadecimal digits, such as "1f 06 4c",', value) from None


def _tables(data: dict[str, Any], key: str, place: str) -> list[dict[str, Any]]:
    found = data.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _At(f"{place}: {wanted('a list of tables', found)}")
    return found


def _known(place: str, table: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            raise _At(f"{place}.{_called(key)}: no such key{nearest(key, keys)}")


def _called(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", key) else quoted(key)


def _value(place: str, check: Callable[[object], T], value: object) -> T:
    try:
        return check(value)
    except Unfit as error:
        raise _At(f"{place}: {error}") from None
