"""What in a configuration decides what captures come to, as one short text: rows of two such texts are never mixed."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..alone import files_of
from ..config import Config
from ..ingest.capture.file import CaptureError
from ..model import Board, Port
from ..shown import shown


def marked(config: Config, boards: Sequence[Board]) -> str:
    """A mark of all in a configuration that decides what the captures of these boards come to.

    The Python files of the user's own features are in it, where there are any. Raises CaptureError for one of them
    that cannot be read.
    """
    names = [board.name for board in boards]
    ranges = {name: config.presets[name].range for name in names if name in config.presets}
    of_boards = {name: config.of_boards[name] for name in names if name in config.of_boards}
    bare = [dataclasses.replace(board, port=Port("", settle=board.port.settle)) for board in boards]
    alarms = [(rule.match, rule.sending.get("alarm")) for rule in config.of_sensors]
    rules = [(rule.match, rule.changes, rule.treatment) for rule in config.of_sensors]
    parts = (config.id, bare, config.features, ranges, of_boards, rules, alarms, config.custom)
    text = _plainly(parts) + (_plainly(_modules(config)) if config.custom else "")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def check(config: Config, boards: Sequence[Board], mark: str) -> None:
    """Raises CaptureError where the mark is another one by now."""
    if marked(config, boards) != mark:
        beside = " or a Python file beside it" if config.custom else ""
        raise CaptureError(
            f"{shown(str(config.path), 500)}{beside} was changed while this went on, and rows of both would be mixed; "
            "put back what was there and give the same command again, or begin anew in another folder"
        )


def _modules(config: Config) -> dict[str, str]:
    """The files that the user's own features may be of, and digests of what they hold."""
    folder, out = config.path.parent, {}
    for file in files_of(folder, config.custom):
        try:
            out[str(file.relative_to(folder))] = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise CaptureError(
                f"{shown(str(file), 500)} cannot be read: {(error.strerror or str(error)).lower()}; custom features "
                "may be of it, so let this user read it, or take it out"
            ) from None
    return out


def _plainly(value: Any) -> str:
    """A text of a value that is the same in each process: the order of sets and mappings is not."""
    if dataclasses.is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return "{" + ",".join(sorted(f"{key}:{_plainly(one)}" for key, one in value.items())) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ",".join(sorted(map(_plainly, value))) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_plainly, value)) + "]"
    return repr(value)
