"""Which serial port is which: stable paths, what is plugged in, who holds it. Read from /dev, /sys and /proc alone.

Opening a port resets many boards, so everything here is found out from links and small files. What a device tells
about itself (its product, its serial number) is hostile text and is made printable.

The ports are listed from sysfs and not with serial.tools.list_ports, which raises for all ports while one is being
unplugged, and shows 32 ports that are not there on Linux 6.5 and later.
"""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

DEV, SYS, PROC = Path("/dev"), Path("/sys"), Path("/proc")
PTS = range(136, 144)  # major numbers of pseudo-terminals
LONGEST = 80  # characters of a text that a device or a program made up


class Node(NamedTuple):
    """What a path names now. A device that was unplugged and came back is another node."""

    rdev: int
    inode: int
    changed: int  # ns; also when its owner or its mode changes


class Device(NamedTuple):
    """A device itself, by whatever path it was opened."""

    rdev: int
    instance: int  # of /dev/pts, as each container has its own; 0 for all other devices

    @property
    def is_pty(self) -> bool:
        """Whether there is a program at its other end, and no line."""
        return os.major(self.rdev) in PTS


class Holder(NamedTuple):
    """A process that has a port open."""

    pid: int
    program: str


@dataclass(frozen=True, slots=True)
class Usb:
    """What a USB adapter says of itself. Two adapters that are equal in this cannot be told apart by it."""

    ids: str  # vendor:product, in hex
    serial: str  # "" where it has none
    interface: str
    channel: str  # of an adapter with several ports on one interface
    product: str


@dataclass(frozen=True, slots=True)
class SerialPort:
    """One serial port of this machine."""

    path: str  # the stable one where there is one
    device: str
    description: str
    usb: bool
    holder: Holder | None
    note: str | None  # what a user should know about its path


def device(found: os.stat_result) -> Device:
    """The device that a path or a descriptor leads to."""
    return Device(found.st_rdev, found.st_dev if os.major(found.st_rdev) in PTS else 0)


def node(path: str) -> Node | None:
    """What `path` names, or None when nothing is there."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return Node(found.st_rdev, found.st_ino, found.st_ctime_ns)


def serial_ports(dev: Path = DEV, sys: Path = SYS, proc: Path = PROC) -> list[SerialPort]:
    """The serial ports of this machine and who holds them, in the order of their numbers."""
    ports = _ports(dev, sys)
    held = _held({port.device for port in ports}, proc)
    return [replace(port, holder=held.get(port.device)) for port in ports]


def serial_port(path: str) -> SerialPort | None:
    """The serial port that `path` names now, without who holds it; None when it is none."""
    device = os.path.realpath(path)
    return next((port for port in _ports(Path("/dev"), Path("/sys")) if port.device == device), None)


def stable_path(path: str, dev: Path = DEV, sys: Path = SYS) -> str:
    """The path by which the device at `path` is found again after a replug; `path` itself where there is none.

    A link stays as it is, since the user chose it.
    """
    if Path(path).is_symlink():
        return path
    return next((port.path for port in _ports(dev, sys) if port.device == path), path)


def board_name(path: str) -> str:
    """A name for the board at a stable path: letters, digits, `-` and `_`. Different file names, different names."""
    name = Path(path).name
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    return plain if plain == name else f"{plain}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:6]}"


def holders(device: str, proc: Path = PROC) -> list[Holder]:
    """The processes that hold a lock on `device`, then those that have it open, as far as this user may see."""
    target = os.path.realpath(device)
    pids = lockers(target, proc)
    pids += [pid for pid, links in _open_files(proc) if target in links and pid not in pids]
    return [Holder(pid, program(pid, proc)) for pid in pids]


def _ports(dev: Path, sys: Path) -> list[SerialPort]:
    by_id, by_path = _links(dev / "serial/by-id"), _links(dev / "serial/by-path")
    ttys = {str(dev / name) for name in _ttys(sys) if (dev / name).exists()}
    known = {device: _usb(Path(device).name, sys) for device in ttys | by_id.keys() | by_path.keys()}
    on_usb = {d: usb for d, usb in known.items() if usb or "usb-" in Path(by_id.get(d) or by_path.get(d, "")).name}
    twins = _twins(on_usb, by_id)
    ports = []
    for device in sorted(known, key=_natural):
        usb, twin = known[device], device in twins
        unnumbered = usb is not None and not usb.serial  # a second of its kind, plugged in later, would take its link
        path = (
            (by_path if twin or unnumbered else by_id).get(device) or by_path.get(device) or by_id.get(device, device)
        )
        note = _note(path == device, twin, unnumbered) if device in on_usb else None
        ports.append(SerialPort(path, device, _description(device, usb), device in on_usb, None, note))
    return ports


def _held(devices: set[str], proc: Path) -> dict[str, Holder]:
    """The first holder of each device that has one."""
    found: dict[str, Holder] = {}
    for pid, links in _open_files(proc):
        for device in devices & links:
            found.setdefault(device, Holder(pid, program(pid, proc)))
    for device in devices - found.keys():
        for pid in lockers(device, proc):
            found.setdefault(device, Holder(pid, program(pid, proc)))
    return found


def _open_files(proc: Path) -> Iterator[tuple[int, set[str]]]:
    """(pid, what its descriptors name) of each process whose descriptors this user may see."""
    for process in _inside(proc):
        if process.name.isdecimal():
            links = set()
            for fd in _inside(process / "fd"):
                try:
                    links.add(str(fd.readlink()))
                except OSError:
                    continue  # closed meanwhile
            yield int(process.name), links


def lockers(device: str, proc: Path = PROC) -> list[int]:
    """The pids that hold a lock on a device or file. Other users' descriptors are hidden, their locks are not."""
    try:
        found = Path(device).stat()
    except OSError:
        return []
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    lines = (line.split() for line in _read(proc / "locks").splitlines())
    # 1: FLOCK ADVISORY WRITE 4088 00:1a:3 0 EOF; one that waits for a lock has "->" before its kind
    return [int(words[4]) for words in lines if len(words) > 5 and words[5] == place and int(words[4]) > 0]


def program(pid: int, proc: Path = PROC) -> str:
    """The name of a running program, printable; of one that Python runs, that of its module or file."""
    name = _read(proc / str(pid) / "comm")
    if name.startswith("python"):
        match _read(proc / str(pid) / "cmdline").split("\0")[1:]:
            case ["-m", word, *_]:
                name = word
            case [word, *_] if word[:1] not in ("", "-"):
                name = word.rsplit("/", 1)[-1]
    return _printable(name) or "unknown program"


def _links(folder: Path) -> dict[str, str]:
    """Device -> the first link in `folder`, by the alphabet, that leads to it. Dangling ones are left out."""
    found: dict[str, str] = {}
    for link in sorted(_inside(folder)):
        if link.exists():
            found.setdefault(os.path.realpath(link), str(link))
    return found


def _ttys(sys: Path) -> Iterator[str]:
    """The names of the ttys that have hardware behind them: no consoles, no pseudo-terminals, no empty UART slots."""
    for tty in _inside(sys / "class/tty"):
        if (tty / "device").exists() and _read(tty / "type") != "0":
            yield tty.name


def _usb(name: str, sys: Path) -> Usb | None:
    """What sysfs knows of the USB adapter behind a tty, or None. The tty's folder is inside the adapter's."""
    device = Path(os.path.realpath(sys / "class/tty" / name / "device"))
    channel, interface = _read(device / "port_number"), ""
    for folder in (device, *device.parents):
        interface = interface or _read(folder / "bInterfaceNumber")
        if vendor := _read(folder / "idVendor"):
            serial, product = _printable(_read(folder / "serial")), _printable(_read(folder / "product"))
            return Usb(f"{vendor}:{_read(folder / 'idProduct')}", serial, interface, channel, product)
    return None


def _twins(on_usb: dict[str, Usb | None], by_id: dict[str, str]) -> set[str]:
    """The devices that cannot be told apart: udev makes one by-id link for all of them, to the one that came last."""
    alike: dict[Usb | None, set[str]] = defaultdict(set)
    for device, usb in on_usb.items():
        alike[usb].add(device)
    return {d for devices in alike.values() if 0 < len(devices & by_id.keys()) < len(devices) for d in devices}


def _note(bare: bool, twin: bool, unnumbered: bool) -> str | None:
    if bare:
        return "has no stable path, since udev made no link for it: its number can change at a replug"
    if twin:
        return "another adapter has the same name and serial number, so the path follows the USB socket"
    if unnumbered:
        return "has no serial number, so the path follows the USB socket"
    return None


def _description(device: str, usb: Usb | None) -> str:
    if usb is None:
        return f"serial port {Path(device).name}"
    return f"USB {usb.product or 'serial adapter'} ({' '.join(filter(None, (usb.ids, usb.serial)))})"


def _natural(device: str) -> list[tuple[int, str]]:
    """Sorts ttyUSB2 before ttyUSB10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", device)]


def _inside(folder: Path) -> list[Path]:
    """What is in `folder`; nothing when it is not there or not ours to read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> str:
    """The text of a small file, stripped; "" when it cannot be read, as when its device has just gone."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _printable(text: str) -> str:
    """`text` cut short, with a question mark for each character that a terminal would not print."""
    return "".join(char if char.isprintable() else "?" for char in text[:LONGEST])
