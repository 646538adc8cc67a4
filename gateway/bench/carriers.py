"""Who carries the boards' lines to the broker in a measurement: the gateway, or beside it a `mosquitto_pub` a board."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .brokers import Broker, installed
from .heard import Heard, features, lines

ID = "bench"
PLAIN = 'format = "plain"\n'

Commands = Callable[[Broker, Path, int], list[list[str]]]
"""Of a broker, the folder of the ports b1, … and how many these are: what is to be started, once they are there."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One that carries. read: as Count has it."""

    name: str
    payload: str  # what its messages are: a reading, rows, or the line itself
    level: bytes  # with which the topics end that count
    read: Callable[[bytes, bytes], Iterable[Heard]]
    commands: Commands


def gateway(payload: str = "reading", program: Sequence[str] = ("gateway",)) -> Carrier:
    """`gateway run`. payload: of its messages; program: the module to start as the gateway, and its first words."""
    return Carrier("gateway", payload, b"/features", features, running(program, payload))


def running(program: Sequence[str], payload: str, board: str = PLAIN, more: str = "") -> Commands:
    """Starts a gateway. board, more: what its tables say besides, see `configuration`."""

    def commands(broker: Broker, ports: Path, boards: int) -> list[list[str]]:
        file = ports.with_name("gateway.toml")
        file.write_text(configuration(broker, ports, boards, payload, board) + more)
        return [[sys.executable, "-P", "-m", *program, "run", "-c", str(file)]]

    return commands


def configuration(broker: Broker, ports: Path, boards: int, payload: str = "reading", board: str = PLAIN) -> str:
    """gateway.toml of the gateway that is measured, as `gateway init` would set it up. board: how each is read."""
    state = json.dumps(str(ports.with_name("state")), ensure_ascii=False)
    tables = [
        f'[gateway]\nid = "{ID}"\nstate_dir = {state}\n',
        f'[mqtt]\nurl = "mqtt://127.0.0.1:{broker.port}"\nversion = "{broker.version}"\npayload = "{payload}"\n',
    ]
    for number in range(1, boards + 1):
        path = json.dumps(str(ports / f"b{number}"), ensure_ascii=False)
        tables.append(f'[[boards]]\nname = "b{number}"\nport = {path}\nbaud = 115200\n{board}')
    return "\n".join(tables)


def mosquitto_pub() -> Carrier | None:
    """`mosquitto_pub -l -q 1`, one a port, which sends the lines as they are; None where it is not installed."""
    program = installed("mosquitto_pub")
    if program is None:
        return None
    reading = ("/bin/sh", "-c", 'exec "$@" <"$0"')

    def commands(broker: Broker, ports: Path, boards: int) -> list[list[str]]:
        start = (program, "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-l", "-t")
        each = range(1, boards + 1)
        return [[*reading, str(ports / f"b{number}"), *start, f"gateway/{ID}/b{number}/line"] for number in each]

    return Carrier("mosquitto_pub", "line", b"/line", lines, commands)
