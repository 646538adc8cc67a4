"""`gateway probe`: what is on a port, for people and as JSON, and the [[boards]] table that reads it.

What has answered, where it was asked, is told by answers.py.
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from ..config.words import toml
from ..ingest.dial import SCHEME
from ..ingest.finding.probing import SAMPLES, Found, probe
from ..ingest.finding.questioning import Questions
from ..ingest.finding.rates import RATES, share_of_text
from ..ingest.finding.recognise import Attempt, Candidate
from ..ingest.formats.commas import is_lone
from ..ingest.identity import board_name, stable_path
from ..model import Board, FormatOptions, Port
from ..names import plain
from ..shown import shown
from ..units import TEMPERATURES

SHOWN = 3  # rates that are told of, where none was the right one
COMMA = 'a comma is a decimal mark, or parts two numbers: format = "csv" with decimal = "," or separator = "," says it'
TENTHS = 100  # degrees
NUMBERED = 3  # names
_NUMBERED = re.compile(r"(\W?)(\d{1,18})(\W.*)")  # what stands in front of the first pair, and its name
TEXT = 0.9  # share of bytes, from which on they are shown as text


async def found_at(
    path: str,
    baud: int | None,
    seconds: float,
    presets: Sequence[Candidate] = (),
    *,
    reset: bool = False,
    said: Callable[[str], None] | None = None,
    units: int = 0,
) -> Found:
    """Listens to a port: at any rate, or at `baud` alone. presets: boards that are known. units: of Modbus, 1 to that,
    are asked once it is quiet, and the boards that have to be asked; 0: nothing is written. Raises PortError.
    """
    port = Port(path)
    speaking = [one for one in presets if not one.board.asked]
    asked = [one for one in presets if one.board.asked]
    return await probe(
        port,
        [Candidate(Board("probe", port)), *speaking],
        rates=RATES if baud is None else [baud],
        seconds=seconds,
        reset=reset,
        said=said or (lambda text: None),
        questions=Questions(asked, units, () if baud is None else [baud]) if units else None,
    )


def table(found: Found) -> dict[str, object]:
    """The keys of the [[boards]] table that reads what was found, in order; {} when nothing was."""
    if found.best is None:
        return {}
    keys = line_of(found.port, found.baud, found.serial)
    if found.best.candidate.preset:
        keys["preset"] = found.best.candidate.preset
    else:
        keys["format"] = found.best.candidate.board.format
        keys |= _guessed(found.best.candidate.board.options)
    return keys


def line_of(port: str, baud: int, serial: str) -> dict[str, object]:
    """The keys that say where a board is, and how its line is set."""
    path = port if port.startswith(SCHEME) else stable_path(port)
    keys: dict[str, object] = {"name": plain(board_name(path)) or "board", "port": path}
    if not path.startswith(SCHEME):
        keys["baud"] = baud
        if serial != "8N1":
            keys["serial"] = serial
    return keys


def _guessed(options: FormatOptions) -> dict[str, object]:
    """The options of a format that the values have suggested."""
    keys: dict[str, object] = {
        "after": options.after or None,
        "decimal": None if options.decimal == "auto" else options.decimal,
        "columns": list(options.columns) or None,
        "fields": [{"name": each.name, "factor": each.factor} for each in options.fields] or None,
        "pattern": options.pattern or None,
        "start": options.start,
        "end": options.end,
        "unit": list(options.unit) or None,
        "none": list(options.none) or None,
    }
    return {key: value for key, value in keys.items() if value is not None}


def document(found: Found, keys: dict[str, object]) -> dict[str, object]:
    """What `--json` prints."""
    read = found.best
    return {
        "port": found.port,
        "baud": found.baud if read else None,
        "serial": found.serial if read else None,
        "format": read.format if read else None,
        "preset": (read.candidate.preset or None) if read else None,
        "confidence": round(read.confidence, 3) if read else 0.0,
        "samples": [one._asdict() for one in read.samples[-SAMPLES:]] if read else [],
        "refused": dict(read.account.refused) if read else {},
        "noise": read.account.noise if read else 0,
        "heard": {str(baud): {"bytes": size, "text": round(share, 3)} for baud, (size, share) in found.heard.items()},
        "table": as_toml(keys) if keys else None,
    }


def lines(found: Found, keys: dict[str, object]) -> list[str]:
    """The same for people."""
    if (read := found.best) is None:
        return _unknown(found)
    account = read.account
    what = f"{read.format}" + (f", preset {read.candidate.preset}" if read.candidate.preset else "")
    how = "a guess" if "pattern" in keys else f"{100 * read.confidence:.0f} % sure"
    out = [
        f"{what}, {found.baud} baud {found.serial}: {how} "
        f"({account.decoded} of {account.decoded + account.refused.total()} frames hold values, "
        f"{account.noise} are other text)"
    ]
    out += [f"  {shown(one.sensor, 40):<24} {one.value:>12g} {one.unit}" for one in read.samples[-SAMPLES:]]
    out += [f"  refused: {why} {count}" for why, count in account.refused.items()]
    if read.unsaid:
        out.append(
            "  nothing in these lines says that its numbers are temperatures, or in which unit: see that each is one, "
            'skip what is none with columns, and set unit = "°F" where they are not in °C'
        )
    if whole := _whole(read):
        out.append(
            f"  {', '.join(shown(name, 40) for name in whole)}: "
            f"whole numbers of {TENTHS} and more may be tenths of a degree; "
            f'fields = [{{ name = "{shown(whole[0], 40)}", factor = 0.1 }}] reads them so'
        )
    if numbered := _numbered(read):
        out.append(
            f"  {', '.join(shown(name, 40) for name in numbered)}: if the number in these names counts the lines, "
            'each line would be a sensor of its own; read them by format = "regex" and a pattern with '
            r"(?P<count>\d+) in its place"
        )
    if keys.get("format") == "auto":
        out.append("  auto leaves out what does not say that it is a temperature; name it in columns to have it read")
    if "fields" in keys:
        out.append("  that whole numbers are parts of a degree is a guess: see that each value is a temperature")
    if "pattern" in keys:
        out.append("  no format reads these lines by itself; this is a guess: see that each value is a temperature")
    return [*out, "", as_toml(keys)]


def _whole(read: Attempt) -> list[str]:
    """The sensors of text that have sent nothing but whole numbers which are many degrees."""
    values: dict[str, list[float]] = {}
    for sample in read.samples:
        if sample.unit in TEMPERATURES:
            values.setdefault(sample.sensor, []).append(sample.value)
    if read.candidate.preset or read.candidate.board.options.fields or read.format not in ("json", "kv"):
        return []
    return [name for name, of in values.items() if all(abs(each) >= TENTHS and each.is_integer() for each in of)]


def _numbered(read: Attempt) -> list[str]:
    """Sensors of pairs whose names differ by one number alone, which has risen by one from each to the next."""
    if read.candidate.preset or read.format != "kv":
        return []
    names = [sample.sensor for sample in read.samples]
    parted = [(name, _NUMBERED.fullmatch(name)) for name in names]
    first = next((found for name, found in parted if found and names.count(name) == 1), None)
    if first is None:
        return []
    alike = [(name, int(found[2])) for name, found in parted if found and (found[1], found[3]) == (first[1], first[3])]
    risen = all(after[1] - before[1] == 1 for before, after in pairwise(alike))
    return [name for name, _ in alike] if len(alike) >= NUMBERED and risen else []


def _unknown(found: Found) -> list[str]:
    if found.unasked and not found.heard:
        return [f"{shown(found.port, 200)}: nothing came before it was asked"]
    if not found.heard:
        more = "" if found.unasked is not None else " `gateway probe PORT --ask` asks some"
        return [
            f"{shown(found.port, 200)}: nothing came; does the board run, does its cable carry data, and does it wait "
            f"for a question?{more}"
        ]
    likeliest = sorted(found.heard.items(), key=lambda item: -item[1][1])
    rates = ", ".join(
        f"at {baud} baud {size} bytes, {100 * share:.0f} % of them text" for baud, (size, share) in likeliest[:SHOWN]
    )
    more = f" (and at {len(likeliest) - SHOWN} other rates less)" if len(likeliest) > SHOWN else ""
    what = "no line of its text was understood" if likeliest[0][1][1] > TEXT else "it may be binary"
    port, rate = shown(found.port, 200), likeliest[0][0]
    kind = (
        'lines, as with format = "regex" and a pattern'
        if likeliest[0][1][1] > TEXT
        else 'frames with format = "struct"'
    )
    either = any(is_lone(line) for line in found.head.decode("latin-1").splitlines()[1:-1])
    return [
        f"{port}: no format is known that reads this, {what}: {rates}{more}; the last were {_readable(found.head)}",
        *([COMMA] if either else []),
        "listen longer with --for 60 to one that seldom speaks, and name its rate with --baud where you know it",
        f"else take down what it says with `gateway record {port} --baud {rate} --for 60s`, and describe its {kind} "
        'in a [[boards]] table; "A board that is not known" in docs/formats.md has each step',
    ]


def _readable(data: bytes) -> str:
    return f'"{shown(data.decode("latin-1"), 64)}"' if share_of_text(data) > TEXT else data[-32:].hex(" ")


def as_toml(keys: dict[str, object]) -> str:
    """A [[boards]] table as text."""
    return "[[boards]]\n" + "".join(f"{key} = {_as_toml(value)}\n" for key, value in keys.items())


def _as_toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_as_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_as_toml(each)}' for key, each in value.items())} }}"
    if not isinstance(value, str):
        return str(value)
    return f"'{value}'" if "\\" in value and "'" not in value and value.isprintable() else toml(value)
