"""Modbus RTU: the bytes of a request for registers, and what is in an answer. The only door to pymodbus.

    01 04 0001 0002 200b        unit, function (3 holding, 4 input), first register, how many, CRC
    01 04 04 0131 0222 2ace     unit, function, bytes that follow, the registers, CRC
    01 84 02 c2c1               unit, function + 80, exception code, CRC

Its framer and its messages alone are used, without its clients: those own the port and the time, and here the port is
shared with the rest of the gateway and time is the asker's. Source: Modbus over Serial Line, Specification and
Implementation Guide V1.02; Modbus Application Protocol Specification V1.1b3 (modbus.org).
"""

from typing import NamedTuple

from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from ...model import Refusal, Why
from .endings import QUIET, Piece

MOST = 125  # registers of one request
REQUESTS = {"holding": ReadHoldingRegistersRequest, "input": ReadInputRegistersRequest}
EXCEPTIONS = {
    1: "it does not know this function",
    2: "it has no such register",
    3: "it does not take this number of registers",
    4: "it has failed",
    5: "it needs longer",
    6: "it is busy",
    8: "its memory is damaged",
    10: "the way to it is not there",
    11: "what is behind the converter does not answer",
}
"""What a unit means by its exception codes."""

_framer = FramerRTU(DecodePDU(False))


class Request(NamedTuple):
    """Registers of one unit that are read at once."""

    unit: int
    kind: str  # holding | input
    at: int
    many: int  # at most MOST

    @property
    def function(self) -> int:
        """As it stands in the frame."""
        return REQUESTS[self.kind].function_code

    @property
    def size(self) -> int:
        """Bytes of the answer."""
        return 5 + 2 * self.many


def written(request: Request) -> bytes:
    """The request as it is sent."""
    message = REQUESTS[request.kind](dev_id=request.unit, address=request.at, count=request.many)
    return _framer.buildFrame(message)


class Exceptional(NamedTuple):
    """The unit says why it gives no registers."""

    code: int


def read(request: Request, frame: bytes) -> tuple[int, ...] | Exceptional | Refusal:
    """What stands in an answer: the registers asked for, an exception, or why it is none."""
    if len(frame) < FramerRTU.MIN_SIZE:
        return Refusal(Why.BAD_FRAME, frame)
    if _holds(frame):
        unit, function = frame[0], frame[1]
        if unit != request.unit or function & 0x7F != request.function:
            return Refusal(Why.WRONG_ANSWER, frame)
        message = _framer.decoder.decode(frame[1:-2])
        if function & 0x80 and message is not None:
            return Exceptional(message.exception_code) if len(frame) == 5 else Refusal(Why.BAD_FRAME, frame)
        if message is not None and len(frame) == request.size and len(message.registers) == request.many:
            return tuple(message.registers)
        return Refusal(Why.BAD_FRAME, frame)
    whole = len(frame) == request.size and frame[0] == request.unit and frame[1] == request.function
    return Refusal(Why.BAD_CHECKSUM if whole or len(frame) == 5 else Why.BAD_FRAME, frame)


def _holds(frame: bytes) -> bool:
    return FramerRTU.compute_CRC(frame[:-2]) == int.from_bytes(frame[-2:], "big")


class Answer:
    """The ending of the answer to a request: where a frame of its unit and function holds, whatever is around it."""

    quiet = QUIET

    def __init__(self, request: Request) -> None:
        self._heads = {
            bytes([request.unit, request.function, 2 * request.many]): request.size,
            bytes([request.unit, request.function | 0x80]): 5,
        }

    def find(self, data: bytes) -> Piece | None:
        """The first frame that holds."""
        for head, size in self._heads.items():
            at = data.find(head)
            while at >= 0 and at + size <= len(data):
                if _holds(data[at : at + size]):
                    return Piece(at, at + size)
                at = data.find(head, at + 1)
        return None

    def open(self, tail: bytes) -> bool:
        """A silence parts frames."""
        return False
