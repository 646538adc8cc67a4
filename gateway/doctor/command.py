"""The command: what it prints, and its exit code."""

from pathlib import Path

from .. import __version__
from ..commands.ends import DONE, print_json
from .examine import Examined, examine
from .finding import document, lines


def doctor(path: Path, *, as_json: bool) -> int:
    """Examines this machine and prints what was found; gives the exit code. path: of the configuration."""
    seen = examine(path)
    if as_json:
        print_json(told(seen))
    else:
        print("\n".join(lines(seen.findings)))
    return seen.code


def told(seen: Examined) -> dict[str, object]:
    """What was found, for JSON."""
    return {
        "version": __version__,
        "file": str(seen.config.path),
        "ok": seen.code == DONE,
        "findings": document(seen.findings),
    }
