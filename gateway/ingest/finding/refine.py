"""What the values that came say of a board's table, beyond its format: which columns count, what tells devices apart.

    17 21.50 19.88                        columns = ["count", "S2", "S3"]
    {"id":11,"temperature_C":18.5}        columns = ["id=sensor"], where several come in turn
    t=23125                               fields = [{ name = "t", factor = 0.001 }]
    Temp:2365                             fields = [{ name = "Temp", factor = 0.01 }]

Each of these is tried on the bytes, and kept where it reads as much as was read without it. Pure.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ...layouts import Field
from ...model import FormatOptions, Sample
from ..formats.auto import UNPLUGGED
from ..formats.doubt import MARK
from ..quantities import quantity
from .recognise import Attempt, Candidate, attempt

MOST_DEVICES = 64
MOST_MARKS = 4  # for "no value"
MOST_KEYS = 8  # that are tried
THOUSANDTHS = (5_000.0, 130_000.0)  # whole numbers that are no temperatures, and are some in thousandths of a degree
HUNDREDTHS = (1_500.0, 5_000.0)  # the same, of names that say temperature
FACTORS = {THOUSANDTHS: 0.001, HUNDREDTHS: 0.01}

_KEY = re.compile(r'"?([A-Za-z_]\w{0,31})"?\s*[:=]')


def refined(found: Attempt, chunks: Sequence[tuple[float, bytes]]) -> Attempt:
    """`found`, or what is read by a table that says more. Boards that are known by name, or by a pattern, stay.

    A table with a format is believed in all; where it cannot be told what to leave out, `auto` stays.
    """
    board = found.candidate.board
    if found.candidate.preset or board.format != "auto":
        return found

    def tried(options: FormatOptions) -> Attempt | None:
        new = attempt(Candidate(replace(board, format=found.format, options=options)), chunks)
        new.unsaid = found.unsaid
        return new if new.account.readings >= found.account.readings else None

    plain = FormatOptions(after=found.after, decimal=found.decimal)
    plain = replace(plain, none=_marks(found, tried(plain)))
    as_found = _as_found(found, plain, tried)
    text = b"".join(data for _, data in chunks).decode("latin-1")
    for options in _ideas(found, as_found, plain, _left_out(found, tried(plain)), text):
        better = tried(options)
        if better is not None and _apart(options, better, found, as_found):
            return better
    return as_found or found


def _marks(found: Attempt, plain: Attempt | None) -> tuple[float, ...]:
    """What `auto` has refused as marks for "no value", and the format by itself reads as values."""
    if plain is None or "error_mark" not in found.account.refused | found.account.refused_values:
        return ()
    good = {sample.value for sample in found.samples}
    marks = {sample.value for sample in plain.samples if sample.sensor in found.sensors or _is_mark(sample)} - good
    return tuple(sorted(marks)) if len(marks) <= MOST_MARKS else ()


def _left_out(found: Attempt, plain: Attempt | None) -> tuple[str, ...]:
    """Columns that skip the keys which no sensor of `found` is called by, whatever device it is of."""
    called = {part for name in found.sensors for part in (name, name.partition(".")[2])}
    return tuple(f"{name}=" for name in sorted(plain.sensors - called) if "=" not in name) if plain else ()


def _is_mark(sample: Sample) -> bool:
    """Whether a value is a mark of a sensor that has sent nothing else."""
    return sample[1:3] in UNPLUGGED or MARK.fullmatch(f"{sample.value:g}") is not None


def _as_found(
    found: Attempt, options: FormatOptions, tried: Callable[[FormatOptions], Attempt | None]
) -> Attempt | None:
    """What reads the same by its format and `options`, or with what `auto` leaves out skipped; None if nothing does."""
    new = tried(options)
    if new is not None and found.format in ("json", "kv") and (more := new.sensors - found.sensors):
        new = tried(replace(options, columns=tuple(f"{name}=" for name in sorted(more) if "=" not in name)))
    if new is None:
        return None
    late = len(new.samples) - len(found.samples) if found.decimal == "," else 0  # it took `auto` some lines to see that
    return new if _read(new)[max(0, late) :] == _read(found) else None


def _kinds(one: Attempt) -> set[tuple[str, str]]:
    return {(sample.sensor, sample.unit) for sample in one.samples}


def _read(one: Attempt) -> list[tuple[str, float, str]]:
    return [sample[:3] for sample in one.samples]


def _ideas(
    found: Attempt, as_found: Attempt | None, plain: FormatOptions, left_out: tuple[str, ...], text: str
) -> Iterator[FormatOptions]:
    if found.columns:
        yield replace(plain, columns=found.columns)
    options = as_found.candidate.board.options if as_found else plain
    if found.format in ("json", "kv"):
        keys = dict.fromkeys(key for key in _KEY.findall(text) if quantity(key) == "identity")
        for key in list(keys)[:MOST_KEYS]:
            if as_found is None and left_out:
                yield replace(options, columns=(f"{key}=sensor", *left_out))
            yield replace(options, columns=(f"{key}=sensor", *options.columns))
    values: dict[str, list[float]] = {}
    for sample in found.samples:
        values.setdefault(sample.sensor, []).append(sample.value)
    if found.format in ("json", "kv"):
        for (low, high), factor in FACTORS.items():
            small = [
                name for name, of in values.items() if all(low <= each <= high and each.is_integer() for each in of)
            ]
            if factor == FACTORS[HUNDREDTHS]:
                small = [name for name in small if quantity(name) == "temperature"]
            if small:
                yield replace(options, fields=tuple(Field(name, factor=factor) for name in small))


def _apart(options: FormatOptions, better: Attempt, found: Attempt, as_found: Attempt | None) -> bool:
    """Whether a key that is to tell devices apart does: several, or as `auto` did, and each has come more than once."""
    if not any(name.endswith("=sensor") for name in options.columns):
        return _kinds(better) <= _kinds(found)
    after = better.sensors
    if not len(after) <= MOST_DEVICES or len(better.samples) < 2 * len(after):
        return False
    if as_found is None and after == found.sensors:
        return True
    more = len(found.sensors) < len(after) or (as_found is None and after < found.sensors)
    return more and len(after) > 1
