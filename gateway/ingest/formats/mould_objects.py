"""The mould of a line that is one JSON object: its own bytes, but for its numbers and for texts that say nothing.

    {"T1":21.5,"at":"12:00:01","count":12}      {"T1":(number),"at":"…","count":(count)}

It fits the lines that have the same keys in the same order, spaced alike.
"""

import re
from typing import Any, NamedTuple

from .mould import WIDEST, Mould, Take
from .objects import BESIDE_VALUES, Objects
from .senders import VALUES

_SAFE = rb"[ !#-\[\]-~]"  # what stands for itself in a text of JSON
_TEXT = b'"' + _SAFE + b'*+"'
_NUMBER = rb"(?!-0[^.eE])-?(?:0|[1-9]\d{0,17}+)(?:\.\d{1,20}+)?(?:[eE][+-]?\d{1,2})?"  # no -0, which is a whole 0
_TOKENS = re.compile(
    rb"([{}\[\]:, \t]++)|(%b)(?=[ \t]*+:)|(%b|%b|true|false|null)|[\s\S]++" % (_TEXT, _TEXT, _NUMBER)
).findall


class Leaf(NamedTuple):
    """A key of an object, or what stands at one.

    "key", "value", "count", "sensor" (the name of the one whose all values are), "any" (nothing that is asked for),
    "same" (what else the line is about).
    """

    kind: str
    name: str = ""  # of a key; the sensor of a value, or the value's key where the line names the sensor
    unit: str = ""  # as published, or the one said around the value


def mould_of_object(line: bytes, record: dict[str, Any], objects: Objects) -> Mould | None:
    """The mould of a line that holds `record`; None where it takes care: what it says is new, or odd, or too much.

    Where the mould has the sensor's name its takes are keys, and the unit said around them: see `called`.
    """
    leaves: list[Leaf] = []
    beside = _unit_key(record, objects)
    alone = _is_of_one_sensor(record, objects, beside)
    if not _note(record, "", "", objects, alone, leaves) or len(leaves) > 2 * WIDEST:
        return None
    takes = tuple((leaf.name, leaf.unit) for leaf in leaves if leaf.kind == "value")
    pattern = _pattern(line, leaves)
    if pattern is None or not takes or len({name for name, _ in takes}) < len(takes):
        return None
    groups = [leaf.kind for leaf in leaves if leaf.kind in ("value", "count", "sensor")]
    counted = groups.index("count") if "count" in groups else None
    return Mould(pattern, takes, counted, groups.index("sensor") if alone else None, ".", "", (alone and beside) or "")


def called(objects: Objects, name: str, takes: tuple[Take, ...], beside: str) -> tuple[Take, ...]:
    """Sensors and units of a named sensor's values, which stand at these keys; () where these are not known.

    beside: as Mould has it.
    """
    found = [
        objects.told({key: 0.0, beside: around}, name, around)
        if beside and key in VALUES
        else objects.known(name, key, around)
        for key, around in takes
    ]
    known = tuple(
        (each.sensor, each.unit) for each in found if each and each.unit is not None and each.due and not each.doubtful
    )
    return known if len({sensor for sensor, _ in known}) == len(takes) else ()


def _unit_key(record: dict[str, Any], objects: Objects) -> str | None:
    """The key of the unit that alone tells what an object's value is; "" where nothing does, None where more does."""
    key, around = objects.roles(record).of_unit, objects.unit_of(record)
    told = objects.told(record, "?", around)
    if told is None:
        return ""
    return key if key is not None and objects.told({"value": 0.0, key: around}, "?", around) == told else None


def _is_of_one_sensor(record: dict[str, Any], objects: Objects, beside: str | None) -> bool:
    """Whether an object is flat, names a sensor, and has nothing else in it than numbers that are asked for."""
    roles = objects.roles(record)
    named = None if roles.of_sensor is None else record[roles.of_sensor]
    if type(named) is not str or beside is None:
        return False
    around = objects.unit_of(record)
    values = [key for key in record if objects.role(key) in ("", "value")]
    known = called(objects, named, tuple((key, around) for key in values), beside)
    return 0 < len(known) == len(values) and all(type(record[key]) in (int, float) for key in values)


def _note(node: dict[str, Any], path: str, around: str, objects: Objects, alone: bool, leaves: list[Leaf]) -> bool:
    """Takes down what is in an object, the way in which Objects reads it; False where that takes care.

    alone: see `_is_of_one_sensor`.
    """
    roles = objects.roles(node)
    if roles.of_unit is not None:
        around = objects.unit_of(node) or around
    if roles.of_count is not None and leaves:
        return False  # it counts a part of the line
    if roles.of_sensor is not None:
        named = node[roles.of_sensor]
        path = named if type(named) is str else str(named) if type(named) is int else ""
        if not path:
            return False
    told = objects.told(node, path, around)
    telling = BESIDE_VALUES if not VALUES.isdisjoint(node) else frozenset()  # with another text they tell
    for key, item in node.items():
        kind = type(item)
        leaves.append(Leaf("key", key))
        if kind is dict:
            if not _note(item, f"{path}.{key}" if path else key, around, objects, alone, leaves):
                return False
        elif kind is list:
            return False
        elif key == roles.of_count:
            leaves.append(Leaf("count"))
        elif key == roles.of_sensor:
            leaves.append(Leaf("sensor" if alone else "same"))
        elif key == roles.of_unit:
            leaves.append(Leaf("same"))
        elif told is not None and key in VALUES and kind in (int, float):
            if told.doubtful:
                return False
            sensor, said = (key, around) if alone else (told.sensor, told.unit)
            leaves.append(Leaf("any") if said is None else Leaf("value", sensor, said))
        elif (leaf := _leaf(path, key, around, item, objects, alone)) is None:
            return False
        else:
            same = (kind is str and key in telling) or (not path and objects.is_device(key))
            leaves.append(Leaf("same") if same else leaf)
    return True


def _leaf(path: str, key: str, around: str, item: object, objects: Objects, alone: bool) -> Leaf | None:
    """What stands at a key that says nothing about its object."""
    meaning = objects.known(path, key, around)
    is_number = type(item) in (int, float)
    if meaning is None or meaning.doubtful or (meaning.unit is not None and meaning.due != is_number):
        return None
    if meaning.unit is None or not is_number:
        return Leaf("any")
    return Leaf("value", key, around) if alone else Leaf("value", meaning.sensor, meaning.unit)


def _pattern(line: bytes, leaves: list[Leaf]) -> bytes | None:
    """What fits the line and those like it; None where it is spelt otherwise than `leaves` say."""
    pattern, left = b"", iter(leaves)
    for mark, key, value in _TOKENS(line):
        if not (mark or key or value):
            return None  # an escape, another way to spell a number
        leaf = Leaf("mark") if mark else next(left, Leaf("none"))
        match leaf.kind, bool(key):
            case "mark", _:
                pattern += re.escape(mark)
            case "key", True if leaf.name == key[1:-1].decode():
                pattern += re.escape(key)
            case "value", False:
                pattern += b"(" + _NUMBER + b")"
            case "count", False:
                pattern += rb"(0|[1-9]\d{0,17})"
            case "sensor", False:
                pattern += b'"(' + _SAFE + b'++)"'
            case "any", False if value[:1] == b'"':
                pattern += _TEXT
            case "any", False if value[:1] in b"-0123456789":
                pattern += _NUMBER
            case (("any" | "same"), False):
                pattern += re.escape(value)
            case _:
                return None  # a key that comes twice
    return None if next(left, None) else pattern
