"""The picture of docs/scale.md, by the model: how much of one broker's core a fleet takes, and where one is enough.

python -m tests.scale.picture >docs/pictures/scale.svg
"""

from __future__ import annotations

import math
from dataclasses import replace

from tests.scale.model import SHARE, Fleet, plan

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 20, 50  # margins; the names are at the right
ACROSS, UP = (1, 10_000), (1e-5, 10)  # gateways, cores
LINES = {
    "16 readings/s a gateway": ("#0b6e99", Fleet(1, boards=4)),
    "… with TLS": ("#7a4fb5", Fleet(1, boards=4, tls=True)),
    "… as rows of 10": ("#1d7a3c", Fleet(1, boards=4, payload="rows", together=10)),
    "1.6 readings/s a gateway": ("#a34a00", Fleet(1, boards=4, rate=0.1)),
}


def across(gateways: float) -> float:
    """Where so many gateways are."""
    share = math.log10(gateways / ACROSS[0]) / math.log10(ACROSS[1] / ACROSS[0])
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def up(core: float) -> float:
    """Where so many cores are."""
    share = math.log10(core / UP[0]) / math.log10(UP[1] / UP[0])
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def picture() -> str:
    """As SVG."""
    right = WIDTH - RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="13">',
        "<title>CPU of a broker by the number of gateways</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for power in range(5):
        x = across(10**power)
        parts += [
            f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>',
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>',
        ]
    for power in range(-5, 2):
        y = up(10.0**power)
        parts += [
            f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#ddd"/>',
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * 10.0**power:g} %</text>',
        ]
    half = up(SHARE)
    parts += [
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">gateways</text>',
        f'<path d="M{LEFT} {half:.1f}H{right}" stroke="#c00" stroke-dasharray="5 4"/>',
        f'<text x="{LEFT + 6}" y="{half - 5:.1f}" fill="#c00">half of a core: what one broker may take</text>',
    ]
    ends = sorted((up(_core(fleet, ACROSS[1])), name, colour, fleet) for name, (colour, fleet) in LINES.items())
    place = 0.0
    for y, name, colour, fleet in ends:
        place = max(y + 4, place + 16)
        points = " ".join(f"{across(10**at):.1f},{up(_core(fleet, round(10**at))):.1f}" for at in (0, 1, 2, 3, 4))
        parts += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{right + 6}" y="{place:.1f}" fill="{colour}">{name}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])


def _core(fleet: Fleet, gateways: int) -> float:
    return plan(replace(fleet, gateways=gateways)).core


if __name__ == "__main__":
    print(picture(), end="")
