"""What the keys of a board that is asked take: ask, unit_id, units, registers. Checks as in values.py, for nouns."""

import re
from dataclasses import dataclass

from ..asks import Ask, Register
from . import layout
from .nested import each, table
from .values import any_text, choice, duration, number, whole
from .words import DAY, Unfit, quoted, wanted

LONGEST = 256  # bytes of a question
MOST_QUESTIONS, MOST_UNITS, MOST_REGISTERS = 100, 247, 1000
TYPES = {
    "i16": "i16", "int16": "i16", "u16": "u16", "uint16": "u16", "i32": "i32", "int32": "i32", "u32": "u32",
    "uint32": "u32", "f32": "f32", "float32": "f32",
}  # fmt: skip
"""How numbers in registers may be called, and what that means."""
REGISTER = '{ name = "temperature", kind = "input", at = 1 }'

every = duration(0, 7 * DAY)
timeout = duration(0.01, 60)


@dataclass(frozen=True, slots=True)
class Unit:
    """One of `units`."""

    id: int
    name: str
    registers: tuple[Register, ...] | None = None  # None: the table's


def sent(value: object) -> bytes:
    """Bytes that go over a line: a text, one byte a character; or "hex:4B 0D"."""
    said = any_text(value)
    if said.startswith("hex:"):
        digits = said.removeprefix("hex:").replace(" ", "")
        if not digits or not re.fullmatch("(?:[0-9A-Fa-f]{2})+", digits):
            raise wanted('bytes in hex such as "hex:4B 0D"', value)
        data = bytes.fromhex(digits)
    else:
        try:
            data = said.encode("latin-1")
        except UnicodeEncodeError as error:
            odd = said[error.start]
            raise Unfit(f'{quoted(odd)} is more than one byte; write its bytes in hex, such as "hex:C2 B0"') from None
    if not 0 < len(data) <= LONGEST:
        raise Unfit(f'1 to {LONGEST} bytes were expected, such as "R\\r"; found {len(data)}')
    return data


def ask(value: object) -> Ask:
    """What a board is told and asked."""
    if not isinstance(value, dict):
        raise wanted('a table such as { question = "R\\r", every = "1s" }', value)
    keys = {
        "start": _several, "question": _several, "every": every, "timeout": timeout, "end": sent,
        "size": whole(1, 65_535),
    }  # fmt: skip
    found = table(value, keys, {})
    if "start" not in found and "question" not in found:
        raise Unfit(
            "there is nothing to send in it; give a question, or a start for a board that then speaks by itself"
        )
    if "end" in found and "size" in found:
        raise Unfit("an answer ends with `end` or has `size` bytes; take one of the two out")
    if useless := [key for key in ("every", "timeout", "end", "size") if key in found and "question" not in found]:
        raise Unfit(f"{useless[0]} goes with a question, and there is none; add it, or take {useless[0]} out")
    found["questions"] = found.pop("question", ())
    return Ask(**found)


def units(value: object) -> tuple[Unit, ...]:
    """The units on a line, each by its address and with a name."""
    if not isinstance(value, list) or len(value) > MOST_UNITS:
        raise wanted('a list of tables such as { id = 1, name = "hall" }', value)
    found = each(value, _unit)
    for at, unit in enumerate(found):
        if twin := next((other for other in found[:at] if other.id == unit.id), None):
            raise Unfit(f"{quoted(twin.name)} and {quoted(unit.name)} both have the id {unit.id}; a line has each once")
    return found


def unit_id(value: object) -> int:
    """The address of a unit; 0 means all of them, and none answers that."""
    return whole(1, 247)(value)


def registers(value: object) -> tuple[Register, ...]:
    """The values of a unit."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_REGISTERS:
        raise wanted(f"a list of 1 to {MOST_REGISTERS} tables such as {REGISTER}", value)
    found = each(value, _register)
    names = [register.name for register in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Unfit(f"the name {quoted(twice)} stands there twice; give each value a name of its own")
    return found


def _several(value: object) -> tuple[bytes, ...]:
    if isinstance(value, list):
        if not 0 < len(value) <= MOST_QUESTIONS:
            raise wanted(f"a text, or a list of 1 to {MOST_QUESTIONS},", value)
        return each(value, sent)
    return (sent(value),)


def _unit(value: object) -> Unit:
    if not isinstance(value, dict):
        raise wanted('a table such as { id = 1, name = "hall" }', value)
    needed = {"id": "its address, 1 to 247,", "name": 'a name such as "hall"'}
    return Unit(**table(value, {"id": unit_id, "name": layout.name, "registers": registers}, needed))


def _register(value: object) -> Register:
    if not isinstance(value, dict):
        raise wanted(f"a table such as {REGISTER}", value)
    keys = {
        "name": layout.name, "at": whole(0, 65_535), "kind": choice("holding", "input"), "type": _type,
        "words": choice("big", "little"), "factor": layout.factor, "offset": number, "unit": layout.unit,
        "none": layout.numbers,
    }  # fmt: skip
    found = Register(**table(value, keys, {"name": 'a name such as "temperature"', "at": "its number, from 0,"}))
    if found.at == 65_535 and found.type.endswith("32"):
        raise Unfit(f"register 65535 is the last one, and {found.type} takes two")
    return found


def _type(value: object) -> str:
    return TYPES[choice(*TYPES)(value)]
