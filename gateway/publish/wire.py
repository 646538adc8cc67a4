"""The socket under the MQTT client. The client sees a socket; PUBLISH and PUBACK pass it by on the way.

Whatever is written goes out whole and in order, so that the client's own packets and ours never mix. Nothing blocks.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple

from ..gathering import be_patient
from ..tls import why as of_tls
from .packets import Ack, Incoming, ProtocolError

PIECE = 1 << 16  # bytes read at once
RECORDS, RECORD = 256, 1 << 14  # of TLS taken at once, as mosquitto makes one of each acknowledgement; bytes of one
QUICK = getattr(socket, "TCP_QUICKACK", None)  # Linux has it
HIGH = 1 << 18  # bytes waiting for the broker's TCP window, beyond which we give it no more


class Ears(NamedTuple):
    """Who hears of what happens on a wire.

    acked: gets acknowledgements, several at once. packets: `recv` has something for the library. drained: all that
    was written has left, after it had to wait. lost: the connection is gone, with a sentence; at most once. heard: gets
    messages of QoS 0, several at once; None: they are the library's.
    """

    acked: Callable[[list[Ack]], None]
    packets: Callable[[], None]
    drained: Callable[[], None]
    lost: Callable[[str], None]
    heard: Callable[[list[tuple[str, bytes]]], None] | None = None


class Wire:
    """A connected socket, shared by the client's library and the data path. v5: the version that is spoken."""

    def __init__(self, sock: socket.socket, ears: Ears, v5: bool = True) -> None:
        self._sock, self._ears = sock, ears
        self._incoming = Incoming(v5 if ears.heard is not None else None)
        self._for_library = bytearray()
        self._out = bytearray()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waits = False  # for the broker's TCP window
        self._left = False  # by the library
        self._patient = False
        self._closed = False
        self._quick = QUICK if sock.family in (socket.AF_INET, socket.AF_INET6) else None

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
        self.write(data)
        return len(data)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """Part of what the library expects of a socket."""
        self._sock.setblocking(flag)

    def close(self) -> None:
        """The library is done. What was written, its goodbye last, still leaves; then it is for the broker to close."""
        self._left = True
        self._for_library.clear()
        if self._loop is None:
            self.abort()

    # what the data path calls

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From here on the loop moves the bytes; before, a thread has made the connection."""
        self._loop = loop
        self._sock.setblocking(False)
        loop.add_reader(self._sock.fileno(), self._readable)
        self._flush()

    def write(self, data: bytes | bytearray) -> None:
        """Sends whole packets."""
        if self._closed:
            return
        self._out += data
        if self._loop is not None and not self._waits:
            self._flush()

    def be_patient(self, patient: bool) -> None:
        """What the broker says may wait a moment, for other things that come, or may not: somebody waits for it."""
        if patient is not self._patient and not self._closed:
            self._patient = patient
            be_patient(self._sock.fileno(), patient)

    def abort(self) -> None:
        """Closes the socket at once; nobody is told."""
        if self._closed:
            return
        self._closed = True
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._loop.remove_writer(self._sock.fileno())
        self._sock.close()

    @property
    def waiting(self) -> bool:
        """Whether `recv` has packets to give."""
        return bool(self._for_library)

    @property
    def room(self) -> int:
        """How many bytes more it should be given for now; 0 or less: the broker does not take what is written."""
        return HIGH - len(self._out)

    @property
    def empty(self) -> bool:
        """Whether all that was written has left."""
        return not self._out

    def _writable(self) -> None:
        self._flush()
        if not self._out and not self._closed:
            self._ears.drained()

    def _flush(self) -> None:
        assert self._loop is not None
        try:
            while self._out:
                del self._out[: self._sock.send(self._out)]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            if not self._waits:
                self._waits = True
                self._loop.add_writer(self._sock.fileno(), self._writable)
        except OSError as error:
            self._loop.call_soon(self._broken, _why(error))  # soon: whoever writes is in the middle of something
        else:
            if self._waits:
                self._waits = False
                self._loop.remove_writer(self._sock.fileno())

    def _readable(self) -> None:
        """What is there, and no more than that, so that a broker that never stops does not keep the loop; more of it
        calls again. What came before an error counts.
        """
        data, failed, ended = bytearray(), None, False
        try:
            for _ in range(RECORDS if isinstance(self._sock, ssl.SSLSocket) else 1):
                if not (piece := self._sock.recv(PIECE)):
                    ended = True
                    break
                data += piece
                if len(data) > PIECE - RECORD:  # a record is taken whole: its rest would wake nobody
                    break
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not data:
                return
        except OSError as error:
            failed = error
        try:
            if data:
                self._hear(bytes(data))
                self._confirm()
        except ProtocolError as error:
            self._gone(str(error))
        if failed is not None:
            self._gone(_why(failed))
        elif ended:
            self._gone("the broker closed the connection")

    def _confirm(self) -> None:
        """Has the kernel say at once that all has come, where it would wait 40 ms for something to send along.

        A broker with Nagle's algorithm on (RFC 896), as mosquitto has it, keeps its next acknowledgements back until
        then. The kernel forgets the option (tcp(7)), so it is set each time.
        """
        if self._quick is not None and not self._closed:
            self._sock.setsockopt(socket.IPPROTO_TCP, self._quick, 1)

    def _hear(self, data: bytes) -> None:
        acks, others = self._incoming.feed(data)
        if acks:
            self._ears.acked(acks)
        if self._incoming.messages and self._ears.heard is not None:
            messages, self._incoming.messages = self._incoming.messages, []
            self._ears.heard(messages)
        if others and not self._left and not self._closed:
            self._for_library += others
            self._ears.packets()

    def _broken(self, why: str) -> None:
        """It takes nothing more; its last words, which may say why, are still read."""
        if not self._closed:
            self._readable()
        self._gone(why)

    def _gone(self, why: str) -> None:
        if not self._closed:
            self.abort()
            self._ears.lost(why)


def _why(error: OSError) -> str:
    return of_tls(error) if isinstance(error, ssl.SSLError) else f"the connection broke ({error.strerror or error})"
