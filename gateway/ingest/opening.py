"""Opens a port away from the loop, set as its table says, and locked against programs that ask.

A port that hangs holds up neither the loop nor the others. Whatever goes wrong leaves this file as one sentence.
"""

import errno
import stat
import termios
from pathlib import Path

from ..model import Port
from ..threads import in_thread
from .dial import SCHEME, dial
from .ports import Handle, Line
from .settings import settings
from .trouble import PortError, errno_of, trouble


async def opened(port: Port) -> Handle:
    """`open_port` in a thread of its own, so that a port which hangs holds up neither the loop nor the others.

    Raises PortError. What still opens after the caller has given up is closed.
    """
    try:
        return await in_thread(lambda: open_port(port), f"open {port.path}", lambda handle: handle.close())
    except PortError:
        raise
    except BlockingIOError as error:
        raise PortError(f"{port.path} cannot be opened: {error.strerror}") from error
    except Exception as error:  # one board's fault stays there, whatever it is
        raise PortError(f"{port.path} cannot be opened, by a mistake of the gateway's own: {error!r}") from error


def open_port(port: Port) -> Handle:
    """The port, open, set, and locked against programs that ask. Blocks, at times for seconds. Raises PortError."""
    if port.path.startswith(SCHEME):
        return dial(port.path)
    try:
        line = _line(port)
        if not stat.S_ISCHR(Path(port.path).stat().st_mode):  # opening a FIFO would wait, and a file is no board
            raise PortError(trouble(port.path, errno.ENOTTY, ""))
        line.open()
    except (OSError, ValueError, termios.error) as error:
        raise PortError(trouble(port.path, errno_of(error), str(error))) from error
    return line


def _line(port: Port) -> Line:
    """The device, set and not yet open."""
    line = Line()
    line.port, line.baudrate, line.exclusive = port.path, port.baud, True
    line.bytesize, line.parity, line.stopbits = settings(port.serial)
    line.timeout = line.write_timeout = 0.0
    line.inter_byte_timeout = 0.0  # the library's way to say VMIN = 1: an empty read is then a hang-up and nothing else
    # before the open, which sets both: DTR resets many boards, and with RTS it takes some to their bootloader
    if port.dtr is not None:
        line.dtr = port.dtr
    if port.rts is not None:
        line.rts = port.rts
    return line
