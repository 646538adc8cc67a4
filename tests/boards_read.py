"""What a board's table, as users write it, makes of a capture, noise and all: for tests of formats."""

from pathlib import Path
from typing import Any

from gateway.config import load
from gateway.ingest.formats import decoder
from gateway.ingest.framing import Lines
from gateway.model import Board, Decoded, Noise, Refusal


def configured(text: str, folder: Path) -> Board:
    """The board of a [[boards]] table with these keys."""
    file = folder / "gateway.toml"
    file.write_text(f"[[boards]]\n{text}")
    return load(file).boards[0]


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
