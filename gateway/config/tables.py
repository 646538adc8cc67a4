"""The tables and keys of gateway.toml: which there are, what each takes, and its default, as its checked value.

sample.toml and docs/configuration.md show the same defaults as the file spells them; tests hold the three equal.
In [[sensors]] every key but `match` is None until it is given.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Default
from pydantic import PlainValidator as By

from ..asks import Ask, Register
from ..layouts import Crc, Endian, Escapes, Field, Length, Magic
from ..sending import Alarm
from . import hosts, keys, layout, patterned, questions, sent, values
from .keys import WEEK
from .presets import Preset
from .values import any_text, choice, duration, number, switch, text, texts, whole

FORMATS = ("plain", "csv", "kv", "json", "regex", "block", "nmea", "struct", "modbus", "auto")
TAKEN_BY = {
    "separator": ("csv",), "header": ("csv",), "decimal": ("plain", "csv", "kv", "regex", "block"),
    "line_end": ("plain", "csv", "kv", "json", "regex", "auto"), "records": ("json",),
    "after": ("json",), "pattern": ("regex", "block"), "start": ("block",), "end": ("block",),
    "timeout": ("block", "modbus"), "base": ("regex", "block"), "framing": ("struct",), "size": ("struct",),
    "magic": ("struct",), "crc": ("struct",), "endian": ("struct",), "unit_id": ("modbus",), "units": ("modbus",),
    "registers": ("modbus",), "every": ("modbus",),
}  # fmt: skip
"""Keys of [[boards]] that some formats take, and no others."""

Text = Annotated[str, By(text)]
Texts = Annotated[tuple[str, ...], By(texts)]
Tags = Annotated[dict[str, str], By(keys.tags)]
Switch = Annotated[bool | None, By(switch)]
Range = Annotated[tuple[float, float] | None, By(keys.plausible)]
OutOfRange = Annotated[str, By(choice("flag", "drop", "clamp"))]
Stuck = Annotated[float, By(keys.stuck)]
Spike = Annotated[float, By(keys.spike)]
Every = Annotated[float, By(sent.every)]
Window = Annotated[float | int, By(keys.window)]
Use = Annotated[tuple[str, ...], By(keys.use)]
Custom = Annotated[tuple[str, ...], By(keys.custom)]
Scale = Annotated[tuple[float, float], By(keys.scale)]


class Table(BaseModel):
    """A table that takes the keys named here and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Gateway(Table):
    """[gateway]"""

    id: Annotated[str, By(keys.gateway_id)] = ""
    state_dir: Text = ""
    tags: Tags = {}


class Mqtt(Table):
    """[mqtt]"""

    url: Annotated[str, By(keys.broker)] = "mqtt://localhost:1883"
    listen: Annotated[str, By(keys.listen)] = "127.0.0.1:1883"
    username: Text = ""
    password_file: Text = ""
    ca_file: Text = ""
    cert_file: Text = ""
    key_file: Text = ""
    version: Annotated[str, By(keys.version)] = "5"
    prefix: Annotated[str, By(keys.prefix)] = "gateway"
    payload: Annotated[str, By(choice("reading", "rows"))] = "reading"
    every: Every = 0.0
    discovery_prefix: Annotated[str, By(values.or_none(keys.prefix))] = "homeassistant"


class Board(Table):
    """[[boards]]"""

    name: Text = ""
    port: Annotated[str, By(keys.port)]
    baud: Annotated[int, By(keys.baud)] = 115_200
    serial: Annotated[str, By(keys.serial)] = "8N1"
    dtr: Switch = None
    rts: Switch = None
    settle: Annotated[float, By(duration(0, 60))] = 0.0
    preset: Annotated[Preset | None, By(keys.preset)] = None
    format: Annotated[str, By(choice(*FORMATS))] = "auto"
    columns: Annotated[tuple[str, ...], By(keys.columns)] = ()
    unit: Annotated[tuple[str, ...], By(keys.unit)] = ()
    also: Texts = ()
    none: Annotated[tuple[str | float, ...], By(keys.no_value)] = ()
    separator: Annotated[str, By(keys.separator)] = "auto"
    header: Annotated[bool | str, By(keys.header)] = "auto"
    decimal: Annotated[str, By(choice(".", ",", "auto"))] = "auto"
    line_end: Annotated[str, By(keys.line_end)] = ""
    records: Text = ""
    after: Annotated[str, By(any_text)] = ""
    pattern: Annotated[str, By(patterned.pattern)] = ""
    start: Annotated[str | None, By(patterned.edge)] = None
    end: Annotated[str | None, By(patterned.edge)] = None
    timeout: Annotated[float | None, By(duration(0.01, 3600))] = None
    base: Annotated[int, By(patterned.base)] = 10
    framing: Annotated[str | Escapes | None, By(layout.framing)] = None
    size: Annotated[int | Length | None, By(layout.size)] = None
    magic: Annotated[Magic | None, By(layout.magic)] = None
    crc: Annotated[Crc | None, By(layout.crc)] = None
    endian: Annotated[Endian, By(choice("little", "big"))] = "little"
    fields: Annotated[tuple[Field, ...], By(layout.fields)] = ()
    ask: Annotated[Ask | None, By(questions.ask)] = None
    unit_id: Annotated[int | None, By(questions.unit_id)] = None
    units: Annotated[tuple[questions.Unit, ...], By(questions.units)] = ()
    registers: Annotated[tuple[Register, ...] | None, By(questions.registers)] = None
    every: Annotated[float, By(questions.every)] = 1.0
    tags: Tags = {}
    max_line: Annotated[int, By(values.size(16, 1_000_000))] = 4000
    max_sensors: Annotated[int, By(whole(1, 10_000))] = 256
    silent: Annotated[float | None, By(keys.silent)] = None
    on_silence: Annotated[tuple[str, ...], By(keys.on_silence)] = ("reopen",)
    range: Range = None
    out_of_range: OutOfRange = "flag"
    stuck: Stuck = 0.0
    spike: Spike = 0.0


class Sensors(Table):
    """[[sensors]]"""

    match: Annotated[str, By(keys.match)]
    name: Text | None = None
    unit: Annotated[str | None, By(keys.one_unit)] = None
    points: Annotated[tuple[tuple[float, float], ...] | None, By(keys.points)] = None
    gain: Annotated[float | None, By(keys.gain)] = None
    offset: Annotated[float | None, By(number)] = None
    range: Range = None
    out_of_range: OutOfRange | None = None
    stuck: Stuck | None = None
    spike: Spike | None = None
    every: Every | None = None
    band: Annotated[float | None, By(sent.band)] = None
    heartbeat: Annotated[float | None, By(sent.heartbeat)] = None
    alarm: Annotated[Alarm | None, By(sent.alarm)] = None
    window: Window | None = None
    use: Use | None = None
    scale: Scale | None = None
    custom: Custom | None = None


class Features(Table):
    """[features]"""

    window: Window = 60.0
    use: Use = ("mean", "std", "min", "max")
    scale: Scale = (20.0, 80.0)
    custom: Custom = ()
    deadline: Annotated[float, By(duration(0.001, 10))] = 0.5
    max_window: Annotated[int, By(whole(1, keys.MOST_WINDOW))] = 10_000


class Compute(Table):
    """[compute]"""

    workers: Annotated[int | None, By(keys.workers)] = None
    linger: Annotated[float, By(duration(0, 10))] = 0.0
    memory: Annotated[int, By(values.size(16_000_000, 1_000_000_000_000))] = 256_000_000
    cluster: Annotated[str, By(hosts.cluster)] = ""
    cluster_ca_file: Text = ""
    cluster_cert_file: Text = ""
    cluster_key_file: Text = ""


class Spool(Table):
    """[spool]"""

    at_risk: Annotated[float, By(duration(0.1, 3600))] = 1.0
    max_bytes: Annotated[int, By(values.size(1_000_000, 10**13))] = 256_000_000
    max_age: Annotated[float, By(duration(1, 10 * 365 * 86_400))] = WEEK


class Web(Table):
    """[web]"""

    listen: Annotated[str, By(hosts.listen)] = ""
    token_file: Text = ""
    names: Annotated[tuple[str, ...], By(hosts.names)] = ()


class Document(Table):
    """The whole file."""

    gateway: Gateway = Default(default_factory=Gateway)
    mqtt: Mqtt = Default(default_factory=Mqtt)
    boards: list[Board] = []
    sensors: list[Sensors] = []
    features: Features = Default(default_factory=Features)
    compute: Compute = Default(default_factory=Compute)
    spool: Spool = Default(default_factory=Spool)
    web: Web = Default(default_factory=Web)


TABLES: dict[str, type[Table]] = {
    "gateway": Gateway, "mqtt": Mqtt, "boards": Board, "sensors": Sensors, "features": Features, "compute": Compute,
    "spool": Spool, "web": Web,
}  # fmt: skip
