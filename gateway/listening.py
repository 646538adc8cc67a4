"""A TCP port to listen on: whether it can be had, and who has it instead."""

import errno
import ipaddress
import os
import pwd
import socket
import sys
from pathlib import Path

from .shown import shown

ANYWHERE = ("0.0.0.0", "::")


def claimed(host: str, port: int, key: str) -> tuple[str, int]:
    """The address of `host`, and the port, seen to be free; port 0 gives a free one.

    Raises OSError; its text is one sentence, which begins with `key`, the option that holds them.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        raise OSError(f"{key}: there is no host {host}; set an address, such as 127.0.0.1:{port}") from None
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise OSError(f"{key}: {_unavailable(error, str(address[0]), port)}") from None
        name = probe.getsockname()
        return name[0], name[1]


def _unavailable(error: OSError, address: str, port: int) -> str:
    place = written(address, port)
    if error.errno == errno.EADDRINUSE:
        return f"{place} is taken by {holder(address, port)}; end that, or set another port"
    if error.errno == errno.EACCES:
        return f"this user may not listen on {place}; set a port from 1024 up"
    return f"this machine cannot listen on {place} ({error.strerror}); set 127.0.0.1, or what `ip address` shows"


def written(host: str, port: int) -> str:
    """Address and port as one text."""
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
                return f"{shown((process / 'comm').read_text(errors='replace').strip())} (pid {process.name})"
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
