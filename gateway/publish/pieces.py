"""Pieces of lanes as the blocks that they are stored in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ..model import Features
from .lane import Piece
from .spool.blocks import joined

BLOCK_ROWS = 512  # readings of a block, of those that lie side by side


def together(pieces: Sequence[Piece]) -> tuple[Features, dict[int, int]]:
    """Pieces that follow one another, as one, in columns of their own."""
    return joined([(piece.features.cut(piece.first, piece.last), dict(piece.condensed)) for piece in pieces])


def in_blocks(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Neighbours that can lie in one block, of so many readings."""

    def shared(piece: Piece) -> tuple[object, ...]:
        f = piece.features
        return f.board, f.sensor, f.unit, f.keys, f.unset

    for _, alike in groupby(pieces, shared):
        part, readings = list[Piece](), 0
        for piece in alike:
            for first in range(piece.first, piece.last, BLOCK_ROWS):
                cut = piece.cut(first, min(first + BLOCK_ROWS, piece.last))
                if part and readings + len(cut) > BLOCK_ROWS:
                    yield part
                    part, readings = [], 0
                part.append(cut)
                readings += len(cut)
        yield part
