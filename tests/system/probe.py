"""What a service can do: tries things, one by one, and prints what came of each as a JSON document.

It runs inside the machine, by the machine's Python alone: once as the service itself, and once without its sandbox,
which shows what it is that refuses.
"""

import ctypes
import json
import mmap
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path


def written(path):
    """Writes a file there."""

    def attempt():
        Path(path).write_text("x")

    return attempt


def read(path):
    """Reads a file."""
    return lambda: Path(path).read_bytes()


def family(name):
    """Makes a socket of that family."""
    kind = socket.SOCK_RAW if name in ("AF_NETLINK", "AF_PACKET", "AF_CAN") else socket.SOCK_STREAM
    kind = socket.SOCK_SEQPACKET if name == "AF_ALG" else kind
    return lambda: socket.socket(getattr(socket, name), kind).close()


def suid():
    """A program whose owner is root and that runs as its owner."""
    found = subprocess.run(["/srv/suid-id", "-u"], capture_output=True, text=True).stdout.strip()
    if found != "0":
        raise PermissionError(f"it ran as {found}")


def make_suid():
    """A file of ours that runs as its owner, whoever calls it."""
    path = Path(os.environ["STATE_DIRECTORY"]) / "suid"
    path.write_text("x")
    path.chmod(0o4755)


def call(name, *arguments):
    """A call of the C library's."""

    def attempt():
        libc = ctypes.CDLL(None, use_errno=True)
        if getattr(libc, name)(*arguments) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return attempt


def executable_memory():
    """Memory that can be written and run."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def core():
    """A file of memory at a crash."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        raise PermissionError("its size is 0")


NEWUSER, NEWNET = 0x10000000, 0x40000000
TRIED = {
    "write its state": lambda: (Path(os.environ["STATE_DIRECTORY"]) / "mark").write_text("x"),
    "write its runtime directory": lambda: (Path(os.environ["RUNTIME_DIRECTORY"]) / "mark").write_text("x"),
    "read its configuration": read("/etc/gateway/gateway.toml"),
    "open a port": lambda: os.close(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)),
    **{f"speak {name}": family(name) for name in ("AF_UNIX", "AF_INET", "AF_INET6")},
    "write its configuration": written("/etc/gateway/mark"),
    "write its own program": written("/opt/gateway/bin/gateway"),
    "write where all may": written("/srv/open/mark"),
    "write shared memory": written("/dev/shm/mark"),
    "write another's file": written("/home/pi/open"),
    "write a private /tmp": written("/tmp/mark"),
    "read another's file": read("/home/pi/diary"),
    "read root's file": read("/root/diary"),
    "read a secret's source": read("/etc/credstore/gateway.password"),
    "read passwords": read("/etc/shadow"),
    "read the kernel's log": lambda: os.close(os.open("/dev/kmsg", os.O_RDONLY)),
    "see others' processes": lambda: os.stat("/proc/1"),
    "become root": suid,
    "make a file that runs as its owner": make_suid,
    "make a user name space": call("unshare", NEWUSER),
    "make a network name space": call("unshare", NEWNET),
    "run what it has written": executable_memory,
    "leave a core file": core,
    "set the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
    "set the host's name": lambda: socket.sethostname("mark"),
    "set a kernel's knob": written("/proc/sys/kernel/core_pattern"),
    "run before others": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "open another device": lambda: os.close(os.open("/dev/fuse", os.O_RDWR)),
    **{f"speak {name}": family(name) for name in ("AF_NETLINK", "AF_PACKET", "AF_CAN", "AF_ALG", "AF_VSOCK")},
}


def tried():
    """What came of each: "done", or why not."""
    out = {}
    for name, attempt in TRIED.items():
        try:
            attempt()
            out[name] = "done"
        except (OSError, AttributeError) as error:
            out[name] = str(error)
    return out


if __name__ == "__main__":
    print("tried " + json.dumps(tried()), flush=True)
