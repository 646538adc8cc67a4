"""The status documents as metrics, in the text format of Prometheus. Pure: one snapshot in, text out.

Every number is one of the documents', so that both say the same. Names: https://prometheus.io/docs/practices/naming/;
the format: https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ..model import Drop, Why
from .metric_names import BOARD, GATEWAY, HELP, Metric

TYPE = "text/plain; version=0.0.4; charset=utf-8"
LONGEST = 100  # characters of a label's value; a longer one is cut, and told apart by a digest
STATES = ("online", "silent", "offline", "lent")
REASONS: dict[str, tuple[str, ...]] = {"refused": tuple(Why), "refused_values": tuple(Why), "dropped": tuple(Drop)}

Sample = tuple[str, float]
"""Labels as they stand between the braces, "" for none; and the number."""


def exposed(snapshot: Mapping[str, Any]) -> str:
    """The whole text. snapshot: `gateway` and `boards`, the documents; `sensors`, the newest readings; `left_out`."""
    gateway, boards = snapshot["gateway"], snapshot["boards"]
    families: dict[str, list[Sample]] = {}
    for metric in GATEWAY:
        families[metric.name] = list(_samples(metric, gateway, "", all_reasons=True))
    families["gateway_info"] = [
        (_labels(gateway=gateway["gateway"], version=gateway["version"], run=gateway["run"]), 1)
    ]
    families["gateway_boards"] = [(_labels(state=state), gateway["boards"][state]) for state in STATES]
    cluster = gateway["pool"].get("cluster")
    families["gateway_cluster_connected"] = [("", cluster["state"] == "connected")] if cluster else []
    families["gateway_fault_present"] = [(_labels(fault=fault), 1) for fault in gateway["faults"]]
    families["gateway_faults_total"] = [(_labels(fault=fault), n) for fault, n in gateway["fault_totals"].items()]
    named = [(_labels(board=name), board) for name, board in boards.items()]
    for metric in BOARD:
        families[metric.name] = [sample for labels, board in named for sample in _samples(metric, board, labels)]
    families |= _of_boards(boards)
    families |= _of_sensors(boards, snapshot["sensors"])
    families["gateway_sensors_left_out"] = [("", snapshot["left_out"])]
    return "".join(_family(name, samples) for name, samples in families.items())


def _of_boards(boards: Mapping[str, Any]) -> dict[str, list[Sample]]:
    return {
        "gateway_board_info": [
            (_labels(board=name, port=one["port"], format=one["format"], baud=str(one["baud"] or "")), 1.0)
            for name, one in boards.items()
        ],
        "gateway_board_state": [
            (_labels(board=name, state=state), float(one["state"] == state))
            for name, one in boards.items()
            for state in STATES
        ],
        "gateway_board_fault_present": [
            (_labels(board=name, fault=fault), 1.0) for name, one in boards.items() for fault in one["faults"]
        ],
    }


def _of_sensors(
    boards: Mapping[str, Any], newest: Iterable[tuple[str, str, str, float, float]]
) -> dict[str, list[Sample]]:
    """Of those that are shown, so that no board fills a server of metrics with names."""
    out: dict[str, list[Sample]] = {
        name: []
        for name in (
            "gateway_sensor_value", "gateway_sensor_last_reading_timestamp_seconds", "gateway_sensor_readings_total",
            "gateway_sensor_ok",
        )
    }  # fmt: skip
    value, last, readings, ok = out.values()
    known = {name: (_labels(board=name), document["sensors"]) for name, document in boards.items()}
    for board, sensor, unit, wall, number in newest:
        of_board, sensors = known.get(board) or (_labels(board=board), {})
        labels = f'{of_board},sensor="{label(sensor)}"'
        value.append((f'{labels},unit="{label(unit)}"', number))
        last.append((labels, wall))
        if (seen := sensors.get(sensor)) is not None:
            readings.append((labels, seen["readings"]))
            ok.append((labels, seen["state"] == "ok"))
    return out


def _samples(
    metric: Metric, document: Mapping[str, Any], labels: str, *, all_reasons: bool = False
) -> Iterator[Sample]:
    """What a metric's place in a document holds: a number, or one for each reason."""
    found: Any = document
    for key in metric.place:
        found = found.get(key) if isinstance(found, Mapping) else None
    if isinstance(found, Mapping):
        known = dict.fromkeys(REASONS[metric.place[-1]], 0) if all_reasons else {}
        before = f"{labels}," if labels else ""
        yield from ((f'{before}reason="{label(reason)}"', n) for reason, n in {**known, **found}.items())
    elif found is not None:
        yield labels, _number(found) * metric.times


def _number(value: Any) -> float:
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return float(len(value)) if isinstance(value, list) else float(value)


def _family(name: str, samples: list[Sample]) -> str:
    kind, told = HELP[name]
    lines = dict(samples)  # a series stands there once
    text = "".join(
        [
            f"{name}{{{labels}}} {_value(value)}\n" if labels else f"{name} {_value(value)}\n"
            for labels, value in lines.items()
        ]
    )
    return f"# HELP {name} {told}\n# TYPE {name} {kind}\n{text}"


def _value(value: float) -> str:
    if value.__class__ is float and value != int(value):
        return repr(value)
    return str(int(value)) if -1e15 < value < 1e15 else repr(float(value))


def _labels(**values: str) -> str:
    return ",".join(f'{name}="{label(text)}"' for name, text in values.items())


def label(text: str) -> str:
    """A label's value, as it stands between its quotes. What boards call themselves may be anything."""
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 16]}~{hashlib.sha256(text.encode()).hexdigest()[:15]}"
    if "\\" in text or '"' in text or "\n" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return text
