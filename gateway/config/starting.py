"""A first gateway.toml, from the boards that were found: what `gateway init` writes."""

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ..names import level, plain
from ..shown import shown
from .keys import port
from .words import Unfit, toml

HEAD = """\
# The gateway's configuration. `gateway check` says what is wrong with it, or what it would do;
# docs/configuration.md explains every option. A line with one # before a key shows its default.

[gateway]
# The name of this machine in every topic; no two gateways of one broker may share it.
id = {id}

[mqtt]
# "embedded" runs a broker in the gateway, for this machine alone.
url = "mqtt://localhost:1883"
# With TLS it is "mqtts://host:8883"; ca_file names the certificate of who has signed the broker's.
# ca_file = ""
# username = ""
# The password goes alone into a file with mode 0600.
# password_file = ""
# prefix = "gateway"
"""
KNOWN = """\
# A board of one of these kinds needs no more than preset = "its kind"; `gateway presets NAME` shows one:
{names}
"""
KEYS = """\
# preset = ""
# baud = 115200
# serial = "8N1"
# What the board sends: "plain", "csv", "kv", "json"; "auto" finds it by looking.
# format = "auto"
# Names of the columns in order, "" skips one; without them they are S1, S2, …
# columns = []
# Plausible values; what lies outside is marked.
# range = []
"""
RANGE = KEYS[KEYS.index("# Plausible") :]
NONE_FOUND = """\
# No board was found. This table takes each one that is plugged in by USB, and names it after its serial number.
[[boards]]
port = "auto"
{keys}
# A board with a name of its own, on a port that you know (`gateway ports` lists them):
# [[boards]]
# name = "bench"
# port = "/dev/ttyS0"
# baud = 9600
"""
TAIL = """\
[features]
# Over the last 60 s, or over so many readings: window = 100
# window = "60s"
# Of: mean std min max range median slope rate ewma zscore
# use = ["mean", "std", "min", "max"]
# What `normalized` maps to 0…1.
# scale = [20, 80]
"""


NOTHING: Mapping[str, "Probed"] = MappingProxyType({})


class Probed(NamedTuple):
    """What a probe has found out of a port: a clause, and the keys of its tables, but for name and port."""

    said: str
    tables: tuple[Mapping[str, object], ...] = ()


def starting_configuration(
    found: Iterable[tuple[str, str, str]],
    gateway_id: str,
    presets: Iterable[str] = (),
    probed: Mapping[str, Probed] = NOTHING,
) -> str:
    """The text. `found`: (name, port, what it is) of each board; with none, a table that takes whatever is plugged in.

    presets: the names of those that there are. probed: what is known of ports, by their paths.

    `problems` has nothing to say of it, whatever the names and descriptions: names are made to differ, ids to be plain
    topic levels; a port that no configuration could name, or that was there before, is left out.
    """
    boards = _tables(list(found), probed) or [NONE_FOUND.format(keys=KEYS)]
    names = textwrap.fill(", ".join(presets), 110, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
    known = [KNOWN.format(names=names)] if names else []
    return "\n".join([HEAD.format(id=toml(plain(gateway_id))), *known, *boards, TAIL])


def _tables(found: Sequence[tuple[str, str, str]], probed: Mapping[str, Probed]) -> list[str]:
    out: list[str] = []
    names: set[str] = set()
    ports: set[str] = set()
    for name, path, what in found:
        if not _usable(path) or os.path.realpath(path) in ports:
            continue
        ports.add(os.path.realpath(path))
        known = probed.get(path, Probed(""))
        comment = f"# {shown(what) or 'a serial port'}\n" + (f"# {shown(known.said, 300)}\n" if known.said else "")
        for keys in known.tables or [{}]:
            name = _unlike(shown(name, 60).strip() or "board", names)
            names.add(level(name))
            head = f"{comment}[[boards]]\nname = {toml(name)}\nport = {toml(path)}\n"
            out.append(head + (_spelt(keys) if keys else KEYS))
    return out


def _spelt(keys: Mapping[str, object]) -> str:
    """Keys that are known, a line each; a list of tables has one in each of its own. A preset brings its range."""
    lines = []
    for key, value in keys.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key} = [", *(f"  {toml(each)}," for each in value), "]"]
        else:
            lines.append(f"{key} = {toml(value)}")
    return "\n".join(lines) + "\n" + ("" if "preset" in keys else RANGE)


def _usable(path: str) -> bool:
    try:
        return port(path) == path != "auto"
    except Unfit:
        return False


def _unlike(name: str, taken: set[str]) -> str:
    """`name`, or with a number behind it when its topic is taken."""
    number, free = 1, name
    while level(free) in taken:
        number += 1
        free = f"{name}-{number}"
    return free
