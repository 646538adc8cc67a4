"""What will run, and is unwise: for `gateway check` and the start. Looks at links and modes, opens nothing."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from .. import tls
from ..model import Board, FormatOptions
from ..sending import Alarm
from . import cluster, password, web
from .checked import Config, plan_for, reaches
from .sensing import exact
from .together import local
from .words import path_of, quoted, toml

USUAL = {
    "raspberrypi",
    "raspberry",
    "localhost",
    "debian",
    "ubuntu",
    "armbian",
    "dietpi",
    "orangepi",
    "beaglebone",
    "odroid",
}


Misread = Callable[[FormatOptions], list[tuple[str, str]]]
Unread = Callable[[Board], list[str]]


def warnings(
    config: Config,
    serial: Path = Path("/dev/serial"),
    misread: Misread = lambda options: [],
    unread: Unread = lambda board: [],
) -> list[str]:
    """A sentence each. `serial`: where the system keeps its stable names of ports, in by-id and by-path.

    misread: of a board's options, the columns that may be meant as temperatures, and what each is taken for. unread: of
    a board, the registers that are not asked for.
    """
    return [
        *_gateway(config),
        *_mqtt(config),
        *web.warnings(config.web, local=config.web.listen is None or local(config.web.listen[0])),
        *_cluster(config),
        *_ports(config, serial),
        *_columns(config, misread),
        *_registers(config, unread),
        *_matches(config),
        *_named(config),
        *_alarms(config),
        *_custom(config),
    ]


def _gateway(config: Config) -> Iterator[str]:
    if config.id.lower() in USUAL or re.fullmatch("localhost[.-].*", config.id):
        yield (
            f"gateway.id: many machines are called {quoted(config.id)}, and two of one name throw each other off the "
            "broker; give this one a name of its own"
        )


def _mqtt(config: Config) -> Iterator[str]:
    mqtt = config.mqtt
    if mqtt.password_file:
        yield from (f"mqtt.password_file: {text}" for text in password.warnings(mqtt.password_file))
        if not mqtt.embedded and mqtt.tls is None and not local(mqtt.host):
            yield f"mqtt.url: the password crosses the network to {mqtt.host} unencrypted; mqtts:// encrypts it"
    if mqtt.tls is not None:
        yield from tls.warnings(mqtt.tls)
    if mqtt.embedded and not local(mqtt.listen[0]):
        yield f"mqtt.listen: whoever reaches {mqtt.listen[0]} can try to log in; 127.0.0.1 is for this machine alone"


def _cluster(config: Config) -> Iterator[str]:
    yield from cluster.warnings(config.cluster, local)
    if config.cluster is not None and config.cluster.tls is not None:
        yield from tls.warnings(config.cluster.tls)


def _ports(config: Config, serial: Path) -> Iterator[str]:
    told: set[str] = set()
    for at, board in zip(config.tables, config.boards, strict=True):
        path = board.port.path
        if not path.startswith("/") or path in told:
            continue
        told.add(path)
        if not Path(path).exists():
            yield f"boards[{at}].port: there is no {path_of(path)} now; the gateway waits until there is"
        if re.fullmatch("/dev/tty(USB|ACM)[0-9]+", path) or path.startswith("/dev/pts/"):
            stable = _stable(path, serial)
            advice = f"write port = {path_of(stable)}" if stable else "a path in /dev/serial/by-id or by-path stays"
            yield f"boards[{at}].port: {path_of(path)} may be another board after a restart; {advice}"


def _columns(config: Config, misread: Misread) -> Iterator[str]:
    for at, board in zip(config.tables, config.boards, strict=True):
        place, each = _naming(board.options)
        for name, what in misread(board.options):
            yield (
                f"boards[{at}].{place}: {quoted(name)} is taken for {what} and left out; if it is a temperature, give "
                f"it another name or each {each} its unit; else also = [{toml(name)}] takes it in"
            )


def _naming(options: FormatOptions) -> tuple[str, str]:
    """The key that names a board's values, and what it names."""
    if options.columns:
        return "columns", "column"
    return ("fields", "field") if options.fields else ("pattern", "group")


def _registers(config: Config, unread: Unread) -> Iterator[str]:
    for at, board in zip(config.tables, config.boards, strict=True):
        for name in unread(board):
            yield (
                f"boards[{at}].registers: {quoted(name)} of {quoted(board.name)} is no temperature, and is not read; "
                f"also = [{toml(name)}] takes it in"
            )


def _stable(path: str, serial: Path) -> str:
    """The link to `path` that the system makes anew at each start, by the adapter's serial number or by its socket."""
    links = [
        link for kind in ("by-id", "by-path") if (serial / kind).is_dir() for link in sorted((serial / kind).iterdir())
    ]
    real = Path(path).resolve()
    return next((str(link) for link in links if link.resolve() == real), "")


def _matches(config: Config) -> Iterator[str]:
    """Rules whose board no table names. A * may stand for a slash as well, so only a board without one can be told."""
    if any(board.port.path == "auto" for board in config.boards):
        return
    for at, rule in enumerate(config.of_sensors):
        board, slash, _ = rule.match.partition("/")
        if (
            slash
            and "*" not in board
            and not any(fnmatchcase(one.name.partition("/")[0], board) for one in config.boards)
        ):
            yield f"sensors[{at}].match: there is no board {quoted(board)}, so it matches nothing; see [[boards]]"


def _named(config: Config) -> Iterator[str]:
    """Names that several sensors may be meant to have, and calibrations that go by a name which was given here."""
    given = {rule.treatment["name"]: at for at, rule in enumerate(config.of_sensors) if rule.treatment.get("name")}
    for at, rule in enumerate(config.of_sensors):
        own, keys = exact(rule.match), " and ".join(rule.treatment)
        if not own and rule.treatment.get("name"):
            yield (
                f"sensors[{at}].name: {quoted(rule.match)} may find several sensors of a board, and only the first "
                f"that comes is called {quoted(rule.treatment['name'])}; the others keep the board's own names"
            )
        by = given.get(own, at)
        both = (
            reaches(rule.match, board.name) and reaches(config.of_sensors[by].match, board.name)
            for board in config.boards
            if own not in board.options.columns
        )
        if by != at and keys and not rule.treatment.get("name") and any(both):
            yield (
                f"sensors[{at}].match: {quoted(own)} is the name that sensors[{by}] gives, and {keys} "
                f"{'go' if len(rule.treatment) > 1 else 'goes'} by the board's own names; move {keys} there"
            )


def _alarms(config: Config) -> Iterator[str]:
    """Alarms of which no value can be, as what is outside the range is dropped before."""
    for at, rule in enumerate(config.of_sensors):
        alarm = rule.sending.get("alarm") or Alarm()
        for board in config.boards if alarm != Alarm() else ():
            plan = plan_for(config, board.name, rule.match.rpartition("/")[2])
            if not reaches(rule.match, board.name) or plan.out_of_range != "drop" or plan.range is None:
                continue
            low, high = plan.range
            for word, limit in (("above", alarm.above), ("below", alarm.below)):
                if limit is not None and (limit >= high if word == "above" else limit <= low):
                    yield (
                        f"sensors[{at}].alarm: {word} = {limit:g} is never met at {quoted(board.name)}, as what is "
                        f"outside its range, [{low:g}, {high:g}], is dropped; write another limit, or out_of_range = "
                        '"flag"'
                    )


def _custom(config: Config) -> Iterator[str]:
    """Code that others can change is run by the gateway. Looks beside the configuration, where it is found first."""
    folder = config.path.parent.absolute()
    seen: set[Path] = set()
    for name in config.custom:
        for place in _code(folder, name.partition(":")[0].split(".")):
            if place not in seen and _open_to_others(place):
                seen.add(place)
                yield (
                    f"features.custom: others can write {path_of(place)}, and what it says is run by the gateway; "
                    "`chmod go-w` it, and `chown` it to root or to the gateway's user"
                )


def _code(folder: Path, parts: list[str]) -> Iterator[Path]:
    """The files and directories that say what a module does, as far as they are there."""
    yield folder
    place = folder
    for part in parts:
        place = place / part
        yield from (one for one in (place, place / "__init__.py", place.with_suffix(".py")) if one.exists())


def _open_to_others(place: Path) -> bool:
    try:
        found = place.stat()
    except OSError:
        return False
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX  # as /tmp: nobody can replace what is there
    writable = found.st_mode & stat.S_IWOTH and not sticky
    grouped = found.st_mode & stat.S_IWGRP and found.st_gid not in (0, os.getgid()) and not sticky
    return bool(writable or grouped or found.st_uid not in (0, os.getuid()))
