"""A broker of our own: rumqttd, from the iotcore library, in a child process; the only door to that library.

The child gets its configuration by its standard input, which stays open; when it closes the child ends, so that it
outlives neither `stop` nor a gateway that was killed. The password is in no argument list and on no disk.

What to expect of it, measured with iotcore 0.4 (rumqttd 0.20):
- A port speaks one version of MQTT. This one speaks 3.1.1, as mosquitto_sub and Home Assistant do unless told
  otherwise. A client that speaks another version or sends a wrong password, a keepalive of 0 or a packet over PACKET
  finds its connection closed, without a reason.
- It acknowledges QoS 1 at once, and feeds subscribers from a log for each different filter. A late one gets what is
  retained and nothing older. One that falls behind by more than the log loses the oldest, unnoticed.
- A full LOG is 50,000 readings and some 50 MB of memory; a second filter over the same messages takes 20 MB more. A
  filter's log stays when its subscribers have left. The filters of retained documents, of which Home Assistant has
  one for each sensor, have small logs: there, only the newest counts.
- A topic that starts with a character outside ASCII kills its router while the process lives on, deaf; seen here, the
  process is ended. What was retained, or acknowledged and not handed on yet, ends with it.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import ipaddress
import json
import logging
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, cast

from ..threads import in_thread

PACKET = 1 << 20  # bytes
LOG = (1 << 20, 24)  # bytes a segment, and segments
DOCUMENTS_LOG = (1 << 18, 2)
DOCUMENTS = [f"{'+/' * levels}{leaf}" for levels in range(2, 7) for leaf in ("status", "last", "alarm")]
CONNECTIONS = 256
PATIENCE = 30.0  # s for the child to start on a slow board
GOODBYE = 2.0  # s for the child to end by itself
READY = b"ready\n"
DEAF = "thread 'router-"  # how the report of a dead router begins
ANYWHERE = ("0.0.0.0", "::")
Started = tuple[str, int, subprocess.Popen[bytes]]  # address, port, child


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
        if not self._stopping:
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
    host, port = _claimed(*listen)
    login = None if username is None and password is None else (username or "", password or "")
    if not ipaddress.ip_address(host).is_loopback and not (login and all(login)):
        raise OSError(f"{host} can be reached from other machines; set mqtt.username and mqtt.password_file as well")
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
    try:
        _pipe(process.stdin).write(json.dumps(configuration(host, port, login)).encode() + b"\n")
        _pipe(process.stdin).flush()
    except BrokenPipeError:  # it has ended; what it said follows
        pass
    answered, _, _ = select.select([_pipe(process.stdout)], [], [], PATIENCE)
    if answered and _pipe(process.stdout).readline() == READY:
        return host, port, process
    process.kill()
    why = _watched(process) if answered else f"it has said nothing for {PATIENCE:.0f} s"
    raise OSError(f"the embedded broker did not start: {why}; `python -m iotcore` shows whether it can run here")


def _forget(starting: asyncio.Future[Started]) -> None:
    """Ends the child of a start that nobody waits for any more."""
    if not starting.cancelled() and starting.exception() is None:
        process = starting.result()[2]
        process.kill()
        _watched(process)


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


# the port


def _claimed(host: str, port: int) -> tuple[str, int]:
    """The address and the port, seen to be free."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise OSError(f"mqtt.listen: there is no host {host}; set an address, such as 127.0.0.1:1883") from None
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise OSError(f"mqtt.listen: {_unavailable(error, str(address[0]), port)}") from None
        name = probe.getsockname()
        return name[0], name[1]


def _unavailable(error: OSError, address: str, port: int) -> str:
    shown = _shown(address, port)
    if error.errno == errno.EADDRINUSE:
        return f"{shown} is taken by {holder(address, port)}; end that, or set another port"
    if error.errno == errno.EACCES:
        return f"this user may not listen on {shown}; set a port from 1024 up"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine does not have the address of {shown}; set 127.0.0.1, or one that `ip address` shows"
    return f"{shown} cannot be had ({error.strerror}); set another"


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def holder(address: str, port: int) -> str:
    """Who listens on `port` of `address`, as far as it can be seen: program and process id."""
    owners: dict[str, int] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            owners |= listeners(Path(table).read_text(), address, port)
    links = {f"socket:[{inode}]" for inode in owners}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(fd) in links for fd in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:  # another user's, or gone meanwhile
            continue
    names = {entry.pw_uid: entry.pw_name for entry in pwd.getpwall()}
    owner = "".join(f" of user {names.get(uid, uid)}" for uid in list(owners.values())[:1])
    return f"a program{owner} that cannot be seen from here (`sudo ss -tlnp` shows it)"


def listeners(table: str, address: str, port: int) -> dict[str, int]:
    """Sockets of `table` (the text of /proc/net/tcp or tcp6) in the way of `address`, `port`: inode -> user id."""
    ours = {_hexadecimal(text) for text in (address, *ANYWHERE)}
    if "." in address:
        ours.add(_hexadecimal(f"::ffff:{address}"))
    out = {}
    for line in table.splitlines()[1:]:
        _, local, _, state, _, _, _, uid, _, inode, *_ = line.split()
        at, _, number = local.partition(":")
        if state == "0A" and int(number, 16) == port and (at in ours or address in ANYWHERE):
            out[inode] = int(uid)
    return out


def _hexadecimal(address: str) -> str:
    """As the kernel's tables write it: words of four bytes, each in the machine's own order."""
    packed = ipaddress.ip_address(address).packed
    words = [int.from_bytes(packed[i : i + 4], sys.byteorder) for i in range(0, len(packed), 4)]
    return "".join(f"{word:08X}" for word in words)


# the child


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
max_outgoing_packet_count = 200
max_segment_size = {LOG[0]}
max_segment_count = {LOG[1]}
{small}
[v4.1]
name = "gateway"
listen = "{_shown(host, port)}"
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
    """Returns when the broker accepts connections. Raises OSError when it does not in PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection((host.strip("[]"), int(port))).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.01)


if __name__ == "__main__":
    _serve()
