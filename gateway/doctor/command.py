"""The command: what it prints, what it writes, and its exit code."""

from pathlib import Path

from .. import __version__
from ..commands.ends import DONE, failed, print_json, say
from .examine import Examined, examine
from .finding import document, lines


def doctor(path: Path, *, archive: str | None, as_json: bool) -> int:
    """Examines this machine and prints what was found; gives the exit code.

    path: of the configuration. archive: the file for a report, None for none.
    """
    if archive is not None and Path(archive).exists():  # before anything takes its time
        return _there(archive)
    seen = examine(path)
    if archive is not None:
        from .bundle import bundle, written

        try:
            written(Path(archive), bundle(seen, told(seen)))
        except FileExistsError:
            return _there(archive)
        except OSError as error:
            return failed(f"{archive} cannot be written: {(error.strerror or str(error)).lower()}; name another file")
        say(f"wrote {archive}, without passwords and user names; read it through before you send it")
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


def _there(archive: str) -> int:
    return failed(f"{archive} is there already and stays as it is; name another file")
