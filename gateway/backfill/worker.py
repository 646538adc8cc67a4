"""A process of a backfill: gets chains, one after the other, and tells how far each is. JSON lines in and out.

What it is told first says by which configuration; then each line is a chain. It ends when nothing more can come.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from ..alone import NoFeature, die_with_parent
from ..ingest.capture.file import Capture, CaptureError
from ..shown import shown
from .ahead import ahead
from .chain import Chain, Said, Setting
from .journal import Journal, JournalError, held
from .mark import check
from .reading import Given, read
from .setting import boards_of, kept, of_port


def worked(order: dict[str, Any], chain: dict[str, Any], said: Said) -> None:
    """Works off a chain. What goes wrong is said: {"failed": a sentence}; a capture that does not hold ends it.

    {"before": captures} are those that are done by now, by another process that was given the chain.
    """
    missed: dict[str, Any] = {}
    try:
        with held(Path(order["root"]), chain["name"]):
            journal = Journal.open(Path(order["root"]), chain["name"], chain["mark"])
            if before := [one for one in chain["captures"] if one["key"] in journal.done]:
                said({"before": before})
            captures = [one for one in chain["captures"] if one["key"] not in journal.done]
            if captures:
                _work(order, {**chain, "captures": captures}, journal, said, missed)
    except (CaptureError, JournalError, NoFeature) as error:
        said({"failed": str(error)})
    except OSError as error:
        where = shown(order["root"], 500)
        said({"failed": f"{where} cannot be written: {(error.strerror or str(error)).lower()}"})
    said({"end": True, "missed": missed})


def _work(order: dict[str, Any], chain: dict[str, Any], journal: Journal, said: Said, missed: dict[str, Any]) -> None:
    """missed: gets what the user's own features did not give, however it ends."""
    given = {"config": order["config"], "board": order["board"], "gateway": chain["gateway"], "mark": chain["mark"]}
    settings = kept(**given)
    captures = [Given(Path(one["path"]), one["key"], one["size"]) for one in chain["captures"]]
    with Capture(captures[0].path) as capture:
        config, boards = settings(capture.header)
    reads = partial(ahead, given) if chain.get("ahead") else partial(read, config, boards_of(settings))
    same = partial(check, config, of_port(config, boards), chain["mark"])
    of = Setting(config, boards_of(settings), reads, order["features"], order["keys"], same)
    with closing(Chain(of, journal, said)) as work:
        try:
            work.work(captures)
        finally:
            missed.update(work.missed)


def main() -> None:
    """Until standard input ends."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever has started us, and ends us
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # nothing else stands there, whoever prints

    def said(what: dict[str, Any]) -> None:
        try:
            out.write(json.dumps(what) + "\n")
            out.flush()
        except BrokenPipeError:  # whoever has started us was killed, and so are we in a moment
            os._exit(1)

    order = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        worked(order, json.loads(line), said)


if __name__ == "__main__":
    main()
