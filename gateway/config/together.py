"""What the keys of a configuration must be together: names and ports apart, options that the format takes, …

Works on the file as TOML gave it, so that it finds these beside whatever else is wrong; a value of the wrong type is
told by its own key, and passed over here. Looks at links, opens nothing.
"""

import ipaddress
import os
from collections.abc import Callable, Iterator
from typing import Any

from ..names import level
from . import asked, cluster, frames, sent, tuned, web
from .keys import listen, port
from .patterned import patterned
from .sensing import contradictions
from .tables import FORMATS, TAKEN_BY
from .values import address
from .words import Unfit, quoted


def conflicts(data: dict[str, Any]) -> Iterator[str]:
    """A sentence for each thing in the parsed file that does not go with another."""
    yield from _mqtt(_table(data, "mqtt"))
    yield from web.conflicts(data, local)
    yield from cluster.conflicts(_table(data, "compute"))
    yield from _windows(data)
    yield from contradictions(data)
    yield from sent.conflicts(data)
    boards = data.get("boards", [])
    if boards == []:
        yield "boards: there is no [[boards]] table, so nothing would be read; `gateway init` finds boards"
    if isinstance(boards, list):
        tables = [(f"boards[{at}]", board) for at, board in enumerate(boards) if isinstance(board, dict)]
        for place, board in tables:
            yield from _format(place, board)
        yield from asked.conflicts(tables)
        yield from _twice(asked.names(tables), "name", _named, "give each board a name of its own")
        yield from _twice(asked.own_ports(tables), "port", _real, "one port is read by one board")


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    table = data.get(name)
    return table if isinstance(table, dict) else {}


def _mqtt(mqtt: dict[str, Any]) -> Iterator[str]:
    secured = bool(mqtt.get("password_file"))
    if secured and not mqtt.get("username"):
        yield "mqtt.password_file: a password goes with a name; give username as well"
    if not str(mqtt.get("url", "")).startswith("mqtts:"):
        yield from (
            f"mqtt.{key}: only mqtts:// uses it; write that in mqtt.url, or take {key} out"
            for key in ("ca_file", "cert_file", "key_file")
            if mqtt.get(key)
        )
    if mqtt.get("key_file") and not mqtt.get("cert_file"):
        yield "mqtt.key_file: a key goes with a certificate; give cert_file as well"
    prefix = mqtt.get("prefix")
    if mqtt.get("url") == "embedded" and isinstance(prefix, str) and not prefix[:1].isascii():
        yield f"mqtt.prefix: {quoted(prefix)} cannot be served by the embedded broker; begin it with a plain letter"
    try:
        host = address(listen(mqtt.get("listen", "127.0.0.1:1883")))[0]
    except Unfit:  # told by its own key
        return
    if not secured and not local(host):
        yield (
            f"mqtt.listen: {quoted(host)} is open to the network, and so needs a password; "
            'give username and password_file, or listen on "127.0.0.1:1883"'
        )


def local(host: str) -> bool:
    """Whether only this machine reaches `host`, as far as its name says."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _windows(data: dict[str, Any]) -> Iterator[str]:
    most = _table(data, "features").get("max_window", 10_000)
    sensors = data.get("sensors")
    places = [("features", _table(data, "features"))]
    places += [(f"sensors[{at}]", one) for at, one in enumerate(sensors if isinstance(sensors, list) else [])]
    for place, table in places:
        count = table.get("window") if isinstance(table, dict) else None
        if type(count) is int and type(most) is int and count > most > 0:
            yield f"{place}.window: {count} readings are more than features.max_window = {most}; raise that"


def _format(place: str, board: dict[str, Any]) -> Iterator[str]:
    if board.get("name", "") == "" and board.get("port") != "auto" and "units" not in board:
        yield f'{place}.name: is missing; a board needs a name, such as "bench"'
    if isinstance(board.get("preset"), Unfit):  # what else the board would be is not known
        return
    format = board.get("format", "auto")
    for key, takers in TAKEN_BY.items():
        if key in board and format in FORMATS and format not in takers:
            wanted = " or ".join(f'"{taker}"' for taker in takers)
            yield f'{place}.{key}: format = "{format}" does not take it; set format = {wanted}, or take {key} out'
    yield from (frames.conflicts if format == "struct" else frames.text_conflicts)(place, board)
    yield from patterned(place, board)
    yield from tuned.conflicts(place, board)
    columns, unit = (board[key] if isinstance(board.get(key), list) else [] for key in ("columns", "unit"))
    by_place = columns and not any("=" in str(name) for name in columns)
    if by_place and len(unit) not in (0, 1, len(columns)):
        yield f"{place}.unit: there are {len(unit)} units for {len(columns)} columns; give one, or one a column"
    if isinstance(board.get("separator"), str) and board.get("separator") == board.get("decimal") != "auto":
        yield f"{place}.decimal: {quoted(board['decimal'])} cannot separate columns and be the decimal sign as well"
    if isinstance(board.get("separator"), str) and board.get("separator") == board.get("line_end"):
        yield f"{place}.line_end: {quoted(board['line_end'])} cannot separate columns and end the line as well"


def _named(board: dict[str, Any]) -> str:
    return level(board["name"])


def _real(board: dict[str, Any]) -> str:
    place = port(board["port"])
    return os.path.realpath(place) if place.startswith("/") else place


def _twice(
    tables: list[tuple[str, dict[str, Any]]], key: str, same: Callable[[dict[str, Any]], str], way_out: str
) -> Iterator[str]:
    """Tables whose `key` comes to the same as that of a table before."""
    seen: dict[str, tuple[str, str]] = {}
    for place, board in tables:
        if not isinstance(board.get(key), str) or board[key] == "":
            continue
        try:
            real = same(board)
        except (Unfit, OSError):  # the first is told by its own key; a path that cannot be followed has no twin
            continue
        if real in seen:
            other, spelt = seen[real]
            means = "is" if spelt == board[key] else f"leads to the same as {quoted(spelt)}, which is"
            yield f"{place}.{key}: {quoted(board[key])} {means} the {key} of {other} already; {way_out}"
        else:
            seen[real] = place, board[key]
