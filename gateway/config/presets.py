"""Presets: what is known of a kind of board, a TOML file each. Those that come with the gateway, and a user's own.

    title  source  notes       what it is; whose firmware or manual says so; what a user has to know of it
    range                      what its sensor can measure, °C
    [board]                    keys of a [[boards]] table, which whoever uses the preset overrides key by key
    [[samples]]                text or hex: what it sends, from a frame's first byte on; asked: the question that this
                               answers; readings: what comes of it; refused: the reasons for what is refused

A user's own lie in presets.d beside the configuration. One with the name of a packaged one is taken in its place: so a
board can be put right without a new version, and a new version breaks no configuration.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..units import CONVERSIONS
from .words import Unfit, listed, path_of, quoted

PACKAGED = Path(__file__).parents[1] / "presets"
OWN = "presets.d"
NONE = PACKAGED / OWN
"""A folder without any of a user's own."""
NOT_A_PRESETS = ("name", "port", "preset", "range", "tags")
"""Keys of [[boards]] that are of one board and not of its kind; `range` stands outside, in °C."""
Reading = tuple[str, float, str, int | None]
"""sensor, value, unit, count"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Bytes of a board, and what comes of them."""

    data: bytes
    asked: bytes  # to what it is the answer; b"" = it comes by itself
    readings: tuple[Reading, ...]
    refused: tuple[str, ...]  # the reasons, of values and of whole frames, in order


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset, checked."""

    name: str
    path: Path
    title: str
    source: str
    notes: str  # what a user has to know
    range: tuple[float, float] | None  # °C
    board: Mapping[str, Any]  # keys of [[boards]], as TOML has them
    samples: tuple[Sample, ...]

    @property
    def own(self) -> bool:
        """Whether it is a user's."""
        return self.path.parent != PACKAGED


def presets(folder: Path) -> tuple[dict[str, Path], str]:
    """The file of each preset that there is, by name; and a clause, why a user's own, in `folder`, cannot be seen."""
    own, why = [], ""
    try:
        own = sorted(folder / name for name in os.listdir(folder) if name.endswith(".toml"))
    except (FileNotFoundError, NotADirectoryError):
        pass  # there are none
    except OSError as error:
        why = f"{path_of(folder)} cannot be read: {error.strerror}; put its mode right, or run as a user who may"
    return {path.stem: path for path in (*sorted(PACKAGED.glob("*.toml")), *own)}, why


def place(name: str, folder: Path) -> Path:
    """The file of one. Raises Unfit with the nearest names where there is none, and where that cannot be told."""
    known, why = presets(folder)
    if why:
        raise Unfit(why)
    if name not in known:
        near = difflib.get_close_matches(name[:80].lower(), known, n=3, cutoff=0.5)
        advice = f"did you mean {listed(near)}?" if near else "`gateway presets` lists those that there are"
        raise Unfit(f"there is no preset {quoted(name)}; {advice}")
    return known[name]


def in_each_unit(low: float, high: float) -> dict[str, tuple[float, float]]:
    """A range in °C, in each unit of temperature that a reading may have. Rounding takes no bound away."""
    ranges = {"°C": (low, high)}
    for (of, unit), converted in CONVERSIONS.items():
        if of == "°C":
            ends = converted(low), converted(high)
            ranges[unit] = min(ends[0], round(ends[0], 6)), max(ends[1], round(ends[1], 6))
    return ranges
