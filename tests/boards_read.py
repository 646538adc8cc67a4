"""What a board's table, as users write it, makes of a capture, noise and all: for tests of formats.

`python -m tests.boards_read NAME CAPTURE` makes a folder in tests/golden/ of what a board has sent that the preset NAME
knows, and prints what comes of it: to be read through before it is believed.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from gateway.config import load
from gateway.ingest.formats import decoder
from gateway.ingest.framing import Lines
from gateway.model import Board, Decoded, Noise, Refusal

from .captured import captured

GOLDEN = Path(__file__).parent / "golden"


def configured(text: str, folder: Path) -> Board:
    """The board of a [[boards]] table with these keys."""
    file = folder / "gateway.toml"
    file.write_text(f"[[boards]]\n{text}")
    return load(file).boards[0]


def cases(*formats: str) -> list[Path]:
    """The golden folders of boards that these formats read."""
    with tempfile.TemporaryDirectory() as folder:
        found = [
            file.parent
            for file in sorted(GOLDEN.glob("*/board.toml"))
            if configured(file.read_text(), Path(folder)).format in formats
        ]
    assert found, "an empty list would pass"
    return found


def read(board: Board, pieces: list[bytes], whole: bool = False) -> list[dict[str, Any]]:
    """What a fresh format gives for a capture in pieces, as the lines of expected.jsonl have it.

    whole: its first byte begins a frame.
    """
    made = decoder(board.format, board.options)
    framing = getattr(made, "framing", Lines)(board.max_line, not whole)
    out: list[dict[str, Any]] = []
    for item in [*[frame for piece in pieces for frame in framing.feed(piece)], framing.lost()]:
        match made.decode(item) if isinstance(item, bytes) else item:
            case Decoded(samples, bad):
                out += [{key: value for key, value in each._asdict().items() if value is not None} for each in samples]
                out += [{"sensor": sensor, "why": str(why)} for sensor, why in bad]
            case Refusal(why, data):
                out.append({"refused": str(why), "data": data.decode("latin-1")})
            case Noise(data):
                out.append({"noise": data.decode("latin-1")})
    return out


def kept(name: str, capture: Path) -> str:
    """Makes the golden folder of a preset's board, but for its README.md; gives its expected.jsonl."""
    case = GOLDEN / name
    case.mkdir()
    (case / "board.toml").write_text(f'name = "bench"\nport = "/dev/ttyUSB0"\npreset = "{name}"\n')
    shutil.copyfile(capture, case / f"capture{capture.suffix}")
    data, whole = captured(case)
    with tempfile.TemporaryDirectory() as folder:
        lines = read(configured((case / "board.toml").read_text(), Path(folder)), [data], whole)
    expected = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (case / "expected.jsonl").write_text(expected)
    return expected


if __name__ == "__main__":
    print(kept(sys.argv[1], Path(sys.argv[2])), end="")
