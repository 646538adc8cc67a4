"""`gateway probe --ask`: what answered on a port, for people and as JSON, and the [[boards]] tables that read it."""

import json
from collections.abc import Iterable

from ..asks import Register
from ..config.words import toml
from ..ingest.asking.strange import Unit
from ..ingest.dial import SCHEME
from ..ingest.finding.probing import Found
from ..ingest.finding.rates import share_of_text
from ..shown import shown
from . import probe

SURE = 0.999  # of a confidence, where checksums hold
SHOWN = 3  # settings that are told of, where none was the right one


def outcome(found: Found, units: int, *, as_json: bool) -> tuple[str, bool]:
    """What a probe has found, for people or as JSON, and whether there is a table that reads it.

    units: so many were asked; 0: nothing was.
    """
    if found.best is None and found.answered is not None:
        several = tables(found)
        text = _json(document(found, several)) if as_json else "\n".join(lines(found, several))
        return text, bool(several)
    keys = probe.table(found)
    if as_json:
        return _json(probe.document(found, keys)), bool(keys)
    return "\n".join(probe.lines(found, keys) + (unanswered(found, units) if units and not keys else [])), bool(keys)


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def all_tables(found: Found) -> list[dict[str, object]]:
    """The keys of the [[boards]] tables that read what was found, whether it spoke or was asked."""
    return [keys for keys in [probe.table(found)] if keys] or tables(found)


def tables(found: Found) -> list[dict[str, object]]:
    """The keys of the [[boards]] tables that read the units that answered; a table for all that are read alike."""
    answered = found.answered
    if answered is None:
        return []
    alike: dict[tuple[str, tuple[Register, ...]], list[int]] = {}
    for unit in answered.units:
        if unit.preset or unit.registers:
            alike.setdefault((unit.preset, unit.registers), []).append(unit.unit)
    several = len(answered.units) > 1
    out = []
    for (preset, registers), numbers in alike.items():
        keys = probe.line_of(found.port, answered.baud, answered.serial)
        keys |= {"preset": preset} if preset else {"format": "modbus"}
        if several:
            keys["units"] = [{"id": number, "name": str(number)} for number in numbers]
        else:
            keys["unit_id"] = numbers[0]
        if registers:
            keys["registers"] = [_register(each) for each in registers]
        out.append(keys)
    return out


def _register(register: Register) -> dict[str, object]:
    """A register as a configuration has it."""
    keys: dict[str, object] = {"name": register.name, "kind": register.kind, "at": register.at, "type": register.type}
    if register.words != "big":
        keys["words"] = register.words
    if register.factor != 1:
        keys["factor"] = register.factor
    return keys | {"unit": register.unit}


def as_toml(tables: Iterable[dict[str, object]]) -> str:
    """[[boards]] tables as text."""
    return "\n".join("[[boards]]\n" + "".join(_spelt(key, value) for key, value in keys.items()) for keys in tables)


def _spelt(key: str, value: object) -> str:
    if isinstance(value, list):
        return f"{key} = [\n" + "".join(f"  {toml(each)},\n" for each in value) + "]\n"
    return f"{key} = {toml(value)}\n"


def document(found: Found, keys: list[dict[str, object]]) -> dict[str, object]:
    """What `--json` prints of units that answered."""
    answered = found.answered
    assert answered is not None
    known = sorted({unit.preset for unit in answered.units if unit.preset})
    return {
        "port": found.port,
        "baud": None if found.port.startswith(SCHEME) else answered.baud,
        "serial": None if found.port.startswith(SCHEME) else answered.serial,
        "format": "modbus",
        "preset": known[0] if len(known) == 1 else None,
        "confidence": SURE,
        "samples": [{**sample._asdict(), "unit_id": unit.unit} for unit in answered.units for sample in unit.samples],
        "refused": {},
        "units": [
            {
                "unit_id": unit.unit,
                "preset": unit.preset or None,
                "registers": [{"kind": kind, "at": at, "raw": raw} for (kind, at), raw in sorted(unit.raw.items())],
            }
            for unit in answered.units
        ],
        "table": as_toml(keys) if keys else None,
    }


def lines(found: Found, keys: list[dict[str, object]]) -> list[str]:
    """The same for people."""
    answered = found.answered
    assert answered is not None
    line = (
        "at the serial server's own rate"
        if found.port.startswith(SCHEME)
        else f"{answered.baud} baud {answered.serial}"
    )
    out = [f"modbus, {line}"]
    for unit in answered.units:
        out += _unit_lines(unit)
    if any(unit.registers for unit in answered.units):
        out.append("what could be a temperature is a guess from the numbers alone: see that each value is one")
    if not keys:
        out.append(
            "no number there looks like a temperature: the manual of the unit says where they are, and "
            "docs/formats.md how to write that down"
        )
    return [*out, "", as_toml(keys)] if keys else out


def _unit_lines(unit: Unit) -> list[str]:
    if unit.preset:
        return [f"  unit {unit.unit}: preset {unit.preset}, whose registers answer with values that it can have"] + [
            f"    {shown(one.sensor, 40):<24} {one.value:>12g} {one.unit}" for one in unit.samples
        ]
    guesses = dict(zip(unit.registers, unit.samples, strict=True))
    starts = {(each.kind, each.at): each for each in guesses}
    taken = {(each.kind, each.at + 1) for each in guesses if each.type == "f32"}
    out = [f"  unit {unit.unit}: no preset is like it; of its first registers {len(unit.raw)} gave a number"]
    for place, raw in sorted(unit.raw.items()):
        guess = starts.get(place)
        text = "" if guess is None else f"{_how(guess)}: could be {guesses[guess].value:g} °C"
        text = "(the other half)" if place in taken else text
        out.append(f"    {place[0]:<8}{place[1]:>3}{raw:>7}  {text}".rstrip())
    return out


def _how(register: Register) -> str:
    if register.type == "f32":
        return "float32" + (", words turned round" if register.words == "little" else "")
    return f"int16 × {register.factor:g}"


def unanswered(found: Found, units: int) -> list[str]:
    """What was asked in vain, and what came meanwhile."""
    if found.unasked is None:
        return ["somebody speaks on this line all the time, so nothing was asked"] if found.heard else []
    out = [f"nothing answered: neither Modbus units 1 to {units}, nor a board that is asked by text"]
    texts = {setting: data for setting, data in found.unasked.items() if share_of_text(data) > probe.TEXT}
    for (baud, serial), data in list((texts or found.unasked).items())[:SHOWN]:
        what = f', but is text: "{shown(data.decode("latin-1"), 64)}"' if texts else f": {data.hex(' ')}"
        out.append(f"what came at {baud} baud {serial} was no answer{what}")
    if (more := len(found.unasked) - min(SHOWN, len(texts or found.unasked))) > 0:
        out.append(f"and something at {more} other setting{'s' if more > 1 else ''}")
    if texts:
        out.append(
            "a board that answers in text has questions of its own: write the one that its manual gives into the ask "
            'of a [[boards]] table; "Boards that must be asked" in docs/formats.md says how'
        )
    return out
