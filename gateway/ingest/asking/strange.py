"""A port whose boards nobody knows: how it is asked, and a Modbus unit that has answered there. Values only."""

from dataclasses import dataclass, field
from typing import Protocol

from ...asks import Register
from ...model import Sample
from .endings import Piece


class Whole(Protocol):
    """Tells whether an answer is whole."""

    def find(self, data: bytes) -> Piece | None:
        """Where it is; None while it is not."""
        ...


class Line(Protocol):
    """A port that is asked."""

    @property
    def over(self) -> bool:
        """Whether no more is to be asked for: the time is up."""
        ...

    @property
    def has_rate(self) -> bool:
        """Whether it can be tuned; else it is at a rate that nobody knows."""
        ...

    async def tune(self, baud: int, serial: str) -> bool:
        """Is at another rate from now on; False where the port does not take it."""
        ...

    async def ask(self, data: bytes, ending: Whole | None, wait: float) -> bytes:
        """Writes `data`. Gives what came until that was whole, or until `wait` s were over."""
        ...

    def say(self, text: str) -> None:
        """Tells whoever waits what is being done."""
        ...


@dataclass
class Unit:
    """A Modbus unit that has answered. raw: the registers that it gave, by (kind, number)."""

    unit: int
    raw: dict[tuple[str, int], int] = field(default_factory=dict)
    preset: str = ""
    registers: tuple[Register, ...] = ()  # that are temperatures: the preset's, or guesses
    samples: list[Sample] = field(default_factory=list)
