"""How tasks and answers travel over a socket: framed, cut anywhere, put together again. No I/O."""

from struct import Struct

HEADER = Struct("!QI")  # the task's number, which its answer repeats; bytes that follow
LARGEST = 1 << 27  # bytes; a task or an answer that says it is longer is none of ours
PIECE = 1 << 18  # bytes read or written at once
READY = 0  # "are you there?", and a worker's answer, its first message too: no bytes, or why it is of no use


def room() -> memoryview:
    """Where a piece is received, each over the one before: memory taken for each of them leaves ever more holes."""
    return memoryview(bytearray(PIECE))


class Nonsense(Exception):
    """Bytes that are no message, or not the one that is due."""


def framed(number: int, data: bytes) -> bytes:
    """`data` as it travels."""
    return HEADER.pack(number, len(data)) + data


class Inbox:
    """Bytes in, whole messages out. Holds at most one message that is not complete, of at most `largest` bytes."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._rest = bytearray()
        self._largest = largest

    def feed(self, piece: bytes | memoryview) -> list[tuple[int, bytes]]:
        """The messages that `piece` completes: (number, data). Raises Nonsense when no message can begin so."""
        self._rest += piece
        out = []
        while len(self._rest) >= HEADER.size:
            number, size = HEADER.unpack_from(self._rest)
            if size > self._largest:
                raise Nonsense(f"a message of {size} bytes")
            end = HEADER.size + size
            if len(self._rest) < end:
                break
            with memoryview(self._rest) as view:
                out.append((number, bytes(view[HEADER.size : end])))
            del self._rest[:end]
        return out
