"""What one should know of a board's path, such as that two adapters share one name."""

from collections.abc import Callable

from ..model import Board
from ..threads import tried
from .identity import serial_port


async def noted(board: Board, event: Callable[..., None]) -> None:
    """Tells of it, where there is something to know."""
    port = await tried(lambda: serial_port(board.port.path), "note", None)
    if port is not None and port.note:
        event("port.note", board=board.name, port=port.path, note=port.note)
