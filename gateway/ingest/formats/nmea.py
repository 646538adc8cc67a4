"""nmea: sentences of NMEA 0183, as weather stations and ships' instruments send them.

    $WIMTW,24.2,C*09                     MTW 24.2 °C: the two letters in front, the talker, are anybody's
    $YXXDR,C,18.92,C,AIRTEMP,P,1.01272,B,BARO*3E
      type ─┘ └value └unit └name         AIRTEMP 18.92 °C: measurements in fours; without a name it is XDR1, by place
    $HCHDT,274.7,T*2F                    noise: a sentence without anything that is asked for
    !AIVDM,1,1,,A,…*5C                   noise: encapsulated

hh behind the * is the XOR of what stands between $ and *, in hexadecimal. A sentence without one is refused like one
with a wrong one: it cannot be told from one that was cut off. Fields as in E. S. Raymond's "NMEA Revealed".
"""

import re
from functools import reduce
from operator import xor

from ...model import BadValue, Decoded, FormatOptions, Frame, Noise, Refusal, Sample, Why
from ..asked_for import Asked
from ..numbers import value
from ..quantities import unit
from .text import noise, numbered, outcome, readable, refused

LONGEST = 80
"""Bytes of a sentence, by the standard: 82 with CR LF."""

SENTENCES = {
    "MTW": ((1, "MTW"),),  # water temperature; its unit is the next field
    "MTA": ((1, "MTA"),),  # air temperature
    "MMB": ((3, "MMB_pressure"),),
    "MHU": ((1, "MHU_humidity"), (3, "MHU_dewpoint")),
    "MDA": ((3, "MDA_pressure"), (5, "MDA_air"), (7, "MDA_water"), (9, "MDA_humidity"), (11, "MDA_dewpoint")),
}
"""The values of a sentence: which field each is, and what it is called."""
PERCENT = ("MHU_humidity", "MDA_humidity")  # have no field for their unit
UNITS = {"B": "bar", "C": "°C", "F": "°F", "K": "K"}
TRANSDUCERS = {
    ("C", "C"): "°C", ("C", "F"): "°F", ("C", "K"): "K", ("C", ""): "°C", ("A", "D"): "°", ("D", "M"): "m",
    ("F", "H"): "Hz", ("H", "P"): "%", ("I", "A"): "A", ("P", "B"): "bar", ("P", "P"): "Pa", ("T", "R"): "rpm",
    ("U", "V"): "V",
}  # fmt: skip
"""Units of measurements in XDR, by their type and by the letter of their unit."""
COMPUTED = frozenset(("WCHR", "WCHT", "HINX", "DEWP", "DEWPT"))
"""Names of measurements that are none: wind chill, heat index, dew point."""

_SHAPE = re.compile(rb"\$[A-Z0-9]{2,8}(?:,[^$*!\\]*+)?\*[0-9A-Fa-f]{2}")
_SENTENCE = re.compile(r"\$(?:[A-OQ-Z0-9][A-Z0-9]([A-Z]{3})|[A-Z0-9]{2,8})(?=[,*]|$)")


class Nmea:
    """Decodes sentences, each by itself. `columns` gives sensors other names: "AIRTEMP=air"; "AIRTEMP=" skips one."""

    name = "nmea"
    checked = True

    def __init__(self, options: FormatOptions) -> None:
        self._asked = Asked(options)
        self._none = frozenset(options.none)
        self._called: dict[str, str] = dict(name.rsplit("=", 1) for name in options.columns if "=" in name)

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        """What a line holds."""
        line = frame.strip(b" ")
        if b"$" in line[1:] and is_sentence(line[line.rindex(b"$") :]):
            return refused(Why.BAD_FRAME, frame)  # something stands in front of it, or broke in
        if line[:1] != b"$":
            return noise(frame)
        text = readable(line)
        if isinstance(text, Refusal):
            return text
        found = _SENTENCE.match(text)
        if found is None:
            return noise(frame)
        if len(line) > LONGEST:
            return refused(Why.TOO_LONG, frame)
        if not (is_sentence(line) and is_sum_right(line)):
            return refused(Why.BAD_CHECKSUM, frame)
        fields = [field.strip() for field in text[:-3].split(",")]
        measured = _transducers(fields) if found[1] == "XDR" else _fields(found[1], fields)
        return self._read(measured, frame)

    def _read(self, measured: list[tuple[str, str, str]], frame: bytes) -> Decoded | Refusal | Noise:
        """Those of the measurements that are asked for; an empty value is none, and nothing bad."""
        samples: list[Sample] = []
        bad: list[BadValue] = []
        names = numbered([name for name, _, _ in measured])
        for name, (kind, text, said) in zip(names, measured, strict=True):
            published = self._asked.unit(kind, said) if kind not in COMPUTED else None
            name = self._called.get(name, name)
            if published is None or not text or not name:
                continue
            number = value(text, self._none)
            if isinstance(number, Why):
                bad.append(BadValue(name, number))
            else:
                samples.append(Sample(name, number, published))
        return outcome(samples, bad, frame)


def is_sentence(line: bytes) -> bool:
    """Whether a line has the shape of a sentence with a checksum, right or wrong."""
    return _SHAPE.fullmatch(line) is not None


def is_sum_right(line: bytes) -> bool:
    """Whether the checksum of a line of that shape is right."""
    return reduce(xor, line[1:-3], 0) == int(line[-2:], 16)


def _fields(kind: str | None, fields: list[str]) -> list[tuple[str, str, str]]:
    """Name, value and unit of the measurements of a sentence that is no XDR."""
    out = []
    for place, name in SENTENCES.get(kind or "", ()):
        text, letter = (*fields[place : place + 2], "", "")[:2]
        said = "%" if name in PERCENT else UNITS.get(letter, unit(letter))
        if said or not letter:
            out.append((name, text, said))
    return out


def _transducers(fields: list[str]) -> list[tuple[str, str, str]]:
    """Name, value and unit of the measurements of an XDR sentence, those of kinds that are known."""
    out = []
    fields = [*fields, ""] if len(fields) % 4 == 0 else fields  # the last name was left out with its comma
    for place, at in enumerate(range(1, len(fields) - 3, 4), 1):
        kind, text, letter, name = fields[at : at + 4]
        if (said := TRANSDUCERS.get((kind, letter))) is not None:
            out.append((name or f"XDR{place}", text, said))
    return out
