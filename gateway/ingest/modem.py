"""What the kernel knows and does about an open line beside its bytes: DTR, HUPCL, and how many bytes it has lost.

Each call takes the descriptor of a tty, and may take its driver's time: a USB adapter is asked over the bus. Only
`losses` is answered by the kernel from its memory, and may be called on the loop.
"""

import errno
import fcntl
import struct
import termios
import time
from typing import NamedTuple

DTR = struct.pack("I", termios.TIOCM_DTR)
PULSE = 0.25  # s; longer than any capacitor between DTR and a reset takes, and than USB adapters round to
GET_COUNTERS = 0x545D  # TIOCGICOUNT, which termios does not name
COUNTERS = struct.Struct("20i")  # cts dsr rng dcd rx tx frame overrun parity brk buf_overrun, and nine more
GET_SETTINGS, SET_SETTINGS = 0x802C542A, 0x402C542B  # TCGETS2 and TCSETS2 of x86, ARM and RISC-V: they keep any rate
SETTINGS = struct.Struct("4I28x")  # input, output and control flags, and what stays as it is


class Losses(NamedTuple):
    """What a line has lost or garbled since its driver was loaded."""

    overruns: int  # bytes, or runs of bytes, that nobody fetched in time
    errors: int  # bytes that came with a wrong frame or parity, and were handed up all the same


def losses(fd: int) -> Losses | None:
    """The driver's counters; None where it keeps none, as for a pseudo-terminal."""
    raw = bytearray(COUNTERS.size)
    try:
        fcntl.ioctl(fd, GET_COUNTERS, raw)
    except OSError:
        return None
    _, _, _, _, _, _, frame, overrun, parity, _, buffers, *_ = COUNTERS.unpack(raw)
    return Losses(overrun + buffers, frame + parity)


def pulse(fd: int) -> bool:
    """Lowers DTR for a moment and raises it again, which restarts many boards.

    False where the port has no such line. A device that has just gone is told of by its reads.
    """
    try:
        fcntl.ioctl(fd, termios.TIOCMBIC, DTR)
        time.sleep(PULSE)
        fcntl.ioctl(fd, termios.TIOCMBIS, DTR)
    except OSError as error:
        return error.errno not in (errno.ENOTTY, errno.EINVAL)
    return True


def hold(fd: int) -> bool:
    """Has the next close leave DTR and RTS as they are, so that it restarts no board. Whether that was otherwise."""
    return _hang_up_on_close(fd, wanted=False)


def release(fd: int) -> bool:
    """Has closes drop DTR and RTS again. Whether that was otherwise."""
    return _hang_up_on_close(fd, wanted=True)


def _hang_up_on_close(fd: int, *, wanted: bool) -> bool:
    raw = bytearray(SETTINGS.size)
    try:
        fcntl.ioctl(fd, GET_SETTINGS, raw)
        arriving, leaving, control, local = SETTINGS.unpack(raw)
        if bool(control & termios.HUPCL) is wanted:
            return False
        struct.pack_into("4I", raw, 0, arriving, leaving, control ^ termios.HUPCL, local)
        fcntl.ioctl(fd, SET_SETTINGS, raw)
    except OSError:
        return False
    return True
