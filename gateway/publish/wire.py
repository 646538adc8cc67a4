"""The socket under the MQTT client. The client sees a socket; PUBLISH and PUBACK pass it by on the way.

Whatever is written goes out whole and in order, so that the client's own packets and ours never mix. Nothing blocks.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

from .packets import Ack, Incoming, ProtocolError

PIECE = 1 << 16  # bytes read at once
HIGH = 1 << 18  # bytes waiting for the broker's TCP window, beyond which we give it no more


class Wire:
    """A connected socket, shared by the client's library and the data path.

    acked: gets acknowledgements, several at once. packets: called when `recv` has something for the library.
    lost: called once, with a sentence, when the connection is gone.
    """

    def __init__(
        self,
        sock: socket.socket,
        acked: Callable[[list[Ack]], None],
        packets: Callable[[], None],
        lost: Callable[[str], None],
    ) -> None:
        self._sock = sock
        self._acked, self._packets, self._lost = acked, packets, lost
        self._incoming = Incoming()
        self._for_library = bytearray()
        self._out = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    # what the library calls

    def recv(self, size: int) -> bytes:
        """Bytes of packets that are the library's."""
        if not self._for_library:
            if self._closed:
                return b""
            raise BlockingIOError
        out = bytes(self._for_library[:size])
        del self._for_library[:size]
        return out

    def send(self, data: bytes | bytearray) -> int:
        """Takes all of `data`; it leaves with what else is waiting."""
        self._out += data
        if self._loop is not None:
            self._flush()
        return len(data)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """Part of what the library expects of a socket."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """Closes the socket; nobody is told."""
        if self._closed:
            return
        self._closed = True
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._loop.remove_writer(self._sock.fileno())
        self._sock.close()

    # what the data path calls

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From here on the loop moves the bytes; before, a thread has made the connection."""
        self._loop = loop
        self._sock.setblocking(False)
        loop.add_reader(self._sock.fileno(), self._readable)
        self._flush()

    def write(self, data: bytes) -> None:
        """Sends whole packets."""
        if not self._closed:
            self._out += data
            self._flush()

    @property
    def waiting(self) -> bool:
        """Whether `recv` has packets to give."""
        return bool(self._for_library)

    @property
    def full(self) -> bool:
        """Whether the broker does not take what is written."""
        return len(self._out) >= HIGH

    @property
    def empty(self) -> bool:
        """Whether all that was written has left."""
        return not self._out

    def _flush(self) -> None:
        assert self._loop is not None
        try:
            while self._out and not self._closed:
                del self._out[: self._sock.send(self._out)]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            self._loop.add_writer(self._sock.fileno(), self._flush)
            return
        except OSError as error:
            self._loop.call_soon(self._gone, _why(error))  # soon: whoever writes is in the middle of something
            return
        if not self._closed:
            self._loop.remove_writer(self._sock.fileno())

    def _readable(self) -> None:
        try:
            while True:
                data = self._sock.recv(PIECE)
                if not data:
                    return self._gone("the broker closed the connection")
                acks, others = self._incoming.feed(data)
                if others:
                    self._for_library += others
                if acks:
                    self._acked(acks)
                if others:
                    self._packets()
                if self._closed or (len(data) < PIECE and not isinstance(self._sock, ssl.SSLSocket)):
                    return None
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ProtocolError as error:
            return self._gone(str(error))
        except OSError as error:
            return self._gone(_why(error))

    def _gone(self, why: str) -> None:
        if self._closed:
            return
        self.close()
        self._lost(why)


def _why(error: OSError) -> str:
    return f"the connection broke ({error.strerror or error})"
