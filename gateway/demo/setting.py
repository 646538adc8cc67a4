"""The demo's setting: a free port, a baud rate that carries what was asked for, the gateway's configuration."""

import json
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path

GATEWAY = "demo"
PORTS = range(20_000, 32_000)  # below those that the system gives to outgoing connections
BAUDS = (115_200, 230_400, 460_800, 921_600, 2_000_000, 4_000_000)
RECORD = 250  # bytes: more than the longest record of a simulated board's four sensors
RANGE = "[20, 80]"
WINDOW = "5s"  # short, so that it fills while one looks


def free_port() -> int:
    """A port of this machine that nobody listens on. Raises OSError when there is none to be found."""
    for _ in range(100):
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {PORTS.start} and {PORTS.stop}")


def baud_for(rate: float) -> int:
    """The least usual baud rate whose line is at most four fifths full; else the greatest. rate: records/s."""
    needed = rate * RECORD * 10 / 0.8
    return next((baud for baud in BAUDS if baud >= needed), BAUDS[-1])


def configuration(port: int, directory: Path, boards: Sequence[tuple[str, int]], page: int | None = None) -> str:
    """gateway.toml with a broker of its own on `port` and (name, baud) of each board, whose port is directory/name.

    page: the port of the web page; None: there is none.
    """
    state = json.dumps(str(directory.with_name("state")), ensure_ascii=False)
    tables = [
        f'[gateway]\nid = "{GATEWAY}"\nstate_dir = {state}\n',
        f'[mqtt]\nurl = "embedded"\nlisten = "127.0.0.1:{port}"\n',
        f'[features]\nwindow = "{WINDOW}"\n',
    ]
    tables += [f'[web]\nlisten = "127.0.0.1:{page}"\n'] if page else []
    for name, baud in boards:
        path = json.dumps(str(directory / name), ensure_ascii=False)
        tables.append(f"[[boards]]\nname = {json.dumps(name)}\nport = {path}\nbaud = {baud}\nrange = {RANGE}\n")
    return "\n".join(tables)
