"""json: objects, nested or not, one or more on a line, with or without text before them.

    {"T1":21.5,"MSG":12}                                            the keys name the values
    {"DS18B20":{"Id":"00","Temperature":49.7},"TempUnit":"C"}       DS18B20: the outer key, where the inner says no more
    {"probes":[20.5,21.0],"air":{"inlet":19.8}}                     probes.1, probes.2, air.inlet: the path
    12:00:01 MQT: tele/x/SENSOR = {"DS18B20":{"Temperature":49.7}}  with after = "SENSOR ="
    [21.5, 22.0]                                                    a list of values is a row: S1, S2

Of two equal keys in one object the last one counts, as in most readers of JSON. What Python prints of a dict is read
too: {'temp': 21.5, 'hum': None}.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from json import JSONDecoder
from typing import Any

from pydantic_core import from_json

from ...model import Decoded, FormatOptions, Frame, Noise, Refusal, Stretch, Why
from ..quantities import quantity
from .mould import Mould
from .mould_objects import called, mould_of_object
from .objects import LONGEST, Found, Objects
from .otherwise import Otherwise
from .rows import Row, Rows
from .stretches import Stretches
from .text import NAMES, noise, numbered, outcome, readable, refused

TAG = 64
"""Characters that may stand before an object where it is looked for."""

_PYTHON = re.compile(r"""'((?:[^'\\]|\\.)*+)'|("(?:[^"\\]|\\.)*+")|\b(None|True|False)\b""")
_WORD = {"None": "null", "True": "true", "False": "false"}
_TAG = re.compile(r"\S*[^\W\d]\S*(?: ++[^\w\s]++)?\Z")
"""The last word before an object, with the mark behind it: "T:", "SENSOR ="."""
_ONLY_NUMBERS = re.compile(r"[-+\d.eE,\s\[\]]*+")


class Json:
    """Decodes JSON lines. A line that does not start as JSON does is noise.

    `columns` gives values other names: "key=name" or "outer.key=name" by their keys, and plain names by their places,
    all of them then. `unit` is for what has none.
    """

    name = "json"

    def __init__(self, options: FormatOptions, *, guess: bool = False) -> None:
        self._after = options.after.strip()
        self._guess = guess and not self._after
        self.after = ""  # what stands before the objects that are read, where that was found …
        self._again = False  # … and whether it was there twice; if not, its line may have been a torn one …
        self._otherwise = Otherwise()  # … and others stood before the last ones
        self._records = [key for key in options.records.split(".") if key]
        self._objects = Objects(options, dict(name.rsplit("=", 1) for name in options.columns if "=" in name), guess)
        self._rows = Rows(
            replace(options, columns=tuple(name for name in options.columns if "=" not in name)), guess=guess
        )
        self._named = self._rows.width > 0
        self._by_place = self._named or len(options.unit) > 1
        named = partial(called, self._objects)
        self._stretches = Stretches(self._moulded, frozenset(options.none), named, options.max_sensors)
        self._learnt = 0  # of `_objects`, as the stretches know it

    @property
    def unsaid(self) -> bool:
        """Whether nothing says that the values read are temperatures."""
        return self._objects.unsaid and self._rows.unsaid

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        if frame[:1] == b"{" and not self._after:
            try:
                document = from_json(frame)
            except ValueError:
                pass  # colours, Latin-1, several objects, or no JSON at all: with care
            else:
                return self._outcome([document], frame)
        line = readable(frame)
        if isinstance(line, Refusal):
            return line
        text = self._json_of(line)
        documents = _documents(text)
        if documents is None and text[:2] in ("{'", "{}"):
            documents = _documents(_PYTHON.sub(_as_json, text))
        if not documents and self._guess and (tagged := _tagged(line)) is not None:
            return self._behind_tag(*tagged, frame)
        if documents is None:
            return refused(Why.BAD_FRAME, frame)
        return self._outcome(documents, frame)

    def stretch(self, frames: Sequence[bytes]) -> Stretch | None:
        """What the first lines hold, if they are objects of one shape and without a fault; the same as one by one."""
        if self._after or self._records or self._by_place or self._objects.unsettled:
            return None
        if self._learnt != self._objects.learnt:
            self._learnt = self._objects.learnt
            self._stretches.doubt()
        return self._stretches.read(frames)

    def _moulded(self, frame: bytes) -> Mould | None:
        try:
            record = from_json(frame)
        except ValueError:
            return None
        return mould_of_object(frame, record, self._objects) if isinstance(record, dict) else None

    def _json_of(self, text: str) -> str:
        """The part of a line that is JSON; "" when there is none, or other text stands before it than `after`."""
        if self._after:
            before, brace, rest = text.partition("{")
            return brace + rest if before.rstrip().endswith(self._after) else ""
        text = text.strip()
        if text[:1] == "[" and text[1:].lstrip()[:1] not in ("{", "[") and not _ONLY_NUMBERS.fullmatch(text):
            return ""  # as log lines start too: "[12:00:01] up"
        return text if text[:1] in ("{", "[") else ""

    def _behind_tag(self, tag: str, document: dict[str, Any], frame: bytes) -> Decoded | Refusal | Noise:
        """What an object behind a tag holds; behind another tag it is another sensor's, and refused."""
        if self.after not in ("", tag):
            if not self._otherwise.again(tag) or self._again:
                return refused(Why.BAD_FRAME, frame) if _speaks(document) else noise(frame)
            self.after = ""
        result = self._outcome([document], frame)
        if isinstance(result, Decoded):
            self._again = tag == self.after
            self.after = tag
        return result

    def _outcome(self, documents: list[Any], frame: bytes) -> Decoded | Refusal | Noise:
        found = Found([], [])
        for document in documents:
            around = ""
            for key in self._records:
                around = self._objects.unit_of(document) or around
                document = document.get(key) if isinstance(document, dict) else None
            why = None
            if isinstance(document, dict):
                why = self._record(document, around, found)
            elif isinstance(document, list):
                why = self._list(document, around, found)
            if why is not None:
                return refused(why, frame)
        return outcome(found.samples, found.bad, frame)

    def _list(self, items: list[Any], around: str, found: Found) -> Why | None:
        """A list of objects is one record each; any other is a row of values."""
        records = [item for item in items if isinstance(item, dict)]
        if not records and items and not any(isinstance(item, list) for item in items):
            return self._row([_cell(item) for item in items], around, found)
        for record in records:
            if (why := self._record(record, around, found)) is not None:
                return why
        return None

    def _record(self, record: dict[str, Any], around: str, found: Found) -> Why | None:
        """Adds what one object holds to `found`; gives the reason when it spoils the line."""
        if not self._by_place:
            return self._objects.read(record, around, found)
        leaves, spelt = [], 0
        for path, item in _nodes(record, ""):
            spelt += max(0, len(path) - LONGEST)
            if spelt > NAMES:
                return Why.BAD_FRAME
            if not isinstance(item, dict | list):
                leaves.append((path, item))
        names = tuple(numbered([path for path, _ in leaves]))
        if not self._named and names != self._rows.names:
            self._rows.call(names)
        return self._row([_cell(value) for _, value in leaves], self._objects.unit_of(record) or around, found)

    def _row(self, cells: list[str], around: str, found: Found) -> Why | None:
        row = Row(cells, unit=around)
        if not self._rows.fits(row):
            return Why.WRONG_COLUMNS
        result = self._rows.read(row, b"")
        if isinstance(result, Decoded):
            found.samples.extend(result.samples)
            found.bad.extend(result.bad)
        return result.why if isinstance(result, Refusal) else None


def _documents(text: str) -> list[Any] | None:
    """The documents in a text, one behind the other; None when it is not made of JSON alone."""
    decoder, at, documents = JSONDecoder(), 0, []
    try:
        while at < len(text):
            _, end = decoder.raw_decode(text, at)  # finds where one ends; the stricter reader says what it is
            documents.append(from_json(text[at:end]))
            at = end
            while at < len(text) and text[at] in " ,;\t":
                at += 1
    except (ValueError, RecursionError):
        return None
    return documents


def _as_json(found: re.Match[str]) -> str:
    """A text or a word of Python as JSON has it."""
    text, whole, word = found.groups()
    if word:
        return _WORD[word]
    return whole or '"' + text.replace("\\'", "'").replace('"', '\\"') + '"'


def _tagged(line: str) -> tuple[str, dict[str, Any]] | None:
    """The object at the end of a line and the word before it; None for any other line."""
    before, brace, rest = line.partition("{")
    found = _TAG.search(before.rstrip()) if 0 < len(before) <= TAG and rest.rstrip()[-1:] == "}" else None
    documents = _documents(brace + rest.rstrip()) if found else None
    if found is None or documents is None or len(documents) != 1 or not isinstance(documents[0], dict):
        return None
    return found[0], documents[0]


def _speaks(document: dict[str, Any]) -> bool:
    """Whether a number of an object says that it is a temperature."""
    return any(
        isinstance(item, int | float) and "temperature" in map(quantity, path.split("."))
        for path, item in _nodes(document, "")
    )


def _nodes(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All that is in an object, and in what is in it, each with its path, in order."""
    for key, item in node.items() if isinstance(node, dict) else enumerate(node, 1):
        inner = f"{path}.{key}" if path else str(key)
        yield inner, item
        if isinstance(item, dict | list):
            yield from _nodes(item, inner)


def _cell(item: Any) -> str:
    """A value as the text of a cell: numbers as they are, texts so that they are no number."""
    if isinstance(item, str):
        return f"'{item}'"
    return "none" if item is None else str(item)
