"""How boards spell their records: one row a kind. A new kind is one function and one row (frames.py has binary ones).

A row is what one record holds, as (sensor, number as text) pairs; the text is sent as it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import cycle, islice
from operator import xor
from random import Random
from typing import NamedTuple

from simulators import frames
from simulators.temperatures import RESOLUTIONS, temperatures

Row = tuple[tuple[str, str], ...]


class Line(NamedTuple):
    """Bytes that go out in one piece, and what is in them."""

    data: bytes
    values: Row = ()
    record: int = 0  # its record's number on this board; 0: it is no record of a kind
    what: str = "data"  # data | copy (of the line before) | damaged (by a fault) | noise (a banner, a header)


def _plain(row: Row, count: int) -> str:
    return " ".join([text for _, text in row])


def _plain_label(row: Row, count: int) -> str:
    return f"temperatures: {_plain(row, count)} "  # MicroPython's loop prints that last blank


def _csv(row: Row, count: int) -> str:
    return ",".join([text for _, text in row])


def _csv_header(row: Row, count: int) -> str:
    return f"{count},{_csv(row, count)}"


def _csv_de(row: Row, count: int) -> str:
    return ";".join([text.replace(".", ",") for _, text in row])


def _kv(row: Row, count: int) -> str:
    return ",".join([f"{name}:{text}" for name, text in row]) + f",MSG:{count}"


def _json(row: Row, count: int) -> str:
    return "{" + ",".join([f'"{name}":{text}' for name, text in row]) + f',"count":{count}}}'


def _json_one(row: Row, count: int) -> str:
    ((name, text),) = row
    return f'{{"sensor":"{name}","value":{text},"unit":"C","count":{count}}}'


def _regex(row: Row, count: int) -> str:
    ((name, text),) = row
    return f"Record {count}, probe {name}: {text} degC"


def _block(row: Row, count: int) -> str:
    cells = [f"{text}, " for _, text in row]  # as thermal cameras do: eight a line, and a comma behind the last one too
    return "[" + "\r\n".join("".join(cells[at : at + 8]) for at in range(0, len(cells), 8)) + "\r\n]\r\n"


def _nmea(row: Row, count: int) -> str:
    ((name, text),) = row
    body = f"IIXDR,C,{text},C,{name}"
    return f"${body}*{reduce(xor, body.encode()):02X}"


def _two(value: float) -> str:
    return f"{value:.2f}"  # Arduino's print()


def _short(value: float) -> str:
    return repr(round(value, 4))  # Python's, JavaScript's: no more digits than it takes


def _fields(at: int, type: str, factor: float) -> str:
    """The fields of a binary record of four sensors."""
    return (
        f'fields = [{{ name = "count", at = {at}, type = "u16" }}, {{ name = "T", at = {at + 2}, type = "{type}", '
        f'factor = {factor}, unit = "°C", repeat = 4 }}]\n'
    )


def _sixteenths(value: float) -> str:
    return f"{round(value * 16) / 16:.4f}"  # which a number of 32 bits holds to the last digit


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of board speaks."""

    record: Callable[[Row, int], str | bytes]  # (row, count) -> a record without its `end`
    prefix: str  # of its sensors' names; "S": it sends no names, so a lone value is `temperature`
    banner: str  # what it prints as it boots; starts with an end of line, so that a reader's first half line is that
    header: Callable[[list[str]], str] | None = None  # what follows the banner
    digits: Callable[[float], str] = _two
    single: bool = False  # each sensor has a line of its own
    needs: str = ""  # what a [[boards]] table has to say of it, as TOML; "": a gateway finds out by looking
    end: str = "\r\n"


KINDS = {
    "plain": Kind(_plain, "S", "\r\nTemperature logger ready\r\n\r\n"),
    "csv": Kind(_csv, "S", "\r\nLocating devices... done\r\n"),
    "kv": Kind(_kv, "T", "\r\nFactory defaults loaded\r\nAC present - Real Power calc enabled\r\n"),
    "json": Kind(_json, "T", "\r\nets Jun  8 2016 00:22:57\r\n\r\nentry 0x400805e0\r\n", digits=_short),
    "csv-de": Kind(_csv_de, "S", "\r\nMessung gestartet\r\n"),
    "json-one": Kind(_json_one, "S", "\r\nCold boot complete\r\n", digits=_short, single=True, end="\n"),
    "plain-label": Kind(_plain_label, "S", "\r\nMPY: soft reboot\r\n", digits=_short),
    "csv-header": Kind(_csv_header, "T", "\r\n\r\n", header=lambda names: ",".join(["count", *names])),
    "nmea": Kind(_nmea, "T", "\r\nWeather station ready\r\n", single=True),
    "regex": Kind(
        _regex, "T", "\r\nLocating devices...Found 2 devices.\r\nParasite power is: OFF\r\n", single=True,
        needs="format = \"regex\"\npattern = 'Record (?P<count>\\d+), probe (?P<sensor>\\w+): (?P<value>\\S+) degC'\n",
    ),
    "block": Kind(
        _block, "S", "\r\nAMG88xx pixels\r\n-- Pixels Test --\r\n\r\n",
        needs="format = \"block\"\nstart = '\\['\nend = '\\]'\npattern = '(?P<value>[^\\s,\\[\\]]+),'\n",
    ),
    "fixed": Kind(
        frames.fixed, "T", "\r\nESC ready\r\n", end="",
        needs='format = "struct"\nframing = "fixed"\nsize = 14\nmagic = "aa 55"\ncrc = "CRC-16/MODBUS"\n'
        + _fields(2, "i16", 0.01),
    ),
    "cobs": Kind(
        frames.cobs, "T", "\r\nSketch ready\r\n\0", digits=_sixteenths, end="\0",
        needs='format = "struct"\nframing = "cobs"\ncrc = "CRC-16/CCITT-FALSE"\n' + _fields(0, "f32", 1),
    ),
    "slip": Kind(
        frames.slip, "T", "\r\nIMU ready\r\n\xc0", end="\xc0",
        needs='format = "struct"\nframing = "slip"\nendian = "big"\ncrc = "CRC-32"\n' + _fields(0, "i32", 0.001),
    ),
}  # fmt: skip


def names(kind: Kind, sensors: int) -> list[str]:
    """The names that a reader will give to, or find for, the sensors of such a board."""
    if kind.prefix == "S" and sensors == 1 and not kind.single:
        return ["temperature"]
    return [f"{kind.prefix}{number}" for number in range(1, sensors + 1)]


def boot_text(kind: Kind, sensors: list[str]) -> bytes:
    """What a board prints before its first record."""
    header = "" if kind.header is None else kind.header(sensors) + kind.end
    return (kind.banner + header).encode("latin-1")


def measured(kind: Kind, sensors: list[str], rate: float, seed: str) -> Iterator[Row]:
    """Rows of believable temperatures, for ever, `rate` of them a simulated second. The same for the same seed."""
    models = [
        temperatures(Random(f"{seed}/{name}"), 1 / rate, RESOLUTIONS[place % len(RESOLUTIONS)])
        for place, name in enumerate(sensors)
    ]
    while True:
        yield tuple([(name, kind.digits(next(model))) for name, model in zip(sensors, models, strict=True)])


def looped(rows: Iterator[Row], period: int = 2048) -> Iterator[Row]:
    """The first `period` rows again and again: what a board without a line rate sends, since a model takes time."""
    return cycle(islice(rows, period))


def given(texts: Iterator[str], sensors: list[str]) -> Iterator[Row]:
    """Rows of these numbers in order, the sensors in turn; the last row may be short."""
    while texts_of_row := list(islice(texts, len(sensors))):
        yield tuple(zip(sensors, texts_of_row, strict=False))


def spelled(kind: Kind, rows: Iterator[Row]) -> Iterator[Line]:
    """The lines of these rows, numbered from 1."""
    for count, row in enumerate(rows, 1):
        for part in [(pair,) for pair in row] if kind.single else [row]:
            record = kind.record(part, count)
            text = record if isinstance(record, bytes) else record.encode()
            yield Line(text + kind.end.encode("latin-1"), part, count)
