"""One pseudo-terminal: the board keeps the master, a reader opens the slave. Bytes, and who listens at what rate."""

import fcntl
import os
import select
import struct
import termios
import tty
from contextlib import suppress
from pathlib import Path

UNSET = 50  # baud of a fresh port: no board has it, so any other was chosen by a reader; it stays, as on any tty
_TCGETS2 = 0x802C542A  # termios2 of x86, ARM and RISC-V: the only call that tells a rate such as 250000
_TERMIOS2 = struct.Struct("4IB19s2I")  # flags, line, characters, input rate, output rate


class Wire:
    """An open pseudo-terminal in raw mode, with a link to it where one is asked for.

    avoid: the path of a port that this one must not be (the kernel gives a free number again at once).
    Raises OSError when the machine has no pseudo-terminal left or the link cannot be made.
    """

    def __init__(self, link: Path | None = None, avoid: str = "") -> None:
        self.fd, self.device = _pty(avoid)
        self.link = link
        self._poll = select.poll()
        self._poll.register(self.fd, 0)
        if link is not None:
            try:
                _point(link, self.device)
            except OSError:
                os.close(self.fd)
                raise

    @property
    def path(self) -> str:
        """Where a reader opens it: the link, or the device when there is none."""
        return self.device if self.link is None else str(self.link)

    def heard(self) -> int | None:
        """The input rate that the reader chose, 0 when it chose none yet, None when nobody has the port open."""
        if self._poll.poll(0):
            return None
        raw = bytearray(_TERMIOS2.size)
        fcntl.ioctl(self.fd, _TCGETS2, raw)
        rate = int(_TERMIOS2.unpack(raw)[6])
        return 0 if rate == UNSET else rate

    def write(self, data: bytes | memoryview) -> int:
        """Writes what there is room for, and says how many bytes that was. Never waits."""
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    def read(self) -> bytes:
        """What the reader has sent to the board since, at most 4 kB; b"" when it sent nothing."""
        try:
            return os.read(self.fd, 4096)
        except OSError:  # EAGAIN: nothing; EIO: the reader is gone
            return b""

    def close(self) -> None:
        """Hangs the reader up: the port vanishes, and its link with it."""
        if self.link is not None:
            with suppress(FileNotFoundError):
                if str(self.link.readlink()) == self.device:
                    self.link.unlink()
        os.close(self.fd)


def _pty(avoid: str) -> tuple[int, str]:
    """A master that does not block, and the path of its slave. That was open and is closed: so the master hangs up."""
    master, slave = os.openpty()
    device = os.ttyname(slave)
    if device == avoid:
        try:
            return _pty("")
        finally:
            os.close(master)
            os.close(slave)
    tty.setraw(slave, termios.TCSANOW)
    settings = termios.tcgetattr(slave)
    settings[4] = settings[5] = termios.B50
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    os.close(slave)
    os.set_blocking(master, False)
    return master, device


def _point(link: Path, device: str) -> None:
    """Points `link` at `device` in one step, as udev does."""
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(device)
    fresh.replace(link)
