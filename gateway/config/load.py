"""gateway.toml -> a checked configuration, or everything that is wrong with it at once, a sentence each."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..shown import shown
from . import password
from .checked import Config, checked
from .tables import LATER, TABLES, Document
from .together import conflicts
from .words import Inside, Unfit, nearest, path_of, wanted, where

LONGEST = 1_000_000  # bytes of a file; more is no configuration
NEEDED = {
    "port": 'a path such as "/dev/serial/by-id/usb-…", "socket://host:port" or "auto"',
    "match": '"board/sensor", each with * and ? where any will do',
}


class Wrong(Exception):
    """A configuration that the gateway cannot run with. `problems`: a sentence each, saying where, what, what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: str | Path) -> Config:
    """The configuration in the file `path`. Raises Wrong, for a file that is not there too."""
    return made(tables(path), Path(path))


def tables(path: str | Path) -> dict[str, Any]:
    """The tables in the file `path`, as TOML has them, not checked yet. Raises Wrong."""
    data, wrong = _tables(read(path), str(path))
    if wrong:
        raise Wrong(wrong)
    return data


def made(data: dict[str, Any], path: Path) -> Config:
    """The configuration of these tables, as TOML would give them. path: where it would be. Raises Wrong."""
    document, wrong = _document(data, path)
    if document is None:
        raise Wrong(wrong)
    return checked(document, path)


def problems(text: str | bytes, where: str | Path = "gateway.toml") -> list[str]:
    """Everything wrong with the configuration `text`, a sentence each; [] when `run` would start on it.

    `where`: the file that it is, or will be, in; files that it names are looked for beside that.
    """
    data, wrong = _tables(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, str(where))
    return wrong or _document(data, Path(where))[1]


def read(path: str | Path) -> bytes:
    """What is in the file. Raises Wrong."""
    place = path_of(path)
    try:
        with open(path, "rb") as file:
            return file.read(LONGEST + 1)
    except FileNotFoundError:
        raise Wrong([f"{place}: there is no such file; `gateway init` writes one"]) from None
    except IsADirectoryError:
        raise Wrong([f"{place}: is a directory; give the file in it, with -c"]) from None
    except PermissionError:
        raise Wrong(
            [f"{place}: this user may not read it; `sudo chmod a+r` on it, or run as the user it is meant for"]
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise Wrong([f"{place}: cannot be read: {_short(error)}; give another file, with -c"]) from None


def _tables(data: bytes, where: str) -> tuple[dict[str, Any], list[str]]:
    """What TOML makes of it; or ({}, what is wrong)."""
    name = path_of(where)
    if len(data) > LONGEST:
        return {}, [f"{name}: over {LONGEST // 1_000_000} MB is no configuration; give another file, with -c"]
    try:
        return tomllib.loads(data.decode("utf-8-sig")), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return {}, [f"{name}: line {line} is not UTF-8; save the file as UTF-8"]
    except RecursionError:
        return {}, [f"{name}: not TOML that makes sense here: tables or lists in each other, too deep; take them out"]
    except ValueError as error:  # TOMLDecodeError, and a number too long for int()
        return {}, [f"{name}: not TOML: {_short(error)}; put that right first"]


def _short(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return shown(text[:1].lower() + text[1:], 200)


def _document(data: dict[str, Any], path: Path) -> tuple[Document | None, list[str]]:
    """The checked tables, or what is wrong."""
    document, wrong = None, []
    try:
        document = Document.model_validate(data)
    except ValidationError as error:
        wrong = [text for one in error.errors(include_url=False) for text in _sentences(one)]
    wrong += conflicts(data)
    secret = data["mqtt"].get("password_file") if isinstance(data.get("mqtt"), dict) else None
    if isinstance(secret, str) and secret and secret.isprintable():
        wrong += [f"mqtt.password_file: {text}" for text in password.problems(path.parent / secret)]
    return (None if wrong else document), wrong


def _sentences(error: ErrorDetails) -> list[str]:
    """One error of pydantic, as a user reads it; an error within a value may be several."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Inside):
        return [f"{where((*error['loc'], *inside))}: {clause}" for inside, clause in cause.parts]
    return [f"{where(error['loc'])}: {cause}"] if isinstance(cause, Unfit) else [_sentence(error)]


def _sentence(error: ErrorDetails) -> str:
    """The same for what pydantic itself found."""
    place, kind = where(error["loc"]), error["type"]
    if kind == "extra_forbidden":
        return f"{place}: {_unknown(error['loc'])}"
    if kind == "missing":
        return f"{place}: is missing; {NEEDED[str(error['loc'][-1])]} is needed"
    heading = _brackets(str(error["loc"][0]))
    return f"{place}: {wanted(f'a table under {heading}', error['input'])}"


def _unknown(path: tuple[str | int, ...]) -> str:
    """What to do about a key that is not in its table."""
    key, table = str(path[-1]), str(path[0]) if len(path) > 1 else ""
    if key in LATER[table]:
        return "not in this version yet; take it out"
    elsewhere = [_brackets(name) for name in TABLES if key in TABLES[name].model_fields]
    if elsewhere:
        return f"no such key here; it is one of {' and '.join(elsewhere)}"
    known = list(TABLES[table].model_fields) if table else list(TABLES)
    return f"no such {'key' if table else 'table'}{nearest(key, known) or '; there are ' + ', '.join(known)}"


def _brackets(table: str) -> str:
    """A table's name as its heading in the file."""
    return f"[[{table}]]" if table in ("boards", "sensors") else f"[{table}]"
