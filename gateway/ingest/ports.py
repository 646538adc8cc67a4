"""The only door to the serial library: a port under way, whose bytes go to a callback on the loop.

A port is a device, or the socket of a serial server (`socket://host:port`); `opening.py` opens it. Closing can take
seconds, so it has a thread of its own. Whatever goes wrong leaves this file as one sentence.
"""

import asyncio
import contextlib
import os
import select
import socket
import termios
import threading
from collections.abc import Callable
from concurrent.futures import Future

import serial  # type: ignore[import-untyped]
from serial_asyncio import connection_for_serial  # type: ignore[import-untyped]

from ..gathering import be_patient
from ..threads import in_thread, tried
from . import modem
from .identity import Device, device
from .settings import settings
from .trouble import PortError

READ_SIZE = 1 << 12  # bytes taken from a port in one turn of the loop: as many as a tty gives, then others have theirs
CLOSE_PATIENCE = 1.0  # s for a port to close before it is left to its thread


class Line(serial.Serial):  # type: ignore[misc]
    """An open device, fit for an event loop. What differs from the library's own, which is made for threads:

    read: its transport asks for 1 kB a wake-up, and its port makes a select() first, which fails beyond descriptor
    1023. One read() of what is there is enough, as the loop has just said that there is something.
    settings: its transport sets the timeouts once more, and the library then all settings, for which a slow adapter may
    take seconds, on the loop. The open has set them, in its thread.
    flush: its transport drains the output at the close, on the loop: for ever, where a board does not read.
    close: can wait for a broken adapter, so it gets a thread; `shut` tells the end.
    """

    def __init__(self) -> None:
        self.shut: Future[None] = Future()
        self.gentle = False  # the close leaves DTR and RTS as they are
        self.held = False  # it did, and dropped them before
        self._closing = False
        super().__init__()

    def read(self, size: int = READ_SIZE) -> bytes:
        """What has arrived, whatever was asked for. Raises SerialException when the device has gone, else nothing."""
        try:
            data = os.read(self.fd, READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return b""  # another program on the port was faster
        except (OSError, TypeError) as error:  # TypeError: the port is closed, its descriptor None
            raise serial.SerialException(f"reading failed: {error}") from error
        if not data:  # as VMIN is 1 (`_line`), only a port that hung up is ready and empty, and is so for ever
            raise serial.SerialException("the device hung up")
        return data

    def write(self, data: bytes) -> int:
        """Puts on the line what there is room for, and says how much that was. Raises SerialException.

        The library's own begins anew for ever, on the loop, when there is no room: a board that reads nothing.
        """
        try:
            return os.write(self.fd, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except (OSError, TypeError) as error:
            raise serial.SerialException(f"writing failed: {error}") from error

    def _reconfigure_port(self, force_update: bool = False) -> None:
        if force_update:  # as the open asks for it
            super()._reconfigure_port(force_update)

    def retune(self, baud: int, serial: str) -> None:
        """Goes on at another rate, with the port open; what came before is forgotten. Blocks. Raises OSError."""
        self._baudrate = baud
        self._bytesize, self._parity, self._stopbits = settings(serial)
        super()._reconfigure_port(True)
        termios.tcflush(self.fd, termios.TCIFLUSH)

    def flush(self) -> None:
        """Waits for nothing."""

    def close(self) -> None:
        """Gives the descriptors back, in a thread."""
        if self.is_open and not self._closing:
            self._closing = True
            try:
                threading.Thread(target=self._shut, name=f"close {self.name}", daemon=True).start()
            except RuntimeError:  # no thread can start: a moment of the loop is less than a port that stays ours
                self._shut()

    def _shut(self) -> None:
        try:
            self.held = self.gentle and modem.hold(self.fd)
            super().close()
        finally:
            self.shut.set_result(None)


Handle = Line | socket.socket
"""A port that is open and not yet read."""


class Link(asyncio.Protocol):
    """A port under way. `lost` is done when it has gone, with a text that says why. Made by `connect`."""

    def __init__(self, handle: Handle, received: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self._handle, self._counts = handle, True
        self.data_received = received  # type: ignore[assignment,method-assign]
        self.made: asyncio.Future[asyncio.Transport] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport calls this first, unless whoever waited for it has given up."""
        if not self.made.done():
            self.made.set_result(transport)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport calls this last, with the port still open: what waits behind a failed read is taken."""
        if exc is not None and isinstance(self._handle, Line):
            with contextlib.suppress(serial.SerialException):  # it has gone indeed
                if rest := self._handle.read():
                    self.data_received(rest)
        self.lost.set_result(str(exc) if exc else "the connection was closed")

    def write(self, data: bytes) -> None:
        """Sends `data`, without waiting. The only place that writes to a port, and only what is to be asked there.

        While bytes from before have found no room nothing is added to them: one that reads nothing is asked no more.
        """
        transport = self.made.result()
        if data and not (transport.is_closing() or transport.get_write_buffer_size()):  # of b"" it raises for ever
            transport.write(data)

    def pause(self) -> None:
        """Reads nothing more: the kernel's buffer fills, and then a board's bytes are lost or its server waits."""
        self.made.result().pause_reading()

    def resume(self) -> None:
        """Reads, and takes what comes here together with what comes on other ports."""
        self.made.result().resume_reading()
        if not self.lost.done():
            be_patient(self._handle.fileno())

    def hung_up(self) -> bool:
        """Whether the device has gone, which a paused link is not told. False for a socket: its rest is read first."""
        if isinstance(self._handle, socket.socket) or self.lost.done():
            return False
        poll = select.poll()
        poll.register(self._handle.fd, 0)
        return bool(poll.poll(0))  # nothing is asked for, so it tells of an error or a hang-up only

    def device(self) -> Device | None:
        """What is open; None for a socket."""
        return device(os.fstat(self._handle.fd)) if isinstance(self._handle, Line) and not self.lost.done() else None

    def losses(self) -> modem.Losses | None:
        """What the driver has counted as lost; None where it does not count, of which it is asked once."""
        if self._counts and isinstance(self._handle, Line) and not self.lost.done():
            found = modem.losses(self._handle.fd)
            self._counts = found is not None
            return found
        return None

    async def retune(self, baud: int, serial: str = "8N1") -> bool:
        """Is at another rate from now on. False where the port has none, as a socket. Raises PortError."""
        line = self._handle
        if not isinstance(line, Line):
            return False
        try:
            await in_thread(lambda: line.retune(baud, serial), f"retune {line.name}")
        except (OSError, ValueError, termios.error) as error:
            raise PortError(f"{line.name} does not take {baud} baud {serial}: {error}") from error
        return True

    async def pulse_dtr(self) -> bool | None:
        """Lowers DTR for a moment. False where the port has none; None: not now, as no thread can start."""
        return await self._aside(modem.pulse)

    async def release(self) -> bool | None:
        """Undoes what a gentle close has left, so that the next one is as the system does it. None: not now."""
        return await self._aside(modem.release)

    async def _aside(self, call: Callable[[int], bool]) -> bool | None:
        """Calls with a copy of the descriptor, in a thread: the port may be lost meanwhile, and its number reused."""
        if not isinstance(self._handle, Line):
            return False
        copy = os.dup(self._handle.fd)

        def work() -> bool:
            try:
                return call(copy)
            finally:
                os.close(copy)

        done = await tried(work, f"{call.__name__} {self._handle.name}", None)
        if done is None:
            os.close(copy)  # no thread has it
        return done

    async def close(self, *, gentle: bool = False) -> bool:
        """Closes the port, and waits until its descriptors are given back, or a second.

        gentle: DTR and RTS stay as they are. Gives whether there is something to `release` after the next open.
        """
        if gentle and isinstance(self._handle, Line):
            self._handle.gentle = True
        if not self.made.result().is_closing():
            self.made.result().abort()
        return await self.closed()

    async def closed(self) -> bool:
        """Waits like that for an end that was asked for; gives the same."""
        await asyncio.wait({self.lost})
        if isinstance(self._handle, Line):
            await asyncio.wait({asyncio.wrap_future(self._handle.shut)}, timeout=CLOSE_PATIENCE)
            return self._handle.held
        return False


class _Dialled(Link, asyncio.BufferedProtocol):
    """The link of a socket, which would else give 256 kB at once."""

    def __init__(self, handle: Handle, received: Callable[[bytes], None]) -> None:
        super().__init__(handle, received)
        self._piece = bytearray(READ_SIZE)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next bytes go."""
        return self._piece

    def buffer_updated(self, nbytes: int) -> None:
        """They have come."""
        self.data_received(bytes(self._piece[:nbytes]))


async def connect(handle: Handle, received: Callable[[bytes], None]) -> Link:
    """Starts to read `handle`: `received` gets the bytes, on the loop. Raises PortError; the handle is then closed."""
    loop = asyncio.get_running_loop()
    link = Link(handle, received) if isinstance(handle, Line) else _Dialled(handle, received)
    try:
        if isinstance(handle, Line):
            transport, _ = await connection_for_serial(loop, lambda: link, handle)
        else:
            transport, _ = await loop.create_connection(lambda: link, sock=handle)
    except (OSError, ValueError, termios.error) as error:
        handle.close()
        raise PortError(f"the port was lost in the moment that it opened: {error}") from error
    try:
        await link.made  # only then can it be paused: the serial transport begins to read in the loop's next round
        link.resume()
    except asyncio.CancelledError:
        transport.abort()
        await link.closed()
        raise
    return link
