"""docs/boards.md, made from the presets: `python -m tests.boards_page` writes it, and a test holds it equal."""

from itertools import groupby
from pathlib import Path

from gateway.commands.catalogue import printed, some, table
from gateway.config import Preset, preset, presets
from gateway.config.presets import NONE, Reading, Sample

PAGE = Path(__file__).parents[1] / "docs" / "boards.md"
HEAD = """\
# Boards

Boards that are known by name: `preset = "…"` in a `[[boards]]` table brings all that is needed. Each comes with what
it prints and what becomes of that; a test holds every one of them to it, in one piece, byte by byte and torn. This page
is made from the presets (`python -m tests.boards_page`); `gateway presets NAME` shows the same. How a table overrides
its preset, and where your own go: [configuration.md](configuration.md#presets). How to add one:
[CONTRIBUTING.md](../CONTRIBUTING.md#a-first-board).

A board that is not here may need no preset: for most that print text the gateway finds out by looking, see
[formats.md](formats.md). Samples are shown with escapes, a line each, or in hexadecimal digits.

"""


def page() -> str:
    """The text of docs/boards.md."""
    known = [preset(name, NONE) for name in sorted(presets(NONE)[0])]
    rows = [f"| [{one.name}](#{one.name}) | {one.title} | `{one.board['format']}` |\n" for one in known]
    return HEAD + "| preset | board | format |\n|---|---|---|\n" + "".join(rows) + "".join(map(_section, known))


def _section(one: Preset) -> str:
    text = f"\n## {one.name}\n\n{one.title}. Source: {one.source}.\n"
    text += f"\n{one.notes}\n" if one.notes else ""
    text += "".join(map(_sample, one.samples))
    return text + f"\n```toml\n{table(one)}```\n"


def _sample(sample: Sample) -> str:
    found = [", ".join(_spelt(rows)) for rows in _runs(sample)]
    found += [f"refused: {', '.join(f'`{why}`' for why in sample.refused)}"] if sample.refused else []
    asked = f"Asked `{' '.join(printed(sample.asked))}`:\n\n" if sample.asked else ""
    text = "\n".join(some(printed(sample.data)))
    return f"\n{asked}```text\n{text}\n```\n\n→ {'; '.join(found) or 'nothing'}\n"


def _runs(sample: Sample) -> list[list[Reading]]:
    """Readings that come together: of one count."""
    return [list(rows) for _, rows in groupby(sample.readings, key=lambda reading: reading[3])]


def _spelt(readings: list[Reading]) -> list[str]:
    spelt = [f"{sensor} **{value:.12g} {unit}**" for sensor, value, unit, _ in readings]
    count = readings[0][3]
    return [*some(spelt), *([] if count is None else [f"count {count}"])]


if __name__ == "__main__":
    PAGE.write_text(page())
