"""Asking a port of which nobody knows who answers: which settings are tried, in which order, and what has answered.

    Modbus unit 1 at each setting · boards asked by text, at their own rate · these at other rates
    · those that are told something before they are asked · the units beyond 1 · unit 1 again, with patience

The likeliest comes first, as the time that it may take is bounded: most units leave the factory as number 1, 8N1. What
is told may change another board's settings, so no such text is sent before all that only ask were in vain.
Knows no port: a Line is asked.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from ..finding.recognise import Attempt, Candidate
from .spoken import spoken
from .strange import Line, Unit

RATES = (9600, 19_200, 4800, 38_400, 115_200, 57_600, 2400)
"""Baud of Modbus lines, the most usual first."""
SERIAL = ("8N1", "8E1")
TEXT_RATES = (115_200, 9600, 250_000, 57_600, 38_400, 19_200)
"""Baud of boards that are asked by text, where it is not their own."""
UNITS = 8  # asked for, where nobody says how many

Setting = tuple[int, str]
"""Baud, and data bits, parity and stop bits."""


@dataclass
class Answered:
    """What has answered at a setting: units, or a board that was asked by text."""

    baud: int
    serial: str
    units: list[Unit] = field(default_factory=list)
    attempt: Attempt | None = None


async def survey(line: Line, known: Sequence[Candidate], units: int, rates: Sequence[int] = ()) -> Answered | None:
    """What answers; None when nothing does. known: boards that are asked; units: 1 … that; rates: no others.

    Without pymodbus no unit is asked.
    """
    settings = list(product(rates or RATES, SERIAL))
    own = [(one, rate or one.board.port.baud) for one in known if one.board.ask is not None for rate in rates or [0]]
    if not line.has_rate:
        settings = settings[:1]
    other = [] if rates or not line.has_rate else [(one, at) for at in TEXT_RATES for one, rate in own if at != rate]
    texts = sorted([*own, *other], key=_is_told)
    return (
        await _units(line, known, settings, [1], units, patient=False)
        or await _texts(line, texts)
        or await _units(line, known, settings, range(2, units + 1), units, patient=False)
        or await _units(line, known, settings, [1], units, patient=True)
    )


def _is_told(each: tuple[Candidate, int]) -> bool:
    """Whether something is sent to it before its questions."""
    ask = each[0].board.ask
    return ask is not None and bool(ask.start)


async def _units(
    line: Line,
    known: Sequence[Candidate],
    settings: Sequence[Setting],
    numbers: Sequence[int],
    most: int,
    *,
    patient: bool,
) -> Answered | None:
    """The units 1 to `most`, at the first setting at which one of `numbers` answers."""
    if importlib.util.find_spec("pymodbus") is None:
        return None
    from .modbus_units import first, knocks, read  # with pymodbus, which is an extra

    what = "unit 1" if len(numbers) == 1 else f"units {numbers[0]} to {numbers[-1]}" if numbers else ""
    for baud, serial in settings if numbers else ():
        if line.over:
            return None
        if not await line.tune(baud, serial):
            continue
        line.say(f"asking Modbus {what} at {baud} baud {serial}{', with patience' if patient else ''}")
        if (unit := await first(line, baud, numbers, knocks(known), patient=patient)) is not None:
            line.say(f"unit {unit} answers at {baud} baud {serial}; asking the others up to {most}, and for registers")
            return Answered(baud, serial, await read(line, baud, unit, most, known, patient=patient))
    return None


async def _texts(line: Line, each: Sequence[tuple[Candidate, int]]) -> Answered | None:
    """The first board that answers its questions."""
    for candidate, baud in each:
        serial = candidate.board.port.serial
        if line.over:
            return None
        if not await line.tune(baud, serial):
            continue
        line.say(f"asking as {candidate.preset} is asked, at {baud} baud {serial}")
        if (attempt := await spoken(line, candidate)) is not None:
            return Answered(baud, serial, attempt=attempt)
    return None
