"""`gateway run` with a capture of what its one port hears and is sent, so that a run and its replay can be compared.

python -m tests.taped FILE run -c FILE
"""

import atexit
import sys
import time
from pathlib import Path

from gateway.cli import run
from gateway.ingest import shared_lines
from gateway.ingest.asking.talk import Talk
from gateway.ingest.boards import Boards
from gateway.ingest.capture.file import Writer
from gateway.ingest.capture.lines import Header
from gateway.ingest.capture.tape import Tape, TapedHearing, TapedTalk
from gateway.ingest.seen import Seen
from gateway.model import Board, Port


def main(file: Path, command: list[str]) -> int:
    """Starts `gateway`; gives its exit code."""
    made = Boards.made

    def tape(board: str, *, asked: bool) -> Tape:
        start = time.monotonic()
        writer = Writer(file, Header(board, time.time(), asked=asked), lambda: None)
        atexit.register(writer.close)
        return Tape(writer.put, start, lambda: None, lambda: None)

    def hearing(self: Boards, board: Board) -> Seen:
        seen = made(self, board)
        taped = TapedHearing(tape(board.name, asked=False), board, seen.intake, seen.account)
        seen._reader.hearing = taped
        return seen

    def talk(port: Port) -> Talk:
        return TapedTalk(tape("line", asked=True), port)

    Boards.made = hearing  # type: ignore[method-assign]
    shared_lines.Talk = talk  # type: ignore[misc, assignment]
    return run(command)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
