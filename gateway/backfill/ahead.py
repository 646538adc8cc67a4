"""A process that reads the captures of a chain while another computes what it has read: for a core that is left over.

What it is told is one line of JSON; what it says are pickles of what `read` gives, or a sentence, one after the other.
It is ahead by what the pipe between them takes.
"""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import signal
import subprocess
import sys
from array import array
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from ..alone import Rows, Took, die_with_parent
from ..ingest.capture.file import Capture, CaptureError
from .crew import environment, unstarted
from .reading import Came, Given, Read, read
from .setting import boards_of, kept

PIPE = 1 << 20  # bytes
F_SETPIPE_SZ = 1031


def ahead(of: Mapping[str, str | None], captures: Sequence[Given]) -> Generator[Read, None, None]:
    """What `read` gives, from a process of its own. of: what `kept` takes. Raises CaptureError."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gateway.backfill.ahead"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
    except OSError as error:
        raise CaptureError(unstarted(error)) from None
    try:
        order = {"of": of, "captures": [(str(one.path), one.key, one.size) for one in captures]}
        with suppress(BrokenPipeError), cast(IO[bytes], process.stdin) as pipe:  # that it has ended shows below
            pipe.write(json.dumps(order).encode())
        said: Read | str | None
        while True:
            try:
                said = pickle.load(
                    cast(IO[bytes], process.stdout)
                )  # our own process, and nothing that anybody else wrote
            except (EOFError, pickle.UnpicklingError):
                raise CaptureError(
                    "a process that reads captures ended before it was done; what was done is done, and the same "
                    "command goes on behind it"
                ) from None
            if said is None:
                return
            if isinstance(said, str):
                raise CaptureError(said)
            yield said
    finally:
        process.kill()
        process.wait()
        cast(IO[bytes], process.stdout).close()


def main() -> None:
    """Reads all, and ends."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever has started us, and ends us
    with suppress(OSError):  # pipes of that size may be used up: then it is less ahead
        fcntl.fcntl(1, F_SETPIPE_SZ, PIPE)
    order = json.loads(sys.stdin.read())
    captures = [Given(Path(path), key, size) for path, key, size in order["captures"]]
    settings = kept(**order["of"])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(BrokenPipeError), out:  # who has asked has gone
        try:
            with Capture(captures[0].path) as capture:
                config, _ = settings(capture.header)
            for said in read(config, boards_of(settings), captures):
                if isinstance(said, Came):
                    said = said._replace(took=[_packed(took) for took in said.took])
                pickle.dump(said, out, 5)
                out.flush()
            pickle.dump(None, out)
        except CaptureError as error:
            pickle.dump(str(error), out)


def _packed(took: Took) -> Took:
    """Its numbers as they lie in memory."""
    if not isinstance(took, Rows):
        return took
    columns: list[Sequence[float]] = [array("d", column) for column in took.rows.columns]
    return Rows(took.board, took.rows._replace(columns=columns), array("d", took.at))


if __name__ == "__main__":
    main()
