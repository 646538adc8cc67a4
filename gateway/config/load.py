"""gateway.toml -> a checked configuration, or everything that is wrong with it at once, a sentence each."""

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..model import Board
from ..tls import Tls, TlsError, context
from . import password, preset_file, web
from .checked import Config, checked
from .cluster import cluster
from .presets import OWN, Preset, place
from .source import Wrong, parsed, read
from .tables import TABLES, TAKEN_BY, Document
from .together import conflicts
from .words import Inside, Unfit, nearest, quoted, wanted, where

NEEDED = {
    "port": 'a path such as "/dev/serial/by-id/usb-…", "socket://host:port" or "auto"',
    "match": '"board/sensor", each with * and ? where any will do',
}


def load(path: str | Path) -> Config:
    """The configuration in the file `path`. Raises Wrong, for a file that is not there too."""
    return made(tables(path), Path(path))


def tables(path: str | Path) -> dict[str, Any]:
    """The tables in the file `path`, as TOML has them, not checked yet. Raises Wrong."""
    data, wrong = parsed(read(path), str(path))
    if wrong:
        raise Wrong(wrong)
    return data


def made(data: dict[str, Any], path: Path) -> Config:
    """The configuration of these tables, as TOML would give them. path: where it would be. Raises Wrong."""
    document, wrong = _document(data, path)
    if document is None:
        raise Wrong(wrong)
    return checked(document, path)


def place_of(name: str, config: Config, data: dict[str, Any]) -> int | None:
    """The place in `config` of the board `name`, or of the first one of the table `name`. data: its tables."""
    names = [one.name for one in config.boards]
    if name in names:
        return names.index(name)
    return next((place for place, at in enumerate(config.tables) if data["boards"][at].get("name") == name), None)


def problems(text: str | bytes, where: str | Path = "gateway.toml") -> list[str]:
    """Everything wrong with the configuration `text`, a sentence each; [] when `run` would start on it.

    `where`: the file that it is, or will be, in; files that it names are looked for beside that.
    """
    data, wrong = parsed(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, str(where))
    return wrong or _document(data, Path(where))[1]


def preset(name: str, folder: Path) -> Preset:
    """The preset of that name. folder: where a user's own are. Raises Unfit, and Wrong for a file that is broken."""
    return preset_file.read(place(name, folder), _of_board)


def board_of(preset: Preset) -> Board:
    """A board that is all as its preset says."""
    table = {**preset.board, "name": "board", "port": "/dev/board"}
    return checked(Document.model_validate({"boards": [table]}), Path()).boards[0]


def with_presets(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The file with the keys that its boards' presets bring, and in the place of a preset's name the preset.

    Where there is none that can be used, Unfit stands there, and says why. What a table says itself overrides its
    preset, key by key; with a format of its own it has no use for those keys that this format does not take.
    """
    boards = data.get("boards")
    if not isinstance(boards, list):
        return data
    return {**data, "boards": [_with_preset(board, folder) for board in boards]}


def _with_preset(board: Any, folder: Path) -> Any:
    name = board.get("preset") if isinstance(board, dict) else None
    if not isinstance(name, str) or not name:
        return board
    try:
        found = preset(name, folder)
    except Unfit as error:
        return {**board, "preset": error}
    except Wrong as error:
        more = f", and {len(error.problems) - 1} more" if len(error.problems) > 1 else ""
        return {**board, "preset": Unfit(error.problems[0] + more)}
    format = board.get("format", found.board.get("format"))
    taken = {
        key: value
        for key, value in found.board.items()
        if format == found.board.get("format") or key not in TAKEN_BY or format in TAKEN_BY[key]
    }
    if "units" in board:  # said in the place of the one unit
        taken.pop("unit_id", None)
    return {**taken, **board, "preset": found}


def _of_board(keys: dict[str, Any]) -> list[str]:
    """What is wrong with the keys of a [[boards]] table that a preset brings."""
    wrong = _document({"boards": [{**keys, "name": "board", "port": "/dev/board"}]}, Path())[1]
    return [sentence.replace("boards[0]", "board", 1) for sentence in wrong]


def _document(data: dict[str, Any], path: Path) -> tuple[Document | None, list[str]]:
    """The checked tables, or what is wrong."""
    document, wrong = None, []
    whole = with_presets(data, path.parent / OWN)
    try:
        document = Document.model_validate(whole)
    except ValidationError as error:
        wrong = [text for one in error.errors(include_url=False) for text in _sentences(one)]
    wrong += [_attributed(sentence, data, whole) for sentence in conflicts(whole)]
    secret = data["mqtt"].get("password_file") if isinstance(data.get("mqtt"), dict) else None
    if isinstance(secret, str) and secret and secret.isprintable():
        wrong += [f"mqtt.password_file: {text}" for text in password.problems(path.parent / secret)]
    token = data["web"].get("token_file") if isinstance(data.get("web"), dict) else None
    if isinstance(token, str) and token and token.isprintable():
        wrong += [f"web.token_file: {text}" for text in web.problems(path.parent / token)]
    if document is not None and not wrong:
        mqtt, found = document.mqtt, cluster(document.compute, path)
        if mqtt.url.startswith("mqtts:"):
            wrong += _tls(Tls.beside(path, mqtt.ca_file, mqtt.cert_file, mqtt.key_file))
        if found is not None and found.tls is not None:
            wrong += _tls(found.tls)
    return (None if wrong else document), wrong


def _tls(files: Tls) -> list[str]:
    """Why the files of TLS will not do."""
    try:
        context(files)
    except TlsError as error:
        return [str(error)]
    return []


def _attributed(sentence: str, data: dict[str, Any], whole: dict[str, Any]) -> str:
    """The sentence, with the name of the preset that brought the key which it is about."""
    found = re.match(r"boards\[(\d+)]\.(\w+)[\w.\[\]]*(?=: )", sentence)
    at, key = (int(found[1]), found[2]) if found else (0, "")
    if found is None or key in data["boards"][at] or key not in whole["boards"][at]:
        return sentence
    return f"{found[0]} (of preset {quoted(data['boards'][at]['preset'])}){sentence[found.end() :]}"


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
    elsewhere = [_brackets(name) for name in TABLES if key in TABLES[name].model_fields]
    if elsewhere:
        return f"no such key here; it is one of {' and '.join(elsewhere)}"
    known = list(TABLES[table].model_fields) if table else list(TABLES)
    return f"no such {'key' if table else 'table'}{nearest(key, known) or '; there are ' + ', '.join(known)}"


def _brackets(table: str) -> str:
    """A table's name as its heading in the file."""
    return f"[[{table}]]" if table in ("boards", "sensors") else f"[{table}]"
