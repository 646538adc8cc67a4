"""Features as payloads: one reading a message, or the rows of a batch in one. Pure; numbers are written in bulk."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import to_json

from ..instants import instant
from ..model import ALARMS, Features, Quality

QUALITIES = tuple(
    quality.value for quality in Quality
)  # plain text is written faster than what an enum has to be asked
QUALITY_TEXTS = tuple(quality.encode() for quality in QUALITIES)
MOST_ROWS = 500


class Writer:
    """Writes the messages of one sensor: what stays the same is written once.

    identity: (gateway, board, sensor, run); tags: added to each message where there are any.
    """

    def __init__(self, identity: tuple[str, str, str, str], tags: dict[str, str]) -> None:
        gateway, board, sensor, run = identity
        self._head = {"gateway": gateway, "board": _sayable(board), "sensor": _sayable(sensor), "run": run}
        self._tags = {"tags": {_sayable(key): _sayable(value) for key, value in tags.items()}} if tags else {}
        self._template: tuple[tuple[str, tuple[str, ...]], bytes] | None = None

    def readings(
        self,
        features: Features,
        first: int,
        last: int,
        condensed: dict[int, int],
        clock: str | None,
        replayed: bool = False,
    ) -> Iterator[bytes]:
        """A payload for each row first…last - 1.

        condensed: seq -> readings left out before; clock: None when it was set; replayed: they had been on the disk.
        """
        template = self._shape(features.unit, features.keys)
        size = last - first
        parts: list[Sequence[float | None]] = [
            features.seq[first:last],
            features.value[first:last],
            features.n[first:last],
        ]
        parts += [column[first:last] for column in features.columns]
        texts = numbers(parts)
        plain = clock is None and not condensed and not replayed and not features.alarm
        columns = [texts[at : at + size] for at in range(0, len(texts), size)]
        times = [instant(wall).encode() for wall in features.wall[first:last]]
        qualities = [QUALITY_TEXTS[code] for code in features.quality[first:last]]
        for i, (seq, value, n, *rest) in enumerate(zip(*columns, strict=True), first):
            count = features.count[i]
            if plain and count is None:
                extra = b""
            else:
                alarm = ALARMS[features.alarm[i]] if features.alarm else None
                extra = _extra(count, condensed.get(features.seq[i]), clock, replayed, alarm)
            yield template % (seq, times[i - first], value, n, qualities[i - first], extra, *rest)

    def rows(
        self,
        features: Features,
        first: int,
        last: int,
        condensed: dict[int, int],
        clock: str | None,
        replayed: bool = False,
    ) -> bytes:
        """One payload for the rows first…last - 1; the rest as `readings`."""
        columns: dict[str, Sequence[object]] = {
            "seq": features.seq[first:last],
            "time": [instant(wall) for wall in features.wall[first:last]],
            "value": features.value[first:last],
            "quality": [QUALITIES[code] for code in features.quality[first:last]],
            "n": features.n[first:last],
        }
        counts = features.count[first:last]
        if any(count is not None for count in counts):
            columns["count"] = counts
        left_out = [condensed.get(seq) for seq in features.seq[first:last]] if condensed else []
        if any(left_out):
            columns["condensed"] = left_out
        if any(alarms := features.alarm[first:last]):
            columns["alarm"] = [ALARMS[code] for code in alarms]
        columns |= {key: column[first:last] for key, column in zip(features.keys, features.columns, strict=True)}
        document = {
            **self._head,
            "unit": _sayable(features.unit),
            **self._tags,
            **({"replayed": True} if replayed else {}),
            **({"clock": clock} if clock else {}),
            "columns": list(columns),
            "rows": list(zip(*columns.values(), strict=True)),
        }
        return to_json(document, inf_nan_mode="null")

    def _shape(self, unit: str, keys: tuple[str, ...]) -> bytes:
        if self._template is None or self._template[0] != (unit, keys):
            head = _inside(self._head)
            features = b"".join(b",%b:%%b" % _text(key) for key in keys)
            tags = b"," + _inside(self._tags) if self._tags else b""
            body = b',"seq":%b,"time":"%b","value":%b,' + _inside({"unit": unit}) + b',"n":%b,"quality":"%b"%b'
            self._template = (unit, keys), b"{" + head + body + features + tags + b"}"
        return self._template[1]


def numbers(columns: Sequence[Sequence[float | None]]) -> list[bytes]:
    """The JSON text of each number, column after column; NaN is null."""
    flat = [number for column in columns for number in column]
    return to_json(flat, inf_nan_mode="null")[1:-1].split(b",")


def _sayable(text: str) -> str:
    """Without lone surrogates, which a board may send and no payload can hold."""
    return text.encode(errors="replace").decode()


def _text(value: object) -> bytes:
    """Compact JSON, ready to stand in a template."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace").replace(b"%", b"%%")


def _inside(document: dict[str, Any]) -> bytes:
    """A JSON object without its braces, ready to stand in a template."""
    return _text(document)[1:-1]


def _extra(count: int | None, condensed: int | None, clock: str | None, replayed: bool, alarm: str | None) -> bytes:
    parts = b"" if count is None else b',"count":%d' % count
    if condensed:
        parts += b',"condensed":%d' % condensed
    if alarm:
        parts += b',"alarm":"%b"' % alarm.encode()
    if replayed:
        parts += b',"replayed":true'
    if clock:
        parts += b',"clock":"%b"' % clock.encode()
    return parts
