"""The presets as a user meets them: which there are, what each brings, and what its board prints."""

import re
from pathlib import Path
from typing import Any

from ..config import Preset, Unfit, Wrong, board_of, preset, presets, toml
from ..config.presets import NONE
from ..ingest.finding.recognise import Candidate
from ..shown import shown
from .samples import decoded, disagreements, spelt

MOST = 16  # lines of a sample, and readings, that are shown
FIELDS = ("sensor", "value", "unit", "count")


def catalogue(folder: Path, names: list[str]) -> tuple[list[Preset], list[str]]:
    """The presets of these names, or all; and what is wrong with those that cannot be used, a sentence each.

    folder: a user's own; where it cannot be read, that is one of the sentences, and the packaged ones are all.
    """
    every, why = presets(folder)
    known, wrong = [], [why] if why else []
    for name in names or sorted(every):
        try:
            known.append(preset(name, NONE if why else folder))
        except Unfit as error:
            wrong.append(str(error))
        except Wrong as error:
            wrong += error.problems
    return known, [*wrong, *(sentence for one in known for sentence in disagreements(one))]


def candidates(folder: Path) -> tuple[list[Candidate], list[str]]:
    """A way to read for each preset, and what is wrong, as in `catalogue`."""
    known, wrong = catalogue(folder, [])
    return [
        Candidate(board_of(one), one.name, b"".join(sample.data for sample in one.samples), one.range) for one in known
    ], wrong


def table(one: Preset) -> str:
    """The [[boards]] table to begin with, and in comments what the preset brings."""
    lines = ["[[boards]]", 'name = "bench"', 'port = "/dev/serial/by-id/…"', f"preset = {toml(one.name)}"]
    return "\n".join([*lines, *(f"# {line}" for line in brought(one))]) + "\n"


def brought(one: Preset) -> list[str]:
    """What a preset brings, as lines of TOML."""
    bounds = [] if one.range is None else ["range = [{:g}, {:g}] # °C, and converted".format(*one.range)]
    return [*(line for key, value in one.board.items() for line in _spelt(key, value)), *bounds]


def _spelt(key: str, value: Any) -> list[str]:
    """A key and its value; of a list of tables one a line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [f"{key} = [", *(f"    {toml(each)}," for each in value), "]"]
    return [f"{key} = {toml(value)}"]


def document(one: Preset) -> dict[str, Any]:
    """A preset, for JSON."""
    return {
        "preset": one.name, "title": one.title, "source": one.source, "notes": one.notes,
        "file": str(one.path), "own": one.own,
        "range": None if one.range is None else list(one.range), "board": dict(one.board),
        "samples": [
            {
                "asked": sample.asked.hex(), "hex": sample.data.hex(),
                "readings": [dict(zip(FIELDS, each, strict=True)) for each in sample.readings],
                "refused": list(sample.refused),
            }
            for sample in one.samples
        ],
        "table": table(one),
    }  # fmt: skip


def summary(known: list[Preset]) -> list[str]:
    """One line a preset: its name, what it is, and whether it is the user's own."""
    wide = max(len(one.name) for one in known)
    return [f"{one.name:{wide}}  {shown(one.title)}{' (your own)' if one.own else ''}" for one in known]


def lines(one: Preset) -> list[str]:
    """A preset, for people."""
    out = [f"{one.name}: {shown(one.title)}", f"  source    {shown(one.source, 200)}"]
    out += [f"  note      {shown(one.notes, 1000)}"] if one.notes else []
    out += [f"  file      {shown(str(one.path), 500)}"] if one.own else []
    for sample in one.samples:
        out += [f"  asked     {line}" for line in printed(sample.asked)]
        out += [f"  prints    {line}" for line in some(printed(sample.data))]
        said, found = (list(sample.readings), list(sample.refused)), decoded(one, sample.asked, sample.data)
        told = {"becomes": found} if found == said else {"becomes": found, "should be": said}
        for how, (readings, refused) in told.items():
            lines = some([*map(spelt, readings), *(f"refused: {why}" for why in refused)])
            out += [f"  {how:<9} {line}" for line in lines or ["nothing"]]
    return [*out, "", *table(one).splitlines(), ""]


def some(lines: list[str]) -> list[str]:
    """The first ones, and how many there are beyond."""
    return lines if len(lines) <= MOST else [*lines[: MOST - 1], f"… {len(lines) - MOST + 1} more"]


def printed(data: bytes) -> list[str]:
    """Bytes as a person reads them: lines of text with escapes, or of hexadecimal digits where many are no text."""
    plain = sum(32 <= byte < 127 or byte in b"\r\n\t\x1b" or byte >= 0x80 for byte in data)
    if plain < len(data) * 0.9 or b"\0" in data:
        return [data[at : at + 32].hex(" ") for at in range(0, len(data), 32)]
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return [shown(line, 1000) for line in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)]
