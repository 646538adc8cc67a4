"""Modbus units of which nobody knows: which answer, what stands in their registers, and the presets that read them.

A unit that does not have a register says so by an exception, which is an answer as well. So one question or two tell
whether it is there; single registers tell which it has, as many units refuse a request that touches one too many.
"""

from collections.abc import Iterable, Sequence

from ...asks import Modbus
from ...model import Decoded, FormatOptions, Refusal, Sample, Why
from ...units import TEMPERATURES
from ..finding.recognise import Candidate
from .blocks import blocks
from .guesses import LEAST, guessed, value_of
from .rtu import Answer, Exceptional, Request, written
from .rtu import read as answer_in
from .strange import Line, Unit

SHORT, LONG = 0.15, 0.6  # s for a unit to answer, beside the time on the line
BITS = 11  # of a character
SINGLE = 10  # registers that are asked for one by one
MORE = 22  # that are asked for at once behind these, where they were all there
SILENT = 2  # questions for registers in a row without an answer, after which no more of that kind are asked for
NO_FUNCTION, NOT_THERE = 1, (10, 11)  # exceptions; the latter are a converter's, for each unit that is not behind it


async def first(line: Line, baud: int, units: Iterable[int], asked: Sequence[Request], *, patient: bool) -> int | None:
    """The first unit that answers any of the questions."""
    for unit in units:
        for request in asked:
            if line.over:
                return None
            found = await _answer(line, baud, request._replace(unit=unit), patient=patient)
            if found is not None and not (isinstance(found, Exceptional) and found.code in NOT_THERE):
                return unit
    return None


def knocks(known: Sequence[Candidate]) -> list[Request]:
    """What is asked of a unit to see whether it is there: of each kind the register that most presets begin with."""
    out = []
    for kind in ("input", "holding"):
        begins = [
            min(register.at for register in one.board.modbus.registers if register.kind == kind)
            for one in known
            if one.board.modbus is not None and any(register.kind == kind for register in one.board.modbus.registers)
        ]
        out.append(Request(1, kind, max(begins, key=begins.count, default=0), 1))
    return out


async def read(line: Line, baud: int, unit: int, most: int, known: Sequence[Candidate], *, patient: bool) -> list[Unit]:
    """`unit` and the others up to `most` that answer, each with what reads it."""
    asked = knocks(known)
    found = [unit]
    for other in range(1, most + 1):
        if other != unit and await first(line, baud, [other], asked, patient=patient) is not None:
            found.append(other)
    return [await _known(line, baud, each, known) or await _guessed(line, baud, each) for each in sorted(found)]


async def _known(line: Line, baud: int, unit: int, known: Sequence[Candidate]) -> Unit | None:
    """A unit whose registers are those of a preset, with plausible values; of several presets that with most."""
    fits = [fit for one in known if (fit := await _fits(line, baud, unit, one)) is not None]
    return max(fits, key=lambda fit: len(fit.samples), default=None)


async def _fits(line: Line, baud: int, unit: int, one: Candidate) -> Unit | None:
    if one.board.modbus is None:
        return None
    registers = one.board.modbus.registers
    every = FormatOptions(unit=one.board.options.unit, also=tuple(register.name for register in registers))
    samples: list[Sample] = []
    for block in blocks(Modbus(unit, registers), every):
        frame = await _frame(line, baud, block.request, patient=True)
        result = block.decode(frame) if frame else None
        if not isinstance(result, Decoded) or any(bad.why is not Why.ERROR_MARK for bad in result.bad):
            return None
        samples += result.samples
    low, high = one.range or (float("-inf"), float("inf"))
    read = [sample for sample in samples if sample.unit in TEMPERATURES]
    telling = [sample for sample in read if abs(sample.value) >= LEAST]
    plausible = all(low <= sample.value <= high for sample in read) and all(
        LEAST <= sample.value <= 100 for sample in samples if sample.unit == "%"
    )
    if not plausible or not read or 2 * len(telling) < len(read):
        return None
    return Unit(unit, preset=one.preset, samples=read)


async def _guessed(line: Line, baud: int, unit: int) -> Unit:
    """A unit with the registers that it gave, and guesses which are temperatures."""
    raw: dict[tuple[str, int], int] = {}
    for kind in ("input", "holding"):
        raw |= {(kind, at): word for at, word in (await _registers(line, baud, unit, kind)).items()}
    registers = guessed(raw)
    return Unit(unit, raw, "", registers, [value_of(register, raw) for register in registers])


async def _registers(line: Line, baud: int, unit: int, kind: str) -> dict[int, int]:
    """The first registers of a kind that are there; of a unit that gives none alone, by pairs."""
    raw: dict[int, int] = {}
    for width in (1, 2):
        silent = 0
        for at in range(0, SINGLE, width):
            found = await _answer(line, baud, Request(unit, kind, at, width), patient=True)
            if isinstance(found, Exceptional):
                if found.code == NO_FUNCTION:
                    return {}
                silent = 0
            elif found is None:
                silent += 1
                if silent == SILENT:
                    break
            else:
                silent = 0
                raw |= {at + place: word for place, word in enumerate(found)}
        if raw:
            break
    if len(raw) == SINGLE:
        more = await _answer(line, baud, Request(unit, kind, SINGLE, MORE), patient=True)
        if more is not None and not isinstance(more, Exceptional):
            raw |= {SINGLE + place: word for place, word in enumerate(more)}
    return raw


async def _answer(line: Line, baud: int, request: Request, *, patient: bool) -> tuple[int, ...] | Exceptional | None:
    frame = await _frame(line, baud, request, patient=patient)
    found = answer_in(request, frame) if frame else None
    return None if isinstance(found, Refusal) else found


async def _frame(line: Line, baud: int, request: Request, *, patient: bool) -> bytes:
    """The answer to a request, good or an exception; b"" where there is none."""
    ending, asked = Answer(request), written(request)
    wait = (LONG if patient else SHORT) + (len(asked) + request.size) * BITS / baud
    came = await line.ask(asked, ending, wait)
    piece = ending.find(came)
    return came[piece.begin : piece.end] if piece else b""
