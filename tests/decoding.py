"""What decoding costs: bytes of boards, again and again, through framing, format and ledger, on one core.

    python -m tests.decoding [BOARD …] [--seconds S]

First simulated boards of one and of four sensors, which send records and nothing else; then each folder of
tests/golden, whose captures are full of what goes wrong. Frames and values a second of processor time, the median of
several turns in which all boards are read one after another, so that a busy moment touches them alike.
"""

import argparse
import statistics
import tempfile
import time
from itertools import islice, product
from pathlib import Path

from gateway.ingest.formats import decoder
from gateway.ingest.intake import Intake
from gateway.ledger import Account
from gateway.model import Board, Chunk
from simulators.kinds import KINDS, boot_text, measured, names, spelled
from tests.boards_read import GOLDEN, configured
from tests.captured import asked, captured

TURNS = 7
CHUNK = 4096  # bytes, as a port gives them


def rates(board: Board, data: bytes, seconds: float) -> tuple[float, float]:
    """Frames and values that a board's bytes come to, a second of processor time."""
    account = Account()
    intake = Intake(board, decoder(board.format, board.options), lambda *_: None, account, lambda: None)
    pieces = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    spent = mono = 0.0
    while spent < seconds:
        began = time.process_time()
        for piece in pieces:
            intake.feed(piece, Chunk(0.0, mono))
        spent += time.process_time() - began
        mono += 1.0
    return account.frames / spent, account.values / spent


def simulated() -> dict[str, tuple[Board, bytes]]:
    """Boards that send nothing but records, and 1,000 of these."""
    out = {}
    for (kind, made), sensors in product(KINDS.items(), (1, 4)):
        if made.needs and sensors == 1:
            continue  # their tables name four fields
        called = names(made, sensors)
        lines = islice(spelled(made, measured(made, called, 1.0, "0")), 1000)
        with tempfile.TemporaryDirectory() as folder:
            board = configured(f'name = "b"\nport = "/dev/ttyX"\n{made.needs}', Path(folder))
        out[f"{kind}, {sensors}"] = board, boot_text(made, called) + b"".join(line.data for line in lines)
    return out


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.decoding")
    parser.add_argument("boards", nargs="*", metavar="BOARD", help="folders of tests/golden (all)")
    parser.add_argument("--seconds", type=float, default=0.1, metavar="S", help="a board and turn (0.1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        known = simulated() | {
            case.parent.name: (configured(case.read_text(), Path(folder)), captured(case.parent)[0])
            for case in sorted(GOLDEN.glob("*/board.toml"))
            if not asked(case.parent)
        }
    known = {name: one for name, one in known.items() if not options.boards or name in options.boards}
    turns = [{name: rates(*one, options.seconds) for name, one in known.items()} for _ in range(TURNS)]
    print(f"{'board':<24} {'format':<8} {'frames/s':>10} {'values/s':>10}")
    for name, (board, _) in known.items():
        frames, values = (statistics.median(turn[name][place] for turn in turns) for place in (0, 1))
        print(f"{name:<24} {board.format:<8} {frames:>10,.0f} {values:>10,.0f}")


if __name__ == "__main__":
    main()
