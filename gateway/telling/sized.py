"""How long a status document may be: what it leaves out, step by step, until the broker takes it. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

LARGEST = 100_000  # bytes of a document, where the broker states no limit
LINKS = {"port", "baud", "format", "reopened", "silences", "dtr_pulses", "overruns", "line_errors", "retuned"}
COUNTED = {"bytes", "frames", "decoded", "noise", "refused", "values", "refused_values", "readings", "dropped"}
SENT = {"inherited", "acknowledged", "sent_unacknowledged", "in_flight", "spooled", "condensed", "balanced"}
PARTS = ("broker", "spool", "pool")
LEFT_OUT = (  # beside the ledger first, and the ledger whole or not at all: its sums hold wherever it stands
    {*LINKS, *PARTS, "count_gaps", "restarts", "last_refused", "faults", "fault_totals"},
    {"version", "started", "clock", "boards", "alarms"},
    COUNTED | SENT,
)


def written(document: Mapping[str, Any], largest: int | None = None) -> bytes:
    """The document as JSON; one that is too large goes without some of it, and says so. largest: bytes.

    Where the broker does not take even who it is of and its state, it is longer than `largest`.
    """
    most = LARGEST if largest is None else min(largest, LARGEST)
    text = _json(document)
    if len(text) <= most:
        return text
    for shorter in _shorter(document):
        text = _json({**shorter, "truncated": True})
        if len(text) <= most:
            break
    return text


def will(document: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """The gateway's document as a will: with all its keys, and where that is too large, with its state alone.

    Sentences and faults are of the moment of the connect, and would make it as long as there is trouble.
    """
    *_, state = _shorter(document)
    whole = {**_without_texts(document), "faults": {}, "fault_totals": {}}
    return _json(whole), _json({**state, "truncated": True})


def _shorter(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    document = _without(document, {"sensors"})
    yield document
    document = _without_texts(document)
    yield document
    if "board" in document:
        document = _without(document, {"reason"})  # a sentence; a gateway's is a word
    for keys in LEFT_OUT:
        document = _without(document, keys)
        yield document


def _without(document: Mapping[str, Any], keys: set[str]) -> Mapping[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


def _without_texts(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of each part its numbers; of faults, since when and how often they are."""
    parts = {
        part: {key: value for key, value in document[part].items() if isinstance(value, (int, float))}
        for part in PARTS
        if part in document
    }
    faults = {name: {**fault, "text": ""} for name, fault in document["faults"].items()}
    return {**document, **parts, "faults": faults}


def _json(document: Mapping[str, Any]) -> bytes:
    """Boards name their sensors, and a lone surrogate in a name shall not stop the documents."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")
