"""`gateway restore`: a gateway out of the file that `gateway backup` wrote, on a card where none runs."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any

from ..backup.archive import BackupError, Reader
from ..backup.making import unused
from ..backup.places import made, state_for
from ..backup.restoring import moves, put, unnamed
from ..config import problems
from ..config.source import parsed
from ..shown import shown
from .backup import document, id_of, told
from .ends import DONE, configuration, failed, print_json

TWO = (
    "The old card must not run any more: two gateways with one id throw each other out at the broker, and what lies in "
    "the spool would be sent by both (with the same run and seq, so that a subscriber can drop what comes twice)."
)


def restore(file: str, config: str | None, state: str | None, *, force: bool, as_json: bool) -> int:
    """Puts a backup in place, on a card where no gateway runs. Gives the exit code."""
    path = configuration(config).absolute()
    try:
        with _opened(file) as reader:
            data = _tables(reader)
            if stray := unnamed(reader.contents, data):
                raise BackupError(
                    f"it has a file {stray[0]!a} that its configuration does not name; it is no backup of a gateway"
                )
            folder = state_for(data, path, state)
            with unused(folder) as keep_out:
                found = moves(reader.contents, path, folder)
                if there := [str(move.to) for move in found if move.replaces and not force]:
                    return failed(f"{there[0]}{_more(there)} is there already; --force sets aside what is there")
                made(path.parent, 0o750)
                made(folder, 0o700)
                keep_out()
                aside = put(reader, found, path, folder)
    except BackupError as error:
        return failed(str(error))
    except OSError as error:
        return failed(f"{error.filename or file}: {(error.strerror or str(error)).lower()}")
    wrong = problems(path.read_bytes(), path) + _renamed(reader.contents.gateway, id_of(data))
    if as_json:
        print_json({**document(reader.contents), "config": str(path), "state": str(folder),
                    "aside": [str(one) for one in aside], "problems": wrong, "note": TWO})  # fmt: skip
        return DONE
    print(f"restored {told(reader.contents)}\n  to {shown(str(path), 500)} and {shown(str(folder), 500)}")
    for place in aside:
        print(f"set aside: {shown(str(place), 500)}")
    for text in (*reader.contents.left_out, *wrong):
        print(f"to be seen to: {shown(text, 1000)}")
    print(TWO)
    return DONE


def _renamed(before: str, now: str) -> list[str]:
    """What is to be said where the gateway is called as its machine, and that is called otherwise."""
    if before == now:
        return []
    return [
        f"gateway.id: it is left to the host name, which was {shown(before)} and is {shown(now)} here: set "
        f'id = "{shown(before)}" under [gateway] to keep its topics'
    ]


@contextlib.contextmanager
def _opened(file: str) -> Iterator[Reader]:
    with open(file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as one:
        if not one.seekable() or not os.path.isfile(file):
            raise BackupError(f"{shown(file, 500)} is no file")
        try:
            yield Reader(one)
        except BackupError as error:
            raise BackupError(f"{shown(file, 500)}: {error}") from None


def _tables(reader: Reader) -> dict[str, Any]:
    one = next((one for one in reader.contents.files if one.role == "configuration"), None)
    text = io.BytesIO()
    if one is not None and one.bytes <= 1 << 20:
        reader.copy(one, text)
    data, wrong = parsed(text.getvalue(), "its configuration")
    if wrong:
        raise BackupError(wrong[0])
    return data


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
