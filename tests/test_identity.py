"""Which serial port is which, told from trees that look like /dev, /sys and /proc."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.ingest.identity import Holder, SerialPort, board_name, holders, node, program, serial_ports, stable_path


class Machine:
    """A false /dev, /sys and /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("dev/serial/by-id", "dev/serial/by-path", "sys/class/tty", "proc"):
            (root / folder).mkdir(parents=True)

    @property
    def dev(self) -> Path:
        return self.root / "dev"

    def ports(self) -> list[SerialPort]:
        return serial_ports(self.dev, self.root / "sys", self.root / "proc")

    def port(self, name: str) -> SerialPort:
        return next(port for port in self.ports() if port.device == f"{self.dev}/{name}")

    def stable(self, path: str) -> str:
        return stable_path(path, self.dev, self.root / "sys")

    def usb(
        self, name: str, socket: str, serial: str | None = None, product: str = "USB Serial", by_id: str = ""
    ) -> None:
        """An adapter as the kernel and udev show it; a second one of the same by_id takes the link away."""
        adapter = self.root / f"sys/devices/usb1/{socket}"
        tty = adapter / f"{socket}:1.0/{name}"
        tty.mkdir(parents=True)
        (adapter / "idVendor").write_text("1a86\n")
        (adapter / "idProduct").write_text("7523\n")
        (adapter / "product").write_text(product + "\n")
        if serial is not None:
            (adapter / "serial").write_text(serial + "\n")
        (adapter / f"{socket}:1.0/bInterfaceNumber").write_text("00\n")
        (self.root / f"sys/class/tty/{name}").mkdir()
        (self.root / f"sys/class/tty/{name}/device").symlink_to(tty)
        (self.root / "dev" / name).touch()
        link = (
            self.root
            / "dev/serial/by-id"
            / (by_id or f"usb-1a86_USB_Serial{f'_{serial}' if serial else ''}-if00-port0")
        )
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../{name}")
        for bus in ("usb", "usbv2"):
            (self.root / f"dev/serial/by-path/pci-0000:00:14.0-{bus}-0:{socket[2:]}:1.0-port0").symlink_to(
                f"../../{name}"
            )

    def uart(self, name: str, kind: str) -> None:
        (self.root / f"sys/class/tty/{name}/device").mkdir(parents=True)
        (self.root / f"sys/class/tty/{name}/type").write_text(kind + "\n")
        (self.root / "dev" / name).touch()

    def process(self, pid: int, program: str, *opened: str) -> None:
        (self.root / f"proc/{pid}/fd").mkdir(parents=True)
        (self.root / f"proc/{pid}/comm").write_text(program + "\n")
        for fd, path in enumerate(opened):
            (self.root / f"proc/{pid}/fd/{fd}").symlink_to(path)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_a_port_is_named_by_its_id(machine):
    """An adapter with a serial number goes by its by-id path, which follows it from socket to socket."""
    machine.usb("ttyUSB0", "1-1", "A7005")
    port = machine.port("ttyUSB0")
    assert port.path == f"{machine.dev}/serial/by-id/usb-1a86_USB_Serial_A7005-if00-port0"
    assert (port.description, port.usb, port.holder, port.note) == (
        "USB USB Serial (1a86:7523 A7005)",
        True,
        None,
        None,
    )


@pytest.mark.parametrize("serial", [None, "0001"])
def test_two_adapters_of_one_name_go_by_their_sockets(machine, serial):
    """Adapters with the same serial number, or none, share one by-id link: both get their by-path, and are told why."""
    machine.usb("ttyUSB0", "1-1", serial)
    machine.usb("ttyUSB1", "1-2", serial)
    machine.usb("ttyUSB2", "1-3", "other")
    paths = [os.path.basename(port.path) for port in machine.ports()]
    assert paths == [
        "pci-0000:00:14.0-usb-0:1:1.0-port0",
        "pci-0000:00:14.0-usb-0:2:1.0-port0",
        "usb-1a86_USB_Serial_other-if00-port0",
    ]
    assert all("socket" in (machine.port(name).note or "") for name in ("ttyUSB0", "ttyUSB1"))
    assert machine.port("ttyUSB2").note is None


def test_links_alone_are_enough_to_tell_twins(machine):
    """Where sysfs says nothing, a port that has no by-id link beside one that has is still taken for its twin."""
    for name, link in (("pts3", "platform-usb-0:1"), ("pts4", "platform-usb-0:2")):
        (machine.root / "dev" / name).touch()
        (machine.root / "dev/serial/by-path" / link).symlink_to(f"../../{name}")
    (machine.root / "dev/serial/by-id/usb-board").symlink_to("../../pts4")
    machine.uart("ttyS0", "4")
    assert [os.path.basename(port.path) for port in machine.ports()] == [
        "platform-usb-0:1",
        "platform-usb-0:2",
        "ttyS0",
    ]


def test_an_adapter_without_a_number_goes_by_its_socket(machine):
    """An adapter without a serial number is not known by a link that a second one of its kind would take away."""
    machine.usb("ttyUSB0", "1-1")
    before = machine.port("ttyUSB0")
    assert "by-path" in before.path
    assert "no serial number" in (before.note or "")
    machine.usb("ttyUSB1", "1-2")
    assert machine.port("ttyUSB0").path == before.path


def test_an_adapter_without_a_number_or_a_socket(machine):
    """Where there is no other link the by-id path is still better than a bare number."""
    machine.usb("ttyUSB0", "1-1")
    for link in (machine.root / "dev/serial/by-path").iterdir():
        link.unlink()
    assert "by-id" in machine.port("ttyUSB0").path


def test_a_usb_port_without_links_is_warned_of(machine):
    """Without udev there is no stable path, and the port says so."""
    machine.usb("ttyACM0", "1-1", "X")
    for link in (machine.root / "dev/serial").rglob("*"):
        if link.is_symlink():
            link.unlink()
    assert machine.port("ttyACM0").path == f"{machine.dev}/ttyACM0"
    assert "no stable path" in (machine.port("ttyACM0").note or "")


def test_empty_uart_slots_are_no_ports(machine):
    """Only a UART that is there is listed, in the order of numbers; its own path is stable."""
    machine.uart("ttyS10", "4")
    machine.uart("ttyS2", "4")
    machine.uart("ttyS3", "0")
    (machine.root / "sys/class/tty/tty1").mkdir()
    assert [(os.path.basename(p.path), p.usb, p.note) for p in machine.ports()] == [
        ("ttyS2", False, None),
        ("ttyS10", False, None),
    ]


def test_a_port_that_goes_while_it_is_looked_at_hides_no_other(machine):
    """An adapter whose files have vanished halfway does not keep the others from being listed."""
    machine.usb("ttyUSB0", "1-1", "A")
    machine.usb("ttyUSB1", "1-2", "B")
    for name in ("idVendor", "idProduct", "serial"):
        (machine.root / "sys/devices/usb1/1-1" / name).unlink()
    (machine.root / "dev/ttyUSB0").unlink()
    assert [p.device for p in machine.ports()] == [f"{machine.dev}/ttyUSB1"]


def test_a_hostile_product_name_is_made_printable(machine):
    """A device cannot write escape sequences to whoever lists it."""
    machine.usb("ttyUSB0", "1-1", "\x1b[2J\x00", product="evil\x1b]0;x\x07\u202e" + "x" * 500, by_id="usb-x")
    text = machine.port("ttyUSB0").description
    assert text.isprintable()
    assert len(text) < 200


def test_the_stable_path_of_a_bare_device(machine):
    """A bare device is found again by its by-id path; a link is the user's own choice and stays."""
    machine.usb("ttyUSB0", "1-1", "A")
    by_id = f"{machine.dev}/serial/by-id/usb-1a86_USB_Serial_A-if00-port0"
    by_path = f"{machine.dev}/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0"
    assert machine.stable(f"{machine.dev}/ttyUSB0") == by_id
    assert machine.stable(by_path) == by_path
    assert machine.stable("/nowhere/ttyUSB0") == "/nowhere/ttyUSB0"


def test_who_holds_a_port(machine):
    """A port's holder is named, and its own name cannot do harm."""
    machine.usb("ttyUSB0", "1-1", "A")
    machine.usb("ttyUSB1", "1-2", "B")
    machine.process(17, "mini\x1bcom", "/dev/null", f"{machine.dev}/ttyUSB0")
    machine.process(18, "bystander", "/dev/null")
    assert holders(f"{machine.dev}/ttyUSB0", machine.root / "proc") == [Holder(17, "mini?com")]
    assert machine.port("ttyUSB0").holder == Holder(17, "mini?com")
    assert machine.port("ttyUSB1").holder is None


def test_a_holder_of_another_user_is_known_by_its_lock(machine):
    """Where another user's descriptors are hidden, the table of locks names the process, and none that waits."""
    machine.usb("ttyUSB0", "1-1", "A")
    machine.process(17, "gateway")
    machine.process(18, "late")
    found = os.stat(f"{machine.dev}/ttyUSB0")
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    lines = f"1: FLOCK  ADVISORY  WRITE 17 {place} 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 18 {place} 0 EOF\n"
    (machine.root / "proc/locks").write_text(lines)
    assert holders(f"{machine.dev}/ttyUSB0", machine.root / "proc") == [Holder(17, "gateway")]
    assert machine.port("ttyUSB0").holder == Holder(17, "gateway")


def test_a_real_holder_is_found():
    """A process that has a real pseudo-terminal open is found by /proc, by its descriptor and by its lock."""
    main, other = os.openpty()
    path = os.ttyname(other)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, stderr=other
    ) as child:
        os.close(other)
        assert Holder(child.pid, Path(f"/proc/{child.pid}/comm").read_text().strip()) in holders(path)
        assert child.stdin is not None
        child.stdin.close()
    assert child.pid not in [holder.pid for holder in holders(path)]
    os.close(main)


def test_a_node_is_new_after_a_replug(tmp_path):
    """A path that names another device than before, or none, is told by its node."""
    first, other = os.openpty()
    second, another = os.openpty()
    link = tmp_path / "board"
    link.symlink_to(os.ttyname(other))
    before = node(str(link))
    assert before == node(os.ttyname(other))
    link.unlink()
    assert node(str(link)) is None
    link.symlink_to(os.ttyname(another))
    assert node(str(link)) not in (before, None)
    for fd in (first, other, second, another):
        os.close(fd)


@pytest.mark.parametrize(
    "path, name",
    [
        ("/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0", "usb-1a86_USB_Serial-if00-port0"),
        ("/dev/ttyUSB0", "ttyUSB0"),
        ("/dev/serial/by-path/pci-0:1.0", "pci-0-1-0-"),
        ("/dev/serial/by-id/usb-evil/../\x1b[2J#+", "--2J---"),
    ],
)
def test_a_board_is_named_after_its_path(path, name):
    """A board's name has letters, digits, - and _ only."""
    assert board_name(path).startswith(name)
    assert set(board_name(path)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_two_paths_are_two_names():
    """Paths that differ only in what a name cannot hold still give two names."""
    assert board_name("/p/usb-0:1.1") != board_name("/p/usb-0.1:1")


@pytest.mark.parametrize(
    ("comm", "cmdline", "name"),
    [
        ("cat", "cat\0/dev/x", "cat"),
        ("python3.11", "/usr/bin/python3\0-m\0gateway\0run\0", "gateway"),
        ("python", "python\0/opt/logger.py\0/dev/x\0", "logger.py"),
        ("python", "python\0-c\0print()\0", "python"),
        ("python", "", "python"),
        ("", "", "unknown program"),
    ],
)
def test_a_program_is_called_as_its_user_calls_it(tmp_path, comm, cmdline, name):
    """A port's holder is named by its program; where that is Python, by what Python runs."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7/comm").write_text(comm + "\n")
    (tmp_path / "7/cmdline").write_text(cmdline)
    assert program(7, tmp_path) == name
