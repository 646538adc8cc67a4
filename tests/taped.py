"""`gateway run` with a capture of what its reader hears, so that a run and its replay can be compared.

python -m tests.taped FILE run -c FILE
"""

import atexit
import sys
import time
from pathlib import Path

from gateway.cli import run
from gateway.ingest.boards import Boards
from gateway.ingest.capture.file import Writer
from gateway.ingest.capture.lines import Header
from gateway.ingest.capture.tape import Tape
from gateway.ingest.reader import Reader
from gateway.model import Board


def main(file: Path, command: list[str]) -> int:
    """Starts `gateway`; gives its exit code."""
    made = Boards.made

    def taped(self: Boards, board: Board) -> Reader:
        reader = made(self, board)
        start = time.monotonic()
        writer = Writer(file, Header(board.name, time.time()), lambda: None)
        Tape(reader, writer.put, start)
        atexit.register(writer.close)
        return reader

    Boards.made = taped  # type: ignore[method-assign]
    return run(command)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
