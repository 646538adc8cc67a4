"""The life of the web process: `python -m gateway.web FD`, where FD is its end of the gateway's socket pair.

The first message says what to do. When the gateway closes its end, this process ends at once: it has nothing to bring
out.
"""

import asyncio
import ipaddress
import os
import secrets
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from .. import __version__
from ..listening import claimed
from .app import App
from .asking import Asking
from .guard import Rules
from .hub import Hub
from .link import Link
from .server import served

NICE = 5
OOM = "500"  # of 1000: before the gateway itself


def main() -> None:
    """Runs until the gateway has gone."""
    os.nice(NICE)
    for name, text in (("comm", "gateway-web"), ("oom_score_adj", OOM)):
        try:
            Path("/proc/self", name).write_text(text)
        except OSError:  # a system that lets nobody do that: it is called python, then
            continue
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they are for the gateway, and it ends us
    asyncio.run(_serve(socket.socket(fileno=int(sys.argv[1]))))


async def _serve(channel: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    link = Link(lambda name, head, body: hub.take(name, head, body), lambda: os._exit(0))
    hub = Hub(lambda looked_at: link.say({"look": looked_at}))
    channel.setblocking(False)
    await loop.create_connection(lambda: link, sock=channel)
    settings = await link.settings
    try:
        listening = _bound(*settings["listen"])
        rules = _rules(settings)
    except (OSError, ValueError) as error:
        link.say({"failed": str(error)})
        return
    app = App(hub, Asking(link), rules, Path(settings["path"]), __version__)
    ready = asyncio.Event()
    serving = asyncio.ensure_future(served(app, listening, ready))
    await ready.wait()
    link.say({"ready": list(listening.getsockname()[:2])})
    await serving


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises OSError, with a sentence."""
    address, free = claimed(host, port, "web.listen")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, free))
    except OSError as error:
        raise OSError(f"web.listen: nobody can listen there ({error.strerror}); set another port") from None
    return sock


def _rules(settings: dict[str, Any]) -> Rules:
    """Who may ask. Raises OSError and ValueError for the file of a token."""
    host, port = settings["listen"]
    token = None if settings["token_file"] is None else Path(settings["token_file"]).read_text().strip()
    here = socket.gethostname().lower()
    names = {"localhost", host.lower(), *(name.lower() for name in settings["names"])}
    anywhere = not _loopback(host)
    return Rules(
        frozenset(names | ({here, f"{here}.local"} if anywhere else set())), anywhere, token, f"gateway-{port}",
        _secret(),
    )  # fmt: skip


def _secret() -> bytes:
    """What this machine alone knows, and next year too; where it has nothing of the kind, all log in again."""
    try:
        return Path("/etc/machine-id").read_bytes().strip() or secrets.token_bytes()
    except OSError:
        return secrets.token_bytes()


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


if __name__ == "__main__":
    main()
