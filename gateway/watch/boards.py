"""The table of boards in a live view: their state, their link, and what became of what came. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..live import Line, cell, cells, cropped, joined
from ..shown import shown
from .look import BoardRow
from .table import NAME, since

STATES = {"online": "green", "silent": "bold yellow", "offline": "bold red", "lent": "yellow"}


def boards(rows: Sequence[BoardRow], width: int) -> list[Line]:
    """A table of boards: state, link and what became of what came."""
    name = max([5, *(min(NAME, cells(shown(row.board, NAME))) for row in rows)])
    titles = (("board", name), ("state", 8), ("since", 5), ("sensors", 7), ("readings", 10), ("refused", 8))
    links = (("overruns", 8), ("reopened", 8), ("baud", 8), ("format", 7))
    wide = width >= 80 + name
    out: list[Line] = [
        [
            (" ", ""),
            *joined([(cell(t, w, i > 2), "bold") for i, (t, w) in enumerate((*titles, *links) if wide else titles)]),
        ]
    ]
    for row in rows:
        told = row.told
        counts = told.counts if told else {}
        frames, refused = counts.get("frames", 0), told.refused if told else 0
        share = f"{100 * refused / frames:.1f} %" if refused and frames else f"{refused}"
        texts = [
            (cell(shown(row.board, NAME), name), "bold"), (cell(row.state, 8), STATES.get(row.state, "")),
            (cell("" if row.since is None else since(row.since), 5), ""),
            (cell(f"{row.sensors:,}", 7, True), ""), (cell(f"{counts.get('readings', 0):,}", 10, True), ""),
            (cell(share, 8, True), "yellow" if refused else "dim"),
        ]  # fmt: skip
        if wide:
            texts += [
                (cell(f"{counts.get(key, 0):,}", 8, True), "yellow" if counts.get(key) else "dim")
                for key in ("overruns", "reopened")
            ]
            texts += [
                (cell(str(told.baud or "–") if told else "", 8, True), ""),
                (cell(told.format if told else "", 7, True), ""),
            ]
        out.append(
            [(" ", ""), *joined([*texts, (_why(row) or (told.port if told else ""), "yellow" if _why(row) else "dim")])]
        )
    return [cropped(line, width) for line in out]


def _why(row: BoardRow) -> str:
    if row.told is None:
        return ""
    text = row.told.reason or "; ".join(f"{name}: {text}" for name, text in row.told.faults.items())
    return shown(text, 300)
