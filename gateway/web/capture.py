"""A capture (docs/captures.md) of a board's newest bytes, from what the gateway keeps of them. Pure."""

import json
import re
from array import array
from collections.abc import Iterator
from typing import Any

from ..ingest.capture.lines import Header, Heard, headline
from ..ingest.capture.lines import written as line


def written(about: dict[str, Any], body: bytes, version: str) -> str:
    """The file's text. body: times (s, float64), lengths (int32, below 0 of what was sent), and the bytes."""
    count = about["pieces"]
    times, lengths = array("d"), array("i")
    data = body[count * times.itemsize + count * lengths.itemsize :]
    times.frombytes(body[: count * times.itemsize])
    lengths.frombytes(body[count * times.itemsize : -len(data) or None])
    header = Header(
        about["board"], about["started"], port=about["port"], baud=about["baud"], serial=about["serial"],
        version=version, asked=about["asked"],
    )  # fmt: skip
    first: dict[str, Any] = json.loads(headline(header))
    first["note"] = f"the newest {sum(map(abs, lengths))} bytes of the port, as they came and, where it is asked, went"
    return "".join(f"{one}\n" for one in (json.dumps(first, ensure_ascii=False), *_lines(times, lengths, data)))


def _lines(times: "array[float]", lengths: "array[int]", data: bytes) -> Iterator[str]:
    at = 0
    for time, length in zip(times, lengths, strict=True):
        piece = data[at : at + abs(length)]
        at += abs(length)
        yield line(Heard(time - times[0], piece, sent=length < 0))


def named(board: str) -> str:
    """What the file is called."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', board).strip('-')[-60:] or 'board'}.jsonl"
