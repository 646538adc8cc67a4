"""What rows of ports have in common: what is told of a board and lost with it, and `gateway` commands."""

import subprocess
import sys
import time

from tests.faults.scene import Scene
from tests.street import ROOT

AWAY = ("board.offline", "board.recovered")
SENSORS = 4  # of a scene's boards


def given_up(s: Scene, most: int, *boards: str) -> int:
    """How many readings of these boards (all) the row gives up by now: not more than `most` are missing."""
    names, until = boards or tuple(s.boards), time.monotonic()
    sent = {key for key, (_, at) in dict(s.judge.written.sent).items() if key[0] in names and at < until}
    s.until(lambda: len(s.judge.missing() & sent) <= most, f"of {names} at most {most} are missing", 10)
    return most


def told_once(s: Scene, board: str, start: str, end: str, fault: str) -> None:
    """One event at the start and one at the end; the board's document is clean within 2 s of that."""
    assert (s.times(start), s.times(end)) == (1, 1), s.gateway.events()
    ended = s.events(end)[0]["mono"]

    def clean() -> bool:
        heard = s.judge.documents[f"gateway/gw/{board}/status"]
        after = [one for one in heard if one.at > ended - 0.1 and fault not in one.document["faults"]]
        return bool(after) and after[0].at <= ended + 2

    s.until(clean, f"{board}'s status is clean 2 s after {end}", 3)


def command(*arguments: str, prefix: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """Runs `gateway ARGUMENTS`."""
    program = [*prefix, sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60)
