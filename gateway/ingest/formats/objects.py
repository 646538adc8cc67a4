"""One JSON object, read: its values by their paths, those asked for as samples. For json."""

from math import isfinite
from typing import Any, NamedTuple

from ...model import BadValue, FormatOptions, Sample, Why
from ..asked_for import Asked
from ..numbers import COUNT_LIMIT
from ..quantities import TEMPERATURE_UNITS, WRITTEN_OUT, is_other, quantity, unit
from .doubt import Doubt, Doubtful
from .senders import VALUES, Senders, is_device
from .text import NAMES, ROLES, UNSAFE, joined, numbered

LONGEST = 128
"""Characters of a path that is remembered."""
KNOWN = 1024
"""Paths that are remembered; when there are more, all are forgotten and learnt anew."""

_ROLE_KEYS = frozenset(spelled(role) for role in ROLES for spelled in (str, str.upper, str.title)) | {"TempUnit"}
_KINDS = ("type", "quantity", "measurement", "kind", "parameter", "name", "n")
_NAMES = ("name", "n")
_UNITS = ("unit", "units", "uom", "u")
BESIDE_VALUES = frozenset(_KINDS + _UNITS)
"""Keys whose texts may tell what the value beside them is."""
_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading


class Found(NamedTuple):
    """What the objects of a line came to, in their order."""

    samples: list[Sample]
    bad: list[BadValue]


class Meaning(NamedTuple):
    """What stands at one path."""

    sensor: str
    unit: str | None  # None: nothing that is asked for
    doubtful: bool  # nothing says that it is a temperature, in auto
    due: bool  # whether a text here is a value that does not hold: by its name, or since a number has stood here
    tells: bool = False  # whether a number here says what it measures, in auto


class Roles(NamedTuple):
    """Which keys of an object say something about it."""

    of_unit: str | None
    of_count: str | None
    of_sensor: str | None


NO_ROLES = Roles(None, None, None)


class Objects:
    """Reads objects. `renamed`: other names for values, by key or by path; "" skips one."""

    def __init__(self, options: FormatOptions, renamed: dict[str, str], guess: bool = False) -> None:
        self._asked = Asked(options)
        self._none = frozenset(options.none)
        self._renamed = renamed
        self._role_keys = (_ROLE_KEYS - {"value", "VALUE", "Value"}) | renamed.keys()
        self._roles: dict[tuple[str, ...], Roles] = {}  # by the keys of an object
        self._known: dict[tuple[str, str, str], Meaning] = {}  # by path, key, unit of the object
        self._doubt = Doubt() if guess else None
        self._senders = Senders() if guess and not renamed else None
        self._doubtful: list[Doubtful] = []  # in the object that is read
        self._named = {field.name for field in options.fields}
        self._spelt = 0  # characters of long paths, in the object that is read
        self.learnt = 0  # how often something was learnt that may change what a line comes to

    def read(self, record: dict[str, Any], around: str, found: Found) -> Why | None:
        """Adds what one object holds to `found`; gives why when it spoils the line. around: the unit said outside."""
        samples, before = found.samples, len(found.samples)
        self._spelt = 0
        self._doubtful.clear()
        whose = self._senders.whose(record) if self._senders is not None else ""
        why = self._walk(record, whose or "", around, None, found)
        if whose is None and len(samples) > before:
            return Why.BAD_FRAME
        if UNSAFE.search(whose or ""):
            return Why.BAD_NAME
        new = len(samples) - before
        if new > 1 and len({sample.sensor for sample in samples[before:]}) < new:
            unique = numbered([sample.sensor for sample in samples[before:]])
            samples[before:] = [
                sample._replace(sensor=name) for sample, name in zip(samples[before:], unique, strict=True)
            ]
        if self._doubtful and self._doubt is not None and why is None:
            samples[before:], marks = self._doubt.settle(samples[before:], self._doubtful, before)
            found.bad.extend(marks)
        return why

    def unit_of(self, node: Any) -> str:
        """The unit that an object says for all in it, "" when it says none."""
        if not isinstance(node, dict) or (key := self._roles_of(node).of_unit) is None:
            return ""
        said = node[key]
        return unit(said) if isinstance(said, str) else ""

    @property
    def unsaid(self) -> bool:
        """Whether nothing says that the values read are temperatures."""
        return self._doubt is not None and not self._doubt.told

    @property
    def unsettled(self) -> bool:
        """Whether the first value that says what it is is yet to come, or whose a record is has to be looked at."""
        several = self._senders is not None and self._senders.several
        return several or self.unsaid

    def is_device(self, key: str) -> bool:
        """Whether a key of a record may say whose it is."""
        return self._senders is not None and not self._senders.counts and is_device(key)

    def known(self, path: str, key: str, around: str) -> Meaning | None:
        """What stands at a key of the object at `path`, as far as that was learnt. around: the unit said there."""
        meaning = self._known.get((path, key, around))
        if meaning is not None and meaning.doubtful and self._doubt is not None and self._doubt.told:
            return meaning._replace(unit=None, doubtful=False)
        return meaning

    def roles(self, node: dict[str, Any]) -> Roles:
        """Which of an object's keys say something about it."""
        return NO_ROLES if self._role_keys.isdisjoint(node) else self._roles_of(node)

    def role(self, key: str) -> str:
        """What a key says about its object, "" for one that says nothing."""
        return ROLES.get(self._renamed.get(key, key).casefold(), "")

    def _walk(self, node: dict[str, Any], path: str, around: str, count: int | None, found: Found) -> Why | None:
        if not self._role_keys.isdisjoint(node):
            roles = self._roles_of(node)
            around = self.unit_of(node) or around
            if roles.of_count is not None:
                count = node[roles.of_count]
                if type(count) is not int or not 0 <= count < COUNT_LIMIT:
                    return Why.NOT_A_NUMBER
            if roles.of_sensor is not None:
                named = node[roles.of_sensor]
                path = named if type(named) is str else str(named) if type(named) is int else ""
                if not path:
                    return Why.BAD_FRAME
                if UNSAFE.search(path):
                    return Why.BAD_NAME
        if len(path) > LONGEST:  # it is in the name of each value, and in the path of each list, below it
            self._spelt += len(path) * len(node)
            if self._spelt > NAMES:
                return Why.BAD_FRAME
        told = self.told(node, path, around)
        for key, item in node.items():
            kind = type(item)
            if kind is dict or kind is list:
                inner = item if kind is dict else {str(place): each for place, each in enumerate(item, 1)}
                why = self._walk(inner, f"{path}.{key}" if path else key, around, count, found)
                if why is not None:
                    return why
                continue
            is_number = kind is float or kind is int
            by_told = told is not None and key in VALUES and (is_number or told.due)
            meaning = told if by_told else self._known.get((path, key, around))
            if meaning is None or (is_number and not (meaning.due or by_told)):
                meaning = self._learn(path, key, around, is_number)
                if meaning is None:
                    return Why.BAD_NAME
            if self._doubt is not None and is_number and meaning.tells and not self._doubt.told:
                self._doubt.tell()
            if meaning.unit is None or (meaning.doubtful and self._doubt is not None and self._doubt.told):
                continue
            if is_number:
                value = item if kind is float and item - item == 0.0 and not self._none else self._value(item)
                if isinstance(value, float):
                    if meaning.doubtful:
                        self._doubtful.append(Doubtful(len(found.samples), meaning.sensor[-LONGEST:], str(item)))
                    found.samples.append(_new(Sample, (meaning.sensor, value, meaning.unit, count)))
                else:
                    found.bad.append(BadValue(meaning.sensor, value))
            elif meaning.due:
                marked = isinstance(item, str) and item in self._none
                found.bad.append(BadValue(meaning.sensor, Why.ERROR_MARK if marked else Why.NOT_A_NUMBER))
        return None

    def told(self, node: dict[str, Any], path: str, around: str) -> Meaning | None:
        """What the value of an object is, where keys beside it say so, by a quantity, a unit or a name; else None."""
        if VALUES.isdisjoint(node):
            return None
        texts = {key: text for key in (*_KINDS, *_UNITS) if isinstance(text := node.get(key), str) and text}
        kinds = [texts[key] for key in _KINDS if WRITTEN_OUT.search(texts.get(key, ""))]
        kind = next((text for text in kinds if quantity(text)), "")
        named = "" if path else next((texts[key] for key in _NAMES if key in texts), "")
        unit_text = next((texts[key] for key in _UNITS if key in texts), "")
        if not (kind or named or unit_text) or not self._renamed.keys().isdisjoint(node):
            return None
        if UNSAFE.search(named) or len(named) > LONGEST:
            return None
        said = unit(unit_text) or ("" if unit_text else around)
        own, outer = (said, "") if quantity(kind) == "temperature" else ("", said)  # no humidity is measured in °C
        published = None if unit_text and not said else self._asked.unit(kind or "value", own, 0, outer, path)
        sensor = path or named or "value"
        is_one = published in TEMPERATURE_UNITS
        certain = is_one and self._asked.certain(kind, said, 0, path)
        if self._doubt is None or sensor in self._named:
            return Meaning(sensor, published, False, certain)
        return Meaning(sensor, published, is_one and not certain, certain, certain or is_other(kind or path, said))

    def _value(self, item: float) -> float | Why:
        try:
            value = float(item)
        except OverflowError:
            return Why.NOT_FINITE
        if not isfinite(value):
            return Why.NOT_FINITE
        return Why.ERROR_MARK if value in self._none else value

    def _learn(self, path: str, key: str, around: str, is_number: bool) -> Meaning | None:
        """What stands at this place; None when it has a name that no name may be."""
        full = f"{path}.{key}" if path else key
        name = self._renamed.get(full, self._renamed.get(key, joined(path, key)))
        if name.casefold() == "value":
            name = joined(path, name)  # renamed so, the sensor's own
        if UNSAFE.search(name):
            return None
        self.learnt += 1
        if len(self._known) >= KNOWN:
            self._known.clear()
        skipped = (not name and key != "") or self.role(key) not in ("", "value")
        called = self._renamed.get(full, self._renamed.get(key, ""))
        published = None if skipped else self._asked.unit(key, "", 0, around, path, called)
        weighed = self._doubt is not None and name not in self._named and not called
        is_one = weighed and published in TEMPERATURE_UNITS
        doubtful = is_one and not self._asked.certain(key, around if key.casefold() in VALUES else "", 0, path, called)
        tells = weighed and not skipped and ((is_one and not doubtful) or is_other(key if quantity(key) else path))
        due = published is None or is_number or self._asked.plainly(key, path, called)
        meaning = Meaning(name, published, doubtful, due, tells)
        if len(path) + len(key) <= LONGEST:
            self._known[path, key, around] = meaning
        return meaning

    def _roles_of(self, node: dict[str, Any]) -> Roles:
        keys = tuple(node)
        roles = self._roles.get(keys)
        if roles is None:
            said = {self.role(key): key for key in reversed(keys)}  # of two of one role the first
            roles = Roles(said.get("unit"), said.get("count"), said.get("sensor"))
            if len(self._roles) >= KNOWN:
                self._roles.clear()
            if sum(map(len, keys)) <= LONGEST:
                self._roles[keys] = roles
        return roles
