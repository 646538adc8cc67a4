"""What a preset's format makes of its samples, and whether that is what the preset says."""

from collections.abc import Iterable, Iterator

from ..config import Preset, board_of
from ..config.presets import Reading
from ..config.words import path_of
from ..ingest.asking.party import asked as asked_of
from ..ingest.asking.party import frames
from ..ingest.formats import decoder
from ..ingest.framing import Lines
from ..model import Board, Decoded, Format, Frame, Noise, Refusal
from ..shown import shown

Items = Iterator[tuple[Frame | Refusal | Noise, Format]]


def disagreements(one: Preset) -> list[str]:
    """Where a preset's samples give something else than it says, a sentence each."""
    out = []
    for at, sample in enumerate(one.samples):
        readings, refused = decoded(one, sample.asked, sample.data)
        if (readings, refused) != (list(sample.readings), list(sample.refused)):
            found = ", ".join([*map(spelt, readings), *(f"refused: {why}" for why in refused)]) or "nothing"
            out.append(f"{path_of(one.path)}: samples[{at}]: gives {shown(found, 500)}; put that right, or [board]")
    return out


def decoded(one: Preset, asked: bytes, *pieces: bytes) -> tuple[list[Reading], list[str]]:
    """What a board of that preset gives for bytes that begin with a frame: readings; and why others were refused.

    asked: the question to which they are the answer; b"": they come by themselves.
    """
    board = board_of(one)
    readings: list[Reading] = []
    refused: list[str] = []
    for frame, made in _answers(board, asked, pieces) if asked else _frames(board, pieces):
        result = made.decode(frame) if isinstance(frame, bytes) else frame
        if isinstance(result, Decoded):
            readings += [(sample.sensor, sample.value, sample.unit, sample.count) for sample in result.samples]
            refused += [str(bad.why) for bad in result.bad]
        elif isinstance(result, Refusal):
            refused.append(str(result.why))
    return readings, refused


def spelt(reading: Reading) -> str:
    """A reading, for people."""
    sensor, value, unit, count = reading
    numbered = "" if count is None else f", count {count}"
    return f"{shown(sensor)} {value:.12g} {shown(unit)}{numbered}"


def _frames(board: Board, pieces: Iterable[bytes]) -> Items:
    made = decoder(board.format, board.options)
    framing = getattr(made, "framing", Lines)(board.max_line, False)
    for piece in pieces:
        for frame in framing.feed(piece):
            yield frame, made


def _answers(board: Board, asked: bytes, pieces: Iterable[bytes]) -> Items:
    """Nothing, where the board is not asked that."""
    decoders, turn = asked_of(board) if board.asked else ([], None)
    rest = b""
    for question, made in zip(turn.questions if turn else (), decoders, strict=False):
        for piece in pieces if question.data == asked else ():
            rest += piece
            while (found := question.ending.find(rest)) is not None:
                for frame in frames(rest[found.begin : found.end], made, board.max_line, asked):
                    yield frame, made
                rest = rest[found.end :]
