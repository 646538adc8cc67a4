"""What a check has found: one sentence, how it stands, and the command that mends it."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..shown import shown

FINE, UNWISE, WRONG, UNKNOWN = "fine", "unwise", "wrong", "unknown"
ORDER = (WRONG, UNKNOWN, UNWISE, FINE)
SERVICE = "gateway"  # the service's own user


@dataclass(frozen=True, slots=True)
class Finding:
    """what: the check; where: a key, a path, a unit or ""; state: fine, unwise, wrong or unknown; says: one sentence.

    mend: the command, "" where none does. It is what to look with where the state is unknown.
    """

    what: str
    where: str
    state: str
    says: str
    mend: str = ""


def document(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings, for JSON."""
    return [asdict(one) for one in findings]


def lines(findings: Iterable[Finding]) -> list[str]:
    """The findings for people, what is wrong first, and how many there are of each kind last."""
    out: list[str] = []
    found = sorted(findings, key=lambda one: ORDER.index(one.state))
    for one in found:
        place = f" {shown(one.where, 500)}" if one.where else ""
        out.append(f"{one.state:<8} {one.what}{place}: {shown(one.says, 2000)}")
        out += [f"{'':<8} {'try' if one.state == UNKNOWN else 'run'}: {shown(one.mend, 1000)}"] if one.mend else []
    counts = Counter(one.state for one in found)
    return [*out, ", ".join(f"{counts[state]} {state}" for state in ORDER)]


def itself(words: str, user: str | None = SERVICE) -> str:
    """A command of this program, as it can be typed; as `user`, None: as whoever types it."""
    program = Path(sys.argv[0])
    called = shlex.quote(str(program.absolute())) if program.name == "gateway" else f"{sys.executable} -m gateway"
    return f"{f'sudo -u {user} ' if user else ''}{called} {words}"
