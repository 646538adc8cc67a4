"""A broker of our own: rumqttd, from the iotcore library, in a child process; the only door to that library.

The child gets its configuration by its standard input, which stays open; when it closes the child ends, so that it
outlives neither `stop` nor a gateway that was killed. The password is in no argument list and on no disk.

What to expect of it, measured with iotcore 0.4 (rumqttd 0.20):
- A port speaks one version of MQTT. This one speaks 3.1.1, as mosquitto_sub and Home Assistant do unless told
  otherwise. A client that speaks another version or sends a wrong password, a keepalive of 0 or a packet over PACKET
  finds its connection closed, without a reason.
- It acknowledges QoS 1 at once, and feeds subscribers from a log for each different filter. A late one gets what is
  retained and nothing older. One that falls behind by more than the log loses the oldest, unnoticed.
- Of the retained messages that match a new filter it sends AT_ONCE at most, and only 100 with QoS 1: subscribe to
  documents with QoS 0.
- A full LOG is 50,000 readings and some 40 MB of memory; a second filter over the same messages takes 20 MB more. A
  filter's log stays when its subscribers have left. The filters of retained documents, of which Home Assistant has
  one for each sensor, have small logs: there, only the newest counts.
- A topic that starts with a character outside ASCII kills its router while the process lives on, deaf; seen here, the
  process is ended. What was retained, or acknowledged and not handed on yet, ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ipaddress
import json
import logging
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self, cast

from ..backoff import attempts_after, delay
from ..listening import claimed, written
from ..threads import in_thread

PACKET = 1 << 20  # bytes
LOG = (1 << 20, 24)  # bytes a segment, and segments
DOCUMENTS_LOG = (1 << 18, 2)
DOCUMENTS = [f"{'+/' * levels}{leaf}" for levels in range(2, 7) for leaf in ("status", "last", "alarm")]
AT_ONCE = 10_000  # messages read from a log in one go
CONNECTIONS = 256
PATIENCE = 30.0  # s for the child to start on a slow board
GOODBYE = 2.0  # s for the child to end by itself
READY = b"ready\n"
DEAF = "thread 'router-"  # how the report of a dead router begins
Started = tuple[str, int, subprocess.Popen[bytes]]  # address, port, child


class Embedded:
    """A broker of our own that is started again whenever it ends. `trouble`: one sentence while there is none."""

    def __init__(self, broker: Broker, login: tuple[str | None, str | None], event: Callable[..., None]) -> None:
        self.trouble: str | None = None
        self._broker, self._login, self._event = broker, login, event
        self._listen = written(broker.host, broker.port)
        self._keeping = asyncio.create_task(self._keep())

    @classmethod
    async def start(
        cls,
        listen: tuple[str, int],
        username: str | None = None,
        password: str | None = None,
        event: Callable[..., None] = lambda name, **fields: None,
    ) -> Self:
        """As `start` of this module. event: gets embedded.started, embedded.lost, embedded.recovered, for the log."""
        broker = await start(listen, username, password)
        event("embedded.started", listen=written(broker.host, broker.port))
        return cls(broker, (username, password), event)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self._broker.host, self._broker.port

    async def stop(self) -> None:
        """Ends it for good, and frees the port. May be called twice."""
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        await self._broker.stop()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        attempts = 0
        while True:
            since = loop.time()
            self.trouble = await self._broker.ended
            self._event("embedded.lost", listen=self._listen, why=self.trouble)
            lost = loop.time()
            attempts = attempts_after(attempts, lost - since)
            while self.trouble:
                await asyncio.sleep(delay(attempts, random.random()))
                try:
                    self._broker = await start(self.address, *self._login)
                    self.trouble = None
                except OSError as error:
                    self.trouble = str(error)
                    attempts += 1
            self._event("embedded.recovered", listen=self._listen, after_s=round(loop.time() - lost, 1))


class Broker:
    """A running broker on `host`, `port`. `ended` is done, with a sentence, when it has ended without `stop`."""

    def __init__(self, host: str, port: int, process: subprocess.Popen[bytes]) -> None:
        self.host, self.port = host, port
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process = process
        self._stopping = False
        self._watch = asyncio.create_task(self._watching())

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    async def stop(self) -> None:
        """Ends the child and frees the port. May be called twice."""
        self._stopping = True
        _pipe(self._process.stdin).close()
        await asyncio.wait([self._watch], timeout=GOODBYE)
        self._process.kill()  # nothing happens if it has ended
        await asyncio.shield(self._watch)

    async def _watching(self) -> None:
        why = await in_thread(lambda: _watched(self._process), "broker-watch")
        if not self._stopping and not self.ended.done():  # done: whoever waited for it was cancelled
            self.ended.set_result(why)


async def start(listen: tuple[str, int], username: str | None = None, password: str | None = None) -> Broker:
    """A broker on `listen` (host, port), ready for clients; port 0 takes a free one. A user, if given, is the only one.

    Raises OSError; its text is one sentence: what is wrong (who holds the port, say) and what to do.
    """
    starting = asyncio.ensure_future(in_thread(lambda: _started(listen, username, password), "broker-start"))
    try:
        host, port, process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_forget)
        raise
    return Broker(host, port, process)


def _started(listen: tuple[str, int], username: str | None, password: str | None) -> Started:
    """Blocks until the child listens."""
    if importlib.util.find_spec("iotcore") is None:
        raise OSError("the embedded broker is not installed; pip install 'serial-edge-gateway[demo]' brings it")
    host, port = claimed(*listen, "mqtt.listen")
    login = None if username is None and password is None else (username or "", password or "")
    if not ipaddress.ip_address(host).is_loopback and not (login and all(login)):
        raise OSError(f"mqtt.listen: other machines reach {host}; set mqtt.username and mqtt.password_file as well")
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path, "RUST_BACKTRACE": "0"},
        process_group=0,  # so that Ctrl-C leaves it to us when it ends
    )
    with contextlib.suppress(BrokenPipeError):  # it has ended; what it said follows
        os.write(_pipe(process.stdin).fileno(), json.dumps(configuration(host, port, login)).encode() + b"\n")
    answered, _, _ = select.select([_pipe(process.stdout)], [], [], PATIENCE)
    if answered and _pipe(process.stdout).readline() == READY:
        return host, port, process
    process.kill()
    why = _watched(process)
    if not answered:
        why = f"nothing was heard from it for {PATIENCE:.0f} s"
    raise OSError(f"no embedded broker: {why}; `{sys.executable} -m iotcore` shows whether one can run here")


def _forget(starting: asyncio.Future[Started]) -> None:
    """Ends the child of a start that nobody waits for any more."""
    if not starting.cancelled() and starting.exception() is None:
        starting.result()[2].kill()
        _watched(starting.result()[2])


def _watched(process: subprocess.Popen[bytes]) -> str:
    """Why the child ended; blocks until then. Ends it when its router is dead."""
    last = panic = ""
    for raw in iter(lambda: _pipe(process.stderr).readline(4096), b""):
        line = raw.decode(errors="replace").strip()
        if last.startswith(DEAF):
            panic = panic or line
            process.kill()
        last = line or last
    code = process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        _pipe(pipe).close()
    if panic:
        return f"the embedded broker failed inside ({panic})"
    if code < 0:
        return f"the embedded broker was killed ({signal.Signals(-code).name})"
    return f"the embedded broker ended with code {code}" + (f" ({last})" if last else "")


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    return cast(IO[bytes], pipe)


def configuration(host: str, port: int, login: tuple[str, str] | None) -> str:
    """rumqttd's configuration, TOML. login: the user and the password that alone may connect."""
    size, count = DOCUMENTS_LOG
    small = "".join(
        f'[router.custom_segment."{topic}"]\nmax_segment_size = {size}\nmax_segment_count = {count}\n'
        for topic in DOCUMENTS
    )
    auth = f"[v4.1.connections.auth]\n{_quoted(login[0])} = {_quoted(login[1])}\n" if login else ""
    return f"""\
id = 0
[router]
id = 0
max_connections = {CONNECTIONS}
max_outgoing_packet_count = {AT_ONCE}
max_segment_size = {LOG[0]}
max_segment_count = {LOG[1]}
{small}
[v4.1]
name = "gateway"
listen = "{written(host, port)}"
next_connection_delay_ms = 1
[v4.1.connections]
connection_timeout_ms = 10000
max_payload_size = {PACKET}
max_inflight_count = 200
dynamic_filters = false
{auth}"""


def _quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _serve() -> None:
    """The child's life: the configuration comes in, READY goes out, and then it waits for its input to close."""
    from iotcore import IotCoreBroker

    Path("/proc/self/comm").write_text("gateway-broker")
    logging.disable()  # it has a line for every packet
    memory = os.memfd_create("broker.toml")  # a path with this ending is all that the library takes
    os.write(memory, json.loads(sys.stdin.buffer.readline()).encode())
    with tempfile.TemporaryDirectory() as private:
        link = Path(private, "broker.toml")
        link.symlink_to(f"/proc/self/fd/{memory}")
        broker = IotCoreBroker(config_path=str(link))
    os.close(memory)
    broker.start()
    _reached(*broker.listeners()[0].rsplit(":", 1))
    os.write(1, READY)
    os.dup2(2, 1)
    sys.stdin.buffer.read()
    os._exit(0)


def _reached(host: str, port: str) -> None:
    """Returns when the broker accepts connections. Raises TimeoutError after PATIENCE."""
    for wait in (0.01,) * int(PATIENCE / 0.01):
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection((host.strip("[]"), int(port))).close()
        time.sleep(wait)
    raise TimeoutError("it does not listen")


if __name__ == "__main__":
    _serve()
