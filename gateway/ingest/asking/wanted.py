"""Which registers of a Modbus unit are read: those of temperatures, and of what `also` asks for. Pure."""

from ...asks import Modbus, Register
from ...model import Board, FormatOptions
from ..asked_for import Asked
from ..quantities import unit


def wanted(modbus: Modbus, options: FormatOptions) -> list[tuple[Register, str]]:
    """The registers, each with the unit in which its value is published."""
    asked = Asked(options)
    out = []
    for register in modbus.registers:
        published = asked.unit(register.name, unit(register.unit) or register.unit)
        if published is not None:
            out.append((register, published))
    return out


def unread(board: Board) -> list[str]:
    """The names of registers that a board has and that are not read."""
    if board.modbus is None:
        return []
    read = {register.name for register, _ in wanted(board.modbus, board.options)}
    return [register.name for register in board.modbus.registers if register.name not in read]
