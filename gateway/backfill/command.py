"""`gateway backfill`: captures into Parquet, by a process a core, each with the captures of one port at a time."""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..alone import cores
from ..bench.shown import progress
from ..commands.ends import DONE, FAILED, print_json, say
from ..config import Config
from ..hired.site import Gone, Where
from ..ingest.capture.file import CaptureError
from ..model import Board
from ..shown import shown
from .afar import absolute, afar, asked, where
from .crew import Crew, Unstarted
from .finding import SUFFIX, Chain, Found, chains, described, each_once, files, found
from .journal import FOLDER, Journal, JournalError, Mixed, held, locked
from .mark import marked
from .setting import By, by, of_port
from .summary import BEHIND, Progress, Summary, told
from .trial import keys_of

EXTRA = "Parquet is not installed; pip install 'serial-edge-gateway[parquet]' brings it"
LOCK = "+lock"  # no board's topic level has a "+"
PATIENCE = 5.0  # s in which the processes of a backfill that was killed have to be gone


def backfill(options: argparse.Namespace) -> int:
    """Reads the captures that are named, files and folders, into a folder. Gives the exit code.

    Raises CaptureError, Wrong, Unfit.
    """
    root, file, board = Path(options.output), options.config, options.board
    workers = options.workers or cores()
    if importlib.util.find_spec("pyarrow") is None:
        raise CaptureError(EXTRA)
    summary = Summary(str(root), options.json)
    settings = by(file, board)
    of = where(options.cluster, file) if options.cluster is not None else None
    captures = list(_read(options.captures, summary))
    once, copies = each_once(captures)
    summary.copies = [str(one.path) for one in copies]
    made, of_none = chains(once, lambda header: _line(settings, header))
    for one, why in of_none:
        summary.fail(why, one.path)
    with _alone_in(root):
        work = [left for chain in made if (left := _left(chain, root, settings, summary)) is not None]
        work = [] if summary.mixed else work
        configs = [config for _, config, _ in work]
        keys = keys_of(configs)
        order = {
            "config": file, "board": board, "root": str(root), "keys": keys, "features": _features(configs, keys),
        }  # fmt: skip
        work.sort(key=lambda one: -one[0].size)
        tasks = [
            {"name": c.name, "gateway": config.id, "mark": mark, "captures": described(c.captures)}
            for c, config, mark in work
        ]
        with progress() as line:
            shows = Progress(line, sum(c.size for c, *_ in work), sum(len(c.captures) for c, *_ in work))
            try:
                if of is None:
                    Crew(order, tasks, lambda: workers, summary, shows).run()
                elif tasks:
                    _elsewhere(of, order, tasks, configs, summary, shows, line)
            except Unstarted as error:
                summary.fail(str(error))
    summary.ended = time.monotonic()
    if options.json:
        print_json(summary.document())
    for sentence in summary.wrong():
        say(f"gateway: {sentence}")
    if not options.json:
        print(told(summary))
    return FAILED if summary.wrong() else DONE


def _elsewhere(
    of: Where,
    order: dict[str, Any],
    tasks: list[dict[str, Any]],
    configs: Sequence[Config],
    summary: Summary,
    shows: Progress,
    line: Callable[[str], None],
) -> None:
    """Has the workers of a cluster do it. That the cluster goes is noted. line: shows progress."""

    def tell(sentence: str) -> None:
        line("")
        say(f"gateway: {sentence}")

    order, tasks = absolute(order, tasks)
    try:
        with afar(of, asked(order, tasks, configs), tell) as (many, hire):
            Crew(order, tasks, many, summary, shows, hire).run()
    except Gone as error:
        summary.fail(f"the cluster at {of.address} {error}; {BEHIND if summary.begun else 'nothing was done'}")
    except OSError as error:
        where = shown(str(error.filename or order["root"]), 500)
        summary.fail(f"{where} cannot be used: {(error.strerror or str(error)).lower()}")


def _read(given: Sequence[str], summary: Summary) -> Iterator[Found]:
    """The captures; what is none is noted, and the others are read all the same."""
    path = None
    for path in files(given):
        try:
            yield found(path)
        except CaptureError as error:
            summary.fail(str(error), path)
    if path is None:
        where = ", ".join(shown(one, 200) for one in given)
        summary.fail(f"there is no capture in {where}: no file there is called *{SUFFIX}; name files or another folder")


def _line(settings: By, header: Any) -> tuple[Config, list[Board]]:
    """All boards of the port that a capture is of: they belong together, whichever of them it has."""
    config, boards = settings(header)
    return config, of_port(config, boards)


def _left(chain: Chain, root: Path, settings: By, summary: Summary) -> tuple[Chain, Config, str] | None:
    """What of a chain is not done yet, with its configuration and the mark of that; None where there is nothing left.

    Raises CaptureError.
    """
    config, _ = settings(chain.captures[0].header)
    mark = marked(config, chain.boards)
    try:
        with held(root, chain.name):  # a worker that was cut off may still be at it
            journal = Journal.open(root, chain.name, mark)
    except JournalError as error:
        summary.fail(str(error))
        summary.mixed = summary.mixed or isinstance(error, Mixed)
        return None
    except OSError as error:
        summary.fail(f"{shown(str(root), 500)} cannot be written: {(error.strerror or str(error)).lower()}")
        return None
    left = []
    for one in chain.captures:
        done = journal.done.get(one.key)
        if done is None:
            left.append(one)
        elif done["size"] < one.size:
            summary.fail(
                f"{shown(str(one.path), 500)} has grown since it was read, by {one.size - done['size']} bytes, which "
                "are left out; end a recording before its capture is read, or begin anew in another folder",
                one.path,
            )
        else:
            summary.skipped.append(str(one.path))
    return (chain._replace(captures=left), config, mark) if left else None


def _features(configs: Sequence[Config], keys: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of all features that any sensor may have, so that all files have the same columns."""
    used = [name for config in configs for name in config.features.use]
    used += [name for config in configs for rule in config.of_sensors for name in rule.changes.get("use", ())]
    return list(dict.fromkeys(["normalized", "feature", *used, *(key for names in keys.values() for key in names)]))


@contextmanager
def _alone_in(root: Path) -> Iterator[None]:
    """The folder is ours alone, and there. Raises CaptureError."""
    where = shown(str(root), 500)
    try:
        if root.exists() and any(root.iterdir()) and not (root / FOLDER).is_dir():
            raise CaptureError(f"{where} is not empty, and no backfill has begun there; give another folder")
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        lock = os.open(root / FOLDER / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CaptureError(f"{where} cannot be written: {(error.strerror or str(error)).lower()}") from None
    os.set_inheritable(lock, True)  # a worker that outlives us for a moment keeps it
    busy = CaptureError(f"another backfill writes to {where}; wait for it, or give another folder")
    with locked(lock, PATIENCE, busy):
        yield
