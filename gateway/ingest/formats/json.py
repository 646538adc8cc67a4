"""json: objects, nested or not, one or more on a line, with or without text before them.

    {"T1":21.5,"MSG":12}                                            the keys name the values
    {"DS18B20":{"Id":"00","Temperature":49.7},"TempUnit":"C"}       DS18B20: the outer key, where the inner says no more
    {"probes":[20.5,21.0],"air":{"inlet":19.8}}                     probes.1, probes.2, air.inlet: the path
    12:00:01 MQT: tele/x/SENSOR = {"DS18B20":{"Temperature":49.7}}  with after = "SENSOR ="
    [21.5, 22.0]                                                    a list of values is a row: S1, S2

Of two equal keys in one object the last one counts, as in most readers of JSON.
"""

import re
from dataclasses import replace
from json import JSONDecoder
from math import isfinite
from typing import Any, NamedTuple

from pydantic_core import from_json

from gateway.ingest.formats.rows import Row, Rows
from gateway.ingest.formats.text import ROLES, UNSAFE, joined, noise, numbered, outcome, readable, refused
from gateway.ingest.numbers import COUNT_LIMIT
from gateway.ingest.quantities import Asked, unit
from gateway.model import BadValue, Decoded, FormatOptions, Frame, Noise, Refusal, Sample, Why

KNOWN = 1024
"""Paths that are remembered; when there are more, all are forgotten and learnt anew."""

_new = tuple.__new__  # of a NamedTuple, at half the price: this is done once a reading
_ONLY_NUMBERS = re.compile(r"[-+\d.eE,\s\[\]]*+")
_ROLE_KEYS = frozenset(
    case(role) for role in (*ROLES, "TempUnit") if role != "value" for case in (str, str.upper, str.title)
)


class _Meaning(NamedTuple):
    """What a number at one path is: a sensor's value in a unit, or nothing that is asked for (unit None)."""

    sensor: str
    unit: str | None


class _Found(NamedTuple):
    """What the objects of a line came to, in their order."""

    samples: list[Sample]
    bad: list[BadValue]


class Json:
    """Decodes JSON lines. A line that does not start as JSON does is noise.

    `columns` gives values other names: "key=name" or "outer.key=name" by their keys, and plain names by their places, all
    of them then. `unit` beats the text's own units.
    """

    name = "json"

    def __init__(self, options: FormatOptions) -> None:
        self._asked = Asked(options)
        self._none = frozenset(options.none)
        self._after = options.after.strip()
        self._records = [key for key in options.records.split(".") if key]
        self._renamed = dict(
            (name.rpartition("=")[0], name.rpartition("=")[2]) for name in options.columns if "=" in name
        )
        self._rows = Rows(replace(options, columns=tuple(name for name in options.columns if "=" not in name)))
        self._named = self._rows.width > 0
        self._by_place = self._named or len(options.unit) > 1
        self._role_keys = _ROLE_KEYS.union(key for key, name in self._renamed.items() if name.casefold() in ROLES)
        self._known: dict[tuple[str, str, str], _Meaning] = {}  # (path, key, unit of the record)
        self._numbers: set[str] = (
            set()
        )  # names that have held a number: a text in their place is a value that does not hold

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        try:
            if frame[:1] == b"{" and not self._after:
                return self._outcome([from_json(frame)], frame)
            text = readable(frame)
            if isinstance(text, Refusal):
                return text
            text = self._json_of(text)
            if not text:
                return noise(frame)
            return self._outcome([from_json(text)], frame)
        except ValueError:  # no JSON, or more than one
            return self._several(frame)

    def _json_of(self, text: str) -> str:
        """The part of a line that is JSON; "" when there is none, or other text stands before it than `after`."""
        if self._after:
            before, brace, rest = text.partition("{")
            return brace + rest if before.rstrip().endswith(self._after) else ""
        text = text.strip()
        return (
            text
            if text[:1] == "{"
            or (text[:1] == "[" and (text[1:].lstrip()[:1] in ("{", "[") or _ONLY_NUMBERS.fullmatch(text)))
            else ""
        )

    def _several(self, frame: bytes) -> Decoded | Refusal | Noise:
        """A line that is not one document: several objects, or broken JSON, or a log line in brackets."""
        text = readable(frame)
        if isinstance(text, Refusal):
            return text
        text = self._json_of(text)
        if not text:
            return noise(frame)
        decoder, at, documents = JSONDecoder(), 0, []
        try:
            while at < len(text):
                _, end = decoder.raw_decode(text, at)
                documents.append(from_json(text[at:end]))
                while end < len(text) and text[end] in " ,;\t":
                    end += 1
                at = end
        except (ValueError, RecursionError):
            return refused(Why.BAD_FRAME, frame)
        return self._outcome(documents, frame)

    def _outcome(self, documents: list[Any], frame: bytes) -> Decoded | Refusal | Noise:
        found = _Found([], [])
        for document in documents:
            around = ""
            for key in self._records:
                around = self._unit_of(document) or around
                document = document.get(key) if isinstance(document, dict) else None
            why = None
            if isinstance(document, dict):
                why = self._record(document, around, found)
            elif isinstance(document, list):
                why = self._list(document, around, found, frame)
            if why is not None:
                return refused(why, frame)
        return outcome(found.samples, found.bad, frame)

    def _list(self, items: list[Any], around: str, found: _Found, frame: bytes) -> Why | None:
        """A list of objects is one record each; any other is a row of values."""
        if any(isinstance(item, dict) for item in items):
            for item in items:
                if isinstance(item, dict) and (why := self._record(item, around, found)) is not None:
                    return why
            return None
        if not items or any(isinstance(item, list) for item in items):
            return None
        return self._row([_cell(item) for item in items], around, found, frame)

    def _row(self, cells: list[str], around: str, found: _Found, frame: bytes) -> Why | None:
        row = Row(cells, unit=around)
        if not self._rows.fits(row):
            return Why.WRONG_COLUMNS
        result = self._rows.read(row, frame)
        if isinstance(result, Decoded):
            found.samples.extend(result.samples)
            found.bad.extend(result.bad)
        return result.why if isinstance(result, Refusal) else None

    def _record(self, record: dict[str, Any], around: str, found: _Found) -> Why | None:
        """Adds what one object holds to `found`; gives a reason when the whole frame is no good."""
        if self._by_place:
            leaves = list(_leaves(record, ""))
            names = tuple(numbered([path for path, _ in leaves]))
            if not self._named and names != self._rows.names:
                self._rows.call(names)
            return self._row([_cell(value) for _, value in leaves], self._unit_of(record) or around, found, b"")
        before = len(found.samples)
        why = self._walk(record, "", around, None, found)
        new = len(found.samples) - before
        if new > 1 and len({sample.sensor for sample in found.samples[before:]}) < new:
            unique = numbered([sample.sensor for sample in found.samples[before:]])
            for place, name in enumerate(unique, before):
                found.samples[place] = found.samples[place]._replace(sensor=name)
        return why

    def _walk(self, node: dict[str, Any], path: str, around: str, count: int | None, out: _Found) -> Why | None:
        if not self._role_keys.isdisjoint(node):
            around = self._unit_of(node) or around
            for key, item in node.items():
                role = self._role(key)
                if role == "count":
                    if type(item) is not int or not 0 <= item < COUNT_LIMIT:
                        return Why.NOT_A_NUMBER
                    count = item
                elif role == "sensor":
                    path = item if type(item) is str else str(item) if type(item) is int else ""
                    if not path or UNSAFE.search(path):
                        return Why.BAD_FRAME
        for key, item in node.items():
            kind = type(item)
            if kind is float or kind is int:
                meaning = self._known.get((path, key, around)) or self._learn(path, key, around)
                if meaning is None:
                    return Why.BAD_FRAME
                if meaning.unit is None:
                    continue
                value = item if kind is float and item - item == 0.0 and not self._none else self._value(item)
                if isinstance(value, float):
                    out.samples.append(_new(Sample, (meaning.sensor, value, meaning.unit, count)))
                else:
                    out.bad.append(BadValue(meaning.sensor, value))
            elif kind is dict or kind is list:
                inner = item if kind is dict else {str(place): each for place, each in enumerate(item, 1)}
                why = self._walk(inner, f"{path}.{key}" if path else key, around, count, out)
                if why is not None:
                    return why
            else:
                name = self._renamed_of(path, key)
                due = name in self._numbers or self._asked.plainly(key, path)
                if due and name and self._role(key) == "" and self._asked.unit(key, "", 0, around, path) is not None:
                    out.bad.append(BadValue(name, Why.ERROR_MARK if item in self._none else Why.NOT_A_NUMBER))
        return None

    def _value(self, item: float) -> float | Why:
        try:
            value = float(item)
        except OverflowError:
            return Why.NOT_FINITE
        if not isfinite(value):
            return Why.NOT_FINITE
        return Why.ERROR_MARK if self._none and value in self._none else value

    def _learn(self, path: str, key: str, around: str) -> _Meaning | None:
        """What a number at this place means; None when the name holds what no name may hold."""
        name = self._renamed_of(path, key)
        if UNSAFE.search(name):
            return None
        if len(self._known) >= KNOWN:
            self._known.clear()
            self._numbers.clear()
        skipped = (not name and key != "") or self._role(key) != ""
        meaning = _Meaning(name, None if skipped else self._asked.unit(key, "", 0, around, path))
        if meaning.unit is not None:
            self._numbers.add(name)
        self._known[path, key, around] = meaning
        return meaning

    def _renamed_of(self, path: str, key: str) -> str:
        full = f"{path}.{key}" if path else key
        return self._renamed.get(full, self._renamed.get(key, joined(path, key)))

    def _role(self, key: str) -> str:
        """ "sensor", "count" or "unit" for a key that says something about its object; "" for any other."""
        role = ROLES.get(self._renamed.get(key, key).casefold(), "")
        return "" if role == "value" else role

    def _unit_of(self, node: Any) -> str:
        if not isinstance(node, dict):
            return ""
        said = (item for key, item in node.items() if isinstance(item, str) and self._role(key) == "unit")
        return unit(next(said, ""))


def _leaves(node: Any, path: str) -> Any:
    """Each value of an object with its path, in order."""
    items = node.items() if isinstance(node, dict) else enumerate(node, 1)
    for key, item in items:
        inner = f"{path}.{key}" if path else str(key)
        if isinstance(item, dict | list):
            yield from _leaves(item, inner)
        else:
            yield inner, item


def _cell(item: Any) -> str:
    """A value as the text of a cell: numbers as they are, texts so that they are no number."""
    if isinstance(item, str):
        return f"'{item}'"
    return "none" if item is None else str(item)
