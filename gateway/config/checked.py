"""A configuration that has been checked, as the rest of the gateway takes it; and what holds for one sensor."""

import dataclasses
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .. import model
from ..asks import Modbus
from ..model import FormatOptions, Plan, Port, Treatment
from ..names import plain
from ..sending import Sending
from ..tls import Tls
from . import tables
from .asked import unit_name
from .cluster import Cluster, cluster
from .presets import Preset, in_each_unit
from .questions import Unit
from .values import address

MODBUS_TIMEOUT = 1.0
"""S that a unit has for an answer, where nothing is said."""

Changes = Mapping[str, Any]
"""Fields of a Plan, of a Treatment or of a Sending, and what they become."""
TREATMENT = tuple(field.name for field in dataclasses.fields(Treatment))
SENDING = tuple(field.name for field in dataclasses.fields(Sending))


@dataclass(frozen=True, slots=True)
class Mqtt:
    """Where the messages go. With `embedded` host and port are those of the gateway's own broker."""

    url: str  # mqtt://host:port, mqtts://host:port, or "embedded"
    embedded: bool
    host: str
    port: int
    listen: tuple[str, int]
    username: str  # "" = none
    password_file: Path | None  # password.read() it at each attempt to connect, it may have been changed
    version: str  # "5" | "3.1.1"
    prefix: str
    payload: str  # reading | rows
    discovery: str  # what the topics begin with where Home Assistant finds us; "": it is not to
    tls: Tls | None = None  # None: plain


@dataclass(frozen=True, slots=True)
class Web:
    """The page and the metrics over HTTP."""

    listen: tuple[str, int] | None = None  # None: off
    token_file: Path | None = None  # None: none is asked for
    names: tuple[str, ...] = ()  # by which browsers may call it, besides its own
    token_is: str = ""  # a mark of that file as it was found: another token gives another one


@dataclass(frozen=True, slots=True)
class Rule:
    """One [[sensors]] table."""

    match: str  # a glob on "board/sensor"
    changes: Changes
    treatment: Changes = field(default_factory=dict)  # of a Treatment
    sending: Changes = field(default_factory=dict)  # of a Sending


@dataclass(frozen=True, slots=True)
class Config:
    """gateway.toml, checked and complete. What it says of sensors is asked for with `plan_for`."""

    path: Path
    id: str
    tags: tuple[tuple[str, str], ...]
    mqtt: Mqtt
    tables: tuple[int, ...]  # of each board, which [[boards]] table it is from
    boards: tuple[model.Board, ...]  # one may have the port "auto"; `tags` are the gateway's and the board's own
    features: Plan  # what [features] says
    sending: Sending  # what mqtt.every says
    of_boards: Mapping[str, Changes]  # by the board's name
    presets: Mapping[str, Preset]  # of those boards that have one, by the board's name
    of_sensors: tuple[Rule, ...]
    custom: tuple[str, ...]  # "module:function" of all features of the user's own; whom they cover, plans say
    deadline: float  # s
    memory: int  # bytes for the process of each of those
    max_window: int  # readings
    workers: int | None  # None: one a core that this process may use
    linger: float  # s
    cluster: Cluster | None
    state_dir: Path | None  # None: the service manager's, or in the user's home
    at_risk: float  # s
    spool_bytes: int
    spool_age: float  # s
    web: Web

    @property
    def base(self) -> str:
        """The first levels of all topics."""
        return f"{self.mqtt.prefix}/{self.id}"


def host_id() -> str:
    """This machine's name, as a plain topic level."""
    return plain(socket.gethostname())


def plan_for(config: Config, board: str, sensor: str, own: str | None = None) -> Plan:
    """How readings of `sensor` at `board` become features. own: the board's own name for it, where that is another.

    [features] first, then its board's keys, then each [[sensors]] that matches one of its names; the last word on each
    key counts. A board that no table names was found by port = "auto", and that table is its own. Where none of them
    says a range, it is that of the board's preset.
    """
    found = next((one.name for one in config.boards if one.port.path == "auto"), "")
    table = board if board in config.of_boards else found
    changes = dict(config.of_boards.get(table, {}))
    for rule in _finding(config, board, sensor, own):
        changes |= rule.changes
    preset = config.presets.get(table)
    if preset is not None and preset.range is not None and "range" not in changes:
        changes["own_range"] = in_each_unit(*preset.range)
    return dataclasses.replace(config.features, **changes)


def sending_for(config: Config, board: str, sensor: str, own: str | None = None) -> Sending:
    """Which readings of `sensor` at `board` are sent, and its alarm. own: as `plan_for` takes it.

    mqtt.every first, then each [[sensors]] that matches one of its names; the last word on each key counts.
    """
    changes = [rule.sending for rule in _finding(config, board, sensor, own)]
    return dataclasses.replace(config.sending, **{key: value for one in changes for key, value in one.items()})


def _finding(config: Config, board: str, sensor: str, own: str | None) -> list[Rule]:
    """The [[sensors]] that match one of a sensor's names."""
    names = {f"{board}/{sensor}", f"{board}/{own or sensor}"}
    return [rule for rule in config.of_sensors if any(fnmatchcase(name, rule.match) for name in names)]


def treatments_for(config: Config, board: str) -> Callable[[str], Treatment] | None:
    """What is done with the values of a sensor at `board`, by the board's own name for it; None: nothing with any.

    Of each [[sensors]] that matches that name the last word on each key counts.
    """
    rules = [rule for rule in config.of_sensors if rule.treatment and reaches(rule.match, board)]
    return (lambda own: _treatment(rules, f"{board}/{own}")) if rules else None


def _treatment(rules: Sequence[Rule], sensor: str) -> Treatment:
    changes: dict[str, Any] = {}
    for rule in rules:
        if fnmatchcase(sensor, rule.match):
            changes |= rule.treatment
    return Treatment(**changes)


def reaches(match: str, board: str) -> bool:
    """Whether a sensor of `board` may match, as far as the text before the first wildcard says."""
    fixed, place = re.split(r"[*?[]", match, maxsplit=1)[0], f"{board}/"
    return place.startswith(fixed) or fixed.startswith(place)


def checked(document: tables.Document, path: Path) -> Config:
    """The values of a valid document that was read from `path`."""
    gateway, features = document.gateway, document.features
    most = features.max_window
    return Config(
        path=path,
        id=gateway.id or host_id(),
        tags=tuple(gateway.tags.items()),
        mqtt=_mqtt(document.mqtt, path),
        tables=tuple(at for at, table in enumerate(document.boards) for _ in _modbuses(table)),
        boards=tuple(board for table in document.boards for board in _boards(table, gateway.tags)),
        features=Plan(
            scale=features.scale,
            use=features.use,
            custom=features.custom,
            **_window(features.window, most),
        ),
        sending=Sending(every=document.mqtt.every),
        of_boards={
            name: _changes(table, ("range", "out_of_range", "stuck", "spike"), most)
            for table in document.boards
            for name, _ in _modbuses(table)
        },
        presets={name: table.preset for table in document.boards if table.preset for name, _ in _modbuses(table)},
        of_sensors=tuple(
            Rule(
                one.match,
                _changes(one, one.model_fields_set - {"match", *TREATMENT, *SENDING}, most),
                _changes(one, TREATMENT, most),
                _changes(one, SENDING, most),
            )
            for one in document.sensors
        ),
        custom=_custom(document),
        deadline=features.deadline,
        memory=document.compute.memory,
        max_window=most,
        workers=document.compute.workers,
        linger=document.compute.linger,
        cluster=cluster(document.compute, path),
        state_dir=path.parent / gateway.state_dir if gateway.state_dir else None,
        at_risk=document.spool.at_risk,
        spool_bytes=document.spool.max_bytes,
        spool_age=document.spool.max_age,
        web=_web(document.web, path),
    )


def _web(table: tables.Web, path: Path) -> Web:
    listen = address(table.listen) if table.listen else None
    if not table.token_file:
        return Web(listen, None, table.names)
    file = path.parent / table.token_file
    found = file.stat() if file.exists() else None  # it may be hidden from whoever runs `doctor`
    mark = f"{found.st_ino} {found.st_size} {found.st_mtime_ns}" if found else ""
    return Web(listen, file, table.names, mark)


def _custom(document: tables.Document) -> tuple[str, ...]:
    """All features of the user's own, whichever sensors they cover."""
    lists = [document.features.custom, *(one.custom or () for one in document.sensors)]
    return tuple(dict.fromkeys(name for names in lists for name in names))


def _window(window: float | int, most: int) -> dict[str, Any]:
    """The two fields of a Plan that a window is: a count is an int, seconds are a float."""
    return {"window_s": None, "window_n": window} if isinstance(window, int) else {"window_s": window, "window_n": most}


def _changes(table: tables.Board | tables.Sensors, keys: Any, most: int) -> Changes:
    """Those of `keys` that the table has, as fields of a Plan."""
    changes = {key: getattr(table, key) for key in keys if key in table.model_fields_set}
    return changes | _window(changes.pop("window"), most) if "window" in changes else changes


def _mqtt(table: tables.Mqtt, path: Path) -> Mqtt:
    embedded = table.url == "embedded"
    listen = address(table.listen)
    host, port = listen if embedded else address(table.url.partition("://")[2])
    return Mqtt(
        url=table.url,
        embedded=embedded,
        host={"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host) if embedded else host,
        port=port,
        listen=listen,
        username=table.username,
        password_file=path.parent / table.password_file if table.password_file else None,
        version=table.version,
        prefix=table.prefix,
        payload=table.payload,
        discovery=table.discovery_prefix,
        tls=Tls.beside(path, table.ca_file, table.cert_file, table.key_file)
        if table.url.startswith("mqtts:")
        else None,
    )


def _boards(table: tables.Board, tags: Mapping[str, str]) -> list[model.Board]:
    """The boards that a table comes to: one, or one a unit of Modbus."""
    board = _board(table, tags)
    return [dataclasses.replace(board, name=name, modbus=modbus) for name, modbus in _modbuses(table)]


def _modbuses(table: tables.Board) -> list[tuple[str, Modbus | None]]:
    """The names of its boards, and what each is on a line of Modbus."""
    if table.format != "modbus":
        return [(table.name, None)]
    units = table.units or (Unit(table.unit_id or 0, ""),)
    timeout = MODBUS_TIMEOUT if table.timeout is None else table.timeout
    return [
        (
            unit_name(table.name, unit.name) if table.units else table.name,
            Modbus(unit.id, unit.registers or table.registers or (), table.every, timeout),
        )
        for unit in units
    ]


def _board(table: tables.Board, tags: Mapping[str, str]) -> model.Board:
    options = {field.name: getattr(table, field.name) for field in dataclasses.fields(FormatOptions)}
    if table.timeout is None:
        del options["timeout"]  # what nothing says of it is a block's own
    return model.Board(
        name=table.name,
        port=Port(table.port, table.baud, table.serial, table.dtr, table.rts, table.settle),
        format=table.format,
        options=FormatOptions(**options),
        tags=tuple({**tags, **table.tags}.items()),
        max_line=table.max_line,
        max_sensors=table.max_sensors,
        silent=table.silent,
        on_silence=table.on_silence,
        ask=table.ask,
    )
