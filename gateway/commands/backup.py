"""`gateway backup`: all that makes a gateway into one file, while it runs or not."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..backup.archive import BackupError, Contents
from ..backup.making import Source, make, unused
from ..backup.places import state_of
from ..config import host_id
from ..config.load import tables
from ..control.caller import Nobody, Unheard, ask
from ..instants import instant
from ..shown import shown
from .ends import DONE, configuration, failed, print_json
from .release import places


def backup(file: str, config: str | None, state: str | None, *, secrets: bool, as_json: bool) -> int:
    """Writes all that makes this gateway into a new file. Gives the exit code. Raises Wrong for the configuration."""
    path = configuration(config)
    try:
        with _gateway(path, config, state) as found:
            contents = make(found, Path(file), id_of(found.data), instant(time.time()), secrets=secrets)
    except (BackupError, Unheard) as error:
        return failed(str(error))
    if as_json:
        print_json({"file": file, **document(contents)})
        return DONE
    print(f"wrote {shown(file, 500)}: {told(contents)}")
    advice = "" if secrets else " (--with-secrets takes what lies beside the configuration)"
    for left in contents.left_out:
        print(f"not in it: {shown(left, 500)}{advice}")
    if secrets:
        print("It holds secrets: whoever has it can be this gateway at the broker.")
    return DONE


@contextlib.contextmanager
def _gateway(path: Path, config: str | None, state: str | None) -> Iterator[Source]:
    """The gateway, which leaves its spool as it is meanwhile, or does not run and is not started."""
    where, which = places(config), {"config": os.path.realpath(path)} if config else {}

    def copied() -> None:
        try:
            held = ask(where, {"do": "let_go", **which}).get("held")
        except Unheard:
            raise BackupError("the gateway ended while its spool was copied; try again") from None
        if not held:
            raise BackupError("the spool has changed too much while it was copied; try again")

    try:
        said = ask(where, {"do": "hold", **which})
    except Nobody:
        data = tables(path)
        folder = state_of(data, path, state)
        with unused(folder):
            yield Source(path, data, folder)
        return
    try:
        own = Path(str(said.get("config")))
        yield Source(own, tables(own), Path(str(said.get("state"))), copied)
    except BaseException:
        with contextlib.suppress(Unheard):
            ask(where, {"do": "let_go", **which})
        raise


def id_of(data: Mapping[str, Any]) -> str:
    """The gateway's id on this machine, with these tables."""
    table = data.get("gateway")
    given = table.get("id") if isinstance(table, dict) else None
    return given if given and isinstance(given, str) else host_id()


def document(contents: Contents) -> dict[str, Any]:
    """What `--json` prints of a backup."""
    return {
        "gateway": contents.gateway, "version": contents.version, "made": contents.made, "secrets": contents.secrets,
        "left_out": list(contents.left_out),
        "files": [{"role": one.role, "name": one.name, "bytes": one.bytes} for one in contents.files],
    }  # fmt: skip


def told(contents: Contents) -> str:
    """What is in a backup, for a person."""
    words = {"preset": "presets", "feature": "files of features", "tls": "certificates", "secret": "secrets"}
    roles = [one.role for one in contents.files]
    spool = sum(one.bytes for one in contents.files if one.role == "spool")
    parts = ["its configuration"]
    parts += [f"{roles.count(role)} {word}" for role, word in words.items() if role in roles]
    parts.append(f"a spool of {spool / 1e6:.1f} MB" if spool else "no spool")
    return f"{shown(contents.gateway)} as of {shown(contents.made)} ({', '.join(parts)})"
