"""What a board's table, as users write it, makes of a capture, noise and all: for tests of formats.

`python -m tests.boards_read NAME CAPTURE` makes the folder tests/golden/NAME of what a board has sent that the preset
NAME knows; `python -m tests.boards_read NAME` takes one that has its board.toml and its capture already. Both write its
expected.jsonl and print it: to be read through before it is believed.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gateway.config import Wrong, load
from gateway.ingest.asking.party import Party
from gateway.ingest.asking.talk import Talk
from gateway.ingest.capture.file import Capture
from gateway.ingest.capture.lines import Header, Heard
from gateway.ingest.capture.playback import Playback
from gateway.ingest.formats import FORMATS, decoder
from gateway.ingest.framing import Lines
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, Decoded, Noise, Refusal, Sample

from .captured import asked, captured

GOLDEN = Path(__file__).parent / "golden"
BINARY = tuple(name for name, made in FORMATS.items() if getattr(made, "binary", False))
TEXT = tuple(name for name in FORMATS if name not in BINARY)


def configured(text: str, folder: Path) -> Board:
    """The board of a [[boards]] table with these keys."""
    return line(text, folder)[0]


def line(text: str, folder: Path) -> tuple[Board, ...]:
    """The boards of a [[boards]] table with these keys: one, or one a unit."""
    file = folder / "gateway.toml"
    file.write_text(f"[[boards]]\n{text}")
    return load(file).boards


def cases(*formats: str) -> list[Path]:
    """The golden folders of boards that these formats read, but for conversations."""
    with tempfile.TemporaryDirectory() as folder:
        found = [
            file.parent
            for file in sorted(GOLDEN.glob("*/board.toml"))
            if configured(file.read_text(), Path(folder)).format in formats and not asked(file.parent)
        ]
    assert found, "an empty list would pass"
    return found


def conversations() -> list[Path]:
    """The golden folders of boards that were asked while they were recorded."""
    found = [file.parent for file in sorted(GOLDEN.glob("*/board.toml")) if asked(file.parent)]
    assert found, "an empty list would pass"
    return found


def conversed(boards: Sequence[Board], heard: Iterable[Heard]) -> list[dict[str, Any]]:
    """What comes of a conversation, as the lines of expected.jsonl have it: all values, then what each has refused."""
    talk, samples = Talk(boards[0].port), list[tuple[str, Sample]]()

    def take(board: str, new: list[Sample], _at: Chunk) -> None:
        samples.extend((board, sample) for sample in new)

    for board in boards:
        talk.join(Party(board, take, Account(), lambda: None), 0.0)
    playback = Playback(talk, Header("", 0.0, asked=True))
    for each in heard:
        playback.hear(each)
    playback.end()
    assert playback.unknown == 0, "something that was sent is nothing that these boards are asked"
    out: list[dict[str, Any]] = [
        {"board": board, **{key: value for key, value in sample._asdict().items() if value is not None}}
        for board, sample in samples
    ]
    for party in talk.parties:
        assert imbalances(party.account, party.account.readings) == []
        refused, values = (
            dict(sorted(party.account.refused.items())),
            dict(sorted(party.account.refused_values.items())),
        )
        out.append({"board": party.board.name, "refused": refused, "refused_values": values})
    return out


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
    if case.exists():
        raise SystemExit(f"{case} is there already; take it away, or leave the capture out to have it read anew")
    if not capture.is_file():
        raise SystemExit(f"{capture} is no file; give a capture, such as `gateway record` writes")
    case.mkdir()
    (case / "board.toml").write_text(f'name = "bench"\nport = "/dev/ttyUSB0"\npreset = "{name}"\n')
    shutil.copyfile(capture, case / f"capture{capture.suffix}")
    return expected(case)


def expected(case: Path) -> str:
    """Writes the expected.jsonl of a golden folder by what its table makes of its capture now; gives it."""
    with tempfile.TemporaryDirectory() as folder:
        boards = line((case / "board.toml").read_text(), Path(folder))
    if asked(case):
        with Capture(case / "capture.jsonl") as heard:
            lines = conversed(boards, heard)
    else:
        data, whole = captured(case)
        lines = read(boards[0], [data], whole)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (case / "expected.jsonl").write_text(text)
    return text


if __name__ == "__main__":
    try:
        print(kept(sys.argv[1], Path(sys.argv[2])) if len(sys.argv) > 2 else expected(GOLDEN / sys.argv[1]), end="")
    except (OSError, Wrong) as error:
        raise SystemExit(str(error)) from None
