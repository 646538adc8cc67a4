"""Listening to a port until it is known what speaks there: the rate, and the format or the preset.

It writes nothing to the port, and moves no modem line of it, unless it is told to. Then it asks once the line is quiet
(questioning.py), and listens on where nothing answers.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from ...model import Board, Port
from ..asking.survey import Answered
from ..opening import opened
from ..ports import Link, connect
from ..trouble import PortError
from .questioning import QUIET, Arrivals, Questions, asked
from .rates import ENOUGH, RATES, Sort, Tuning, is_lines, share_of_text, sort_of
from .recognise import Attempt, Candidate, attempt, best
from .refine import refined
from .suggest import suggested

SURE = 0.87  # of a confidence, which three lines give; then it listens no longer than for SAMPLES
LIKELY = 0.5  # of a confidence; less is not told of
SAMPLES = 10
LOOK = 0.2  # s between two looks at what has come
MORE = 2.0  # s to listen on, at most, for further samples, once it is sure


@dataclass
class Found:
    """What a probe has come to. best: None when nothing was read. heard: bytes, and their share of text, by baud.

    answered: what answered, where it was asked; unasked: what came meanwhile and was no answer, by baud and setting, or
    None when nothing was written.
    """

    port: str
    baud: int
    serial: str
    best: Attempt | None
    heard: dict[int, tuple[int, float]] = field(default_factory=dict)
    head: bytes = b""  # the last bytes that came, for whoever has to find out
    answered: Answered | None = None
    unasked: dict[tuple[int, str], bytes] | None = None


async def probe(
    port: Port,
    candidates: Sequence[Candidate],
    *,
    rates: Sequence[int] = RATES,
    seconds: float = 15.0,
    reset: bool = False,
    said: Callable[[str], None] = lambda text: None,
    questions: Questions | None = None,
) -> Found:
    """Listens for at most `seconds`. candidates: ways to read what comes. reset: DTR is pulsed once, so that a board
    begins anew. said: is told of each step. questions: what is asked once the line is quiet. Raises PortError.
    """
    tuning, heard = Tuning(rates), Arrivals()
    answered, unasked = None, None
    link = await connect(await opened(replace(port, baud=tuning.baud)), heard.take)
    try:
        if reset and not await link.pulse_dtr():
            said(f"{port.path} has no DTR line; nothing was reset")
        said(f"listening at {tuning.baud} baud")
        end, quiet = time.monotonic() + seconds, QUIET if questions else seconds
        chosen = await _listened(link, heard, tuning, candidates, end, quiet, said)
        if questions and chosen is None and time.monotonic() < end and not link.lost.done():
            answered, unasked = await asked(link, heard, questions, end, said)
            if answered is None and await link.retune(tuning.baud):
                said(f"nothing answers; listening at {tuning.baud} baud")
            if answered is None:
                chosen = await _listened(link, heard, tuning, candidates, end, seconds, said)
    finally:
        await link.close(gentle=not reset)
    if answered is not None:
        return Found(port.path, answered.baud, answered.serial, answered.attempt, answered=answered, unasked=unasked)
    return replace(_concluded(port.path, tuning, chosen, candidates), unasked=unasked)


async def _listened(
    link: Link,
    heard: Arrivals,
    tuning: Tuning,
    candidates: Sequence[Candidate],
    end: float,
    quiet: float,
    said: Callable[[str], None],
) -> Attempt | None:
    """What is surely read, as soon as there are samples enough or it has been sure for a while; None if it never is.

    quiet: s without a byte after which it listens no more.
    """
    chosen: Attempt | None = None
    last = time.monotonic()  # when something came
    while time.monotonic() < min(end, last + quiet):
        await asyncio.wait({link.lost}, timeout=LOOK)  # for bytes, or the end of the port
        came = heard.taken()
        last = came[-1][0] if came else last
        if any(tuning.feed(data, at) for at, data in came):
            await _retuned(link, tuning, said)
            heard.taken()
        elif came and (tried := _tried(tuning, tuning.baud, candidates)) is not None and tried.confidence >= SURE:
            if chosen is None:
                said(f"{tried.format} at {tuning.baud} baud")
                end = min(end, time.monotonic() + MORE)
            chosen = tried
            if len(chosen.samples) >= SAMPLES:
                break
        if link.lost.done():
            break
    return chosen


async def _retuned(link: Link, tuning: Tuning, said: Callable[[str], None]) -> None:
    """Listens at the next rate that the port takes. Raises PortError when it takes none of them."""
    for _ in RATES:
        try:
            await link.retune(tuning.baud)
            said(f"no text; listening at {tuning.baud} baud")
            return
        except PortError as error:
            said(str(error))
            tuning.go_on()
    await link.retune(tuning.baud)


def _tried(tuning: Tuning, baud: int, candidates: Sequence[Candidate]) -> Attempt | None:
    """The best that can be made of what came at `baud`. What is no text is read by those alone who would know it, and
    lines of text by the others alone: among many bytes a checksum holds by chance.
    """
    chunks = _chunks(tuning, baud)
    whole = b"".join(data for _, data in chunks)
    is_text = baud == tuning.baud and (tuning.found or (len(whole) >= ENOUGH and sort_of(whole) is Sort.UNKNOWN))
    is_frames = not is_lines(whole)
    found = best([attempt(each, chunks) for each in candidates if (is_frames if _is_binary(each) else is_text)])
    if found is None and is_text and (guess := suggested(whole)) is not None:
        format, options = guess
        found = best([attempt(Candidate(Board("probe", candidates[0].board.port, format, options)), chunks)])
    return found


def _is_binary(candidate: Candidate) -> bool:
    return candidate.board.format == "struct" and candidate.board.options.framing != "hex"


def _chunks(tuning: Tuning, baud: int) -> list[tuple[float, bytes]]:
    """What came at `baud`, and when, without its parity."""
    chunks = tuning.heard.get(baud, [])
    if tuning.serial == "8N1":
        return chunks
    return [(at, bytes(byte & 0x7F for byte in data)) for at, data in chunks]


def _concluded(port: str, tuning: Tuning, chosen: Attempt | None, candidates: Sequence[Candidate]) -> Found:
    """The best at any rate, where none was sure."""
    baud = tuning.baud
    if chosen is None:
        for rate in tuning.heard:
            tried = _tried(tuning, rate, candidates)
            if tried is not None and tried.confidence >= max(LIKELY, chosen.confidence if chosen else 0.0):
                chosen, baud = tried, rate
    if chosen is not None:
        chosen = refined(chosen, _chunks(tuning, baud))
    heard = {rate: b"".join(data for _, data in chunks) for rate, chunks in tuning.heard.items()}
    last = heard.get(tuning.baud) or next((data for data in reversed(list(heard.values())) if data), b"")
    shares = {rate: (len(data), share_of_text(data)) for rate, data in heard.items() if data}
    return Found(port, baud, tuning.serial, chosen, shares, last[-64:])
