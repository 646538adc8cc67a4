"""What the keys of frames take: size, magic, crc, fields. Checks as in values.py, which give nouns of layouts.py."""

import re
from collections.abc import Mapping
from typing import Any

from ..checksums import CHECKSUMS, SPOKEN, SUMS
from ..layouts import Crc, Escapes, Field, Length, Magic, When
from . import typed
from .nested import Check, each, table
from .values import choice, number, switch, text, whole
from .words import Inside, Unfit, listed, nearest, quoted, wanted

LARGEST = 65_535
"""Bytes of a frame."""
MOST_FIELDS = 1000
OF_BYTES = ("at", "type", "endian", "when", "only", "repeat", "stride", *typed.OF_TYPES)
"""Keys of a field that only a binary frame has."""
FRAMINGS = ("fixed", "stx-etx", "length", "cobs", "slip", "hdlc", "hex")
ENDIANS = ("little", "big")


def size(value: object) -> int | Length:
    """Bytes of a frame, or where it says how many it has."""
    if not isinstance(value, dict):
        return whole(1, LARGEST, ", or a table such as { at = 1 },")(value)
    keys: dict[str, Check] = {
        "at": whole(0, LARGEST),
        "type": choice("u8", "u16", "u24", "u32"),
        "endian": choice(*ENDIANS),
        "add": whole(-LARGEST, LARGEST),
    }
    return Length(**table(value, keys, {"at": "the place of the length"}))


def framing(value: object) -> str | Escapes:
    """How frames are told apart: by a name, or by the bytes around them."""
    if not isinstance(value, dict):
        return choice(*FRAMINGS, also=", or a table such as { start = 0x40, stop = 0x0d },")(value)
    byte = whole(0, 255)
    keys: dict[str, Check] = {"start": byte, "stop": byte, "escape": byte, "xor": whole(1, 255)}
    marks = Escapes(**table(value, keys, {"stop": "the byte that ends a frame"}))
    if marks.escape is None and "xor" in value:
        raise Unfit("xor is for the byte behind an escape; give escape, or take xor out")
    if marks.escape is not None and marks.escape in (marks.start, marks.stop):
        raise Unfit(f"{marks.escape:#04x} cannot be the escape and an end of the frame as well")
    return marks


def magic(value: object) -> Magic:
    """Bytes in hex, at the frame's start or at a place of their own."""
    if not isinstance(value, dict):
        return Magic(_hex(value))
    found = table(value, {"bytes": _hex, "at": whole(0, LARGEST)}, {"bytes": 'hex such as "5a 5a"'})
    return Magic(found["bytes"], found.get("at", 0))


def crc(value: object) -> Crc:
    """A name, for a checksum at the end over all before it; or where it is, and over what."""
    if not isinstance(value, dict):
        name = checksum_name(value)
        return Crc(name, CHECKSUMS[name], -CHECKSUMS[name], (0, -CHECKSUMS[name]))
    keys: dict[str, Check] = {
        "name": checksum_name,
        "over": _span,
        "at": whole(-LARGEST, LARGEST),
        "endian": choice(*ENDIANS),
        "init": whole(0, 0xFFFF),
        "negated": switch,
        "xorout": whole(0, 0xFFFF_FFFF),
    }
    found = table(value, keys, {"name": 'a checksum such as "CRC-16/MODBUS"'})
    width = CHECKSUMS[found["name"]]
    _turned(found, width)
    at = found.pop("at", -width)
    if -width < at < 0:
        raise Unfit(f"at = {at} leaves no room for its {width} bytes before the end; at = {-width} is the last place")
    return Crc(width=width, at=at, over=found.pop("over", (0, at)), **found)


def _turned(found: Mapping[str, Any], width: int) -> None:
    """Whether a checksum takes what is to be made of it."""
    name = found["name"]
    if "init" in found and name not in (*SUMS, "XOR-8"):
        own = f"{quoted(name)} has its own; take init out, it is for {listed([*SUMS, 'XOR-8'])}"
        raise Inside([(("init",), own)])
    if "negated" in found and name not in SUMS:
        raise Inside([(("negated",), f"is for {listed([*SUMS])}, which add; take it out")])
    for key in ("init", "xorout"):
        if found.get(key, 0) >> 8 * width:
            raise Inside([((key,), f"{found[key]:#x} has more than the {8 * width} bits of {quoted(name)}")])


def fields(value: object) -> tuple[Field, ...]:
    """The values of a frame."""
    if not isinstance(value, list) or len(value) > MOST_FIELDS:
        raise wanted(f'a list of at most {MOST_FIELDS} tables such as {{ name = "T1", at = 3, type = "i16" }},', value)
    return each(value, _field)


def checksum_name(value: object) -> str:
    """A key of CHECKSUMS, in any case."""
    name = text(value)
    if name.upper() not in CHECKSUMS:
        spoken = re.sub("[^A-Z0-9]+", "-", name.upper().replace("'", ""))
        near = nearest(name, CHECKSUMS) or '; "CRC-16/MODBUS" is one, docs/formats.md has all'
        if spoken in SPOKEN:
            near = f"; what is called so may be {SPOKEN[spoken]}"
        raise Unfit(f"the name of a checksum was expected; found {quoted(name)}{near}")
    return name.upper()


def _field(value: object) -> Field:
    if not isinstance(value, dict):
        raise wanted('a table such as { name = "T1", at = 3, type = "i16" }', value)
    keys: dict[str, Check] = {
        "name": name,
        "at": whole(0, LARGEST),
        "type": choice(*typed.TYPES),
        "endian": choice(*ENDIANS),
        "factor": factor,
        "offset": number,
        "unit": unit,
        "none": numbers,
        "when": _conditions,
        "only": _conditions,
        "repeat": whole(1, 10_000),
        "stride": whole(1, LARGEST),
        "length": typed.length,
        "words": choice(*ENDIANS),
        "bits": typed.bits,
        "minus": typed.minus,
    }
    found = table(value, keys, {"name": 'a name such as "T1"'})
    typed.fits(found)
    return Field(**found)


def _hex(value: object) -> bytes:
    digits = text(value).replace(" ", "")
    if not re.fullmatch("(?:[0-9A-Fa-f]{2}){1,64}", digits):
        raise wanted('1 to 64 bytes in hex such as "5a 5a",', value)
    return bytes.fromhex(digits)


def _span(value: object) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2:
        return whole(-LARGEST, LARGEST)(value[0]), whole(-LARGEST, LARGEST)(value[1])
    raise wanted("two places, [first, behind the last], such as [1, -2],", value)


def name(value: object) -> str:
    """What a value is called."""
    name = text(value)
    if not 0 < len(name) <= 100:
        raise wanted("a name of 1 to 100 characters", value)
    return name


def unit(value: object) -> str:
    """What a value is measured in."""
    unit = text(value)
    if len(unit) > 16:
        raise wanted('a unit of at most 16 characters such as "°C"', value)
    return unit


def factor(value: object) -> float:
    """What a number is multiplied with."""
    if number(value) == 0:
        raise wanted("a number other than 0", value)
    return number(value)


def numbers(value: object) -> tuple[float, ...]:
    """Those that mean "no value"."""
    if isinstance(value, list) and len(value) <= 100:
        return tuple(map(number, value))
    raise wanted("a list of at most 100 numbers, as they are sent, such as [-32768],", value)


def _conditions(value: object) -> tuple[When, ...]:
    tables = [value] if isinstance(value, dict) else value
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables) or len(tables) > 16:
        raise wanted("a table such as { at = 4, mask = 0x01, equals = 0 }, or a list of at most 16,", value)
    return tuple(map(_condition, tables))


def _condition(value: Mapping[str, object]) -> When:
    keys: dict[str, Check] = {"at": whole(0, LARGEST), "mask": whole(1, 255), "equals": whole(0, 255)}
    when = When(**table(value, keys, {"at": "the place of the byte with these bits"}))
    if when.equals & ~when.mask:
        raise Unfit(f"equals = {when.equals} has bits that mask = {when.mask} takes out, so it never holds")
    return when
