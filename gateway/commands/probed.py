"""`gateway init --probe`: what is on each serial port that is there, as tables; listened to all at once."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from ..config import OWN, Probed
from ..ingest.finding.recognise import Candidate
from ..ingest.identity import SerialPort
from ..ingest.trouble import PortError
from . import answers, probe
from .catalogue import candidates

LEFT_OUT = ("name", "port")  # of a table; the configuration has them already


def probed(
    ports: Sequence[SerialPort], folder: Path, seconds: float, units: int, say: Callable[[str], None]
) -> tuple[dict[str, Probed], list[str]]:
    """What was found by the paths of ports, and what is wrong with presets, a sentence each.

    folder: of the configuration, beside which own presets are; units: as in `probe.found_at`. A port that another
    program holds is not opened.
    """
    known, wrong = candidates(folder / OWN)
    return asyncio.run(_all(ports, known, seconds, units, say)), wrong


async def _all(
    ports: Sequence[SerialPort], known: Sequence[Candidate], seconds: float, units: int, say: Callable[[str], None]
) -> dict[str, Probed]:
    each = await asyncio.gather(*(_one(port, known, seconds, units, say) for port in ports))
    return {port.path: found for port, found in zip(ports, each, strict=True)}


async def _one(
    port: SerialPort, known: Sequence[Candidate], seconds: float, units: int, say: Callable[[str], None]
) -> Probed:
    if port.holder is not None:
        return Probed(f"not listened to, as {port.holder.program} (pid {port.holder.pid}) has it open")
    try:
        found = await probe.found_at(
            port.path, None, seconds, known, said=lambda text: say(f"{port.path}: {text}"), units=units
        )
    except PortError as error:
        return Probed(f"not listened to: {error}")
    tables = answers.all_tables(found)
    if not tables:
        more = "" if units else "; `gateway probe PORT --ask` asks it"
        heard = "it said nothing that is known" if found.heard or found.answered else "it said nothing"
        return Probed(f"{heard}{more}")
    what = [f"{keys.get('preset') or keys.get('format')}, {keys.get('baud')} baud" for keys in tables]
    return Probed(
        f"found by listening: {'; '.join(what)}" if found.answered is None else f"found by asking: {'; '.join(what)}",
        tuple({key: value for key, value in keys.items() if key not in LEFT_OUT} for keys in tables),
    )
