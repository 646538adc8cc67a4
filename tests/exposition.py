"""Prometheus' text format as its grammar has it, and what `promtool check metrics` complains of; written for tests.

Sources: https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/practices/naming/.
"""

import re
from collections.abc import Iterator
from typing import Any

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
KINDS = {"counter", "gauge", "histogram", "summary", "untyped"}
NOT_BASE = [
    "milli",
    "micro",
    "nano",
    "minutes",
    "hours",
    "days",
    "weeks",
    "kilo",
    "mega",
    "giga",
    "kibi",
    "mebi",
    "percent",
    "celsius",
    "fahrenheit",
    "bits",
    "ms",
]


def parsed(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples, by name and labels. Fails where the text is none of the format."""
    assert text.endswith("\n")
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    told: dict[str, set[str]] = {}
    family = ""
    for line in text.removesuffix("\n").split("\n"):
        if comment := re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line):
            what, name, rest = comment.groups()
            assert what not in told.setdefault(name, set()), f"twice: {line}"
            told[name].add(what)
            assert what == "HELP" or rest in KINDS, line
            family = name
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample is not None, f"no sample: {line!r}"
        name, labels, value = sample.groups()
        assert name == family and told[name] == {"HELP", "TYPE"}, f"not in its family: {line}"
        key = (name, frozenset(_labels(labels or "")))
        assert key not in found, f"twice: {line}"
        found[key] = float(value)
    return found


def _labels(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match is not None, f"no label: {text[at:]!r}"
        yield match[1], re.sub(r"\\(.)", lambda one: "\n" if one[1] == "n" else one[1], match[2])
        at = match.end()
        assert at == len(text) or text[at] == ","
        at += 1


def complaints(text: str) -> list[str]:
    """What promtool's lint would say of it."""
    out: list[Any] = []
    for name, kind in re.findall(rf"(?m)^# TYPE ({NAME}) (\w+)$", text):
        words = name.split("_")
        out += [(name, "counters end with _total")] if kind == "counter" and words[-1] != "total" else []
        out += [(name, "others do not")] if kind != "counter" and words[-1] == "total" else []
        out += [(name, "that is a histogram's")] if words[-1] in ("count", "sum", "bucket") else []
        out += [(name, f"no base unit: {word}") for word in words if word in NOT_BASE]
        out += [(name, "the kind is in the name")] if kind in words else []
        out += [(name, "no snake_case")] if name != name.lower() or "__" in name or ":" in name else []
        out += [(name, "a timestamp is in seconds")] if "timestamp" in words and words[-1] != "seconds" else []
    return [f"{name}: {what}" for name, what in out]
