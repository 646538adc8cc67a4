"""Who we are on the broker: the topics of a gateway, a board and a sensor, and how their messages are written."""

from dataclasses import dataclass

from ..names import level


@dataclass(frozen=True, slots=True)
class Naming:
    """One run of one gateway."""

    gateway: str
    prefix: str
    run: str
    rows: bool = False  # a message a batch instead of one a reading

    @property
    def base(self) -> str:
        """The gateway's own topic, without its last level."""
        return f"{self.prefix}/{level(self.gateway)}"

    def board(self, name: str) -> str:
        """A board's topic, without its last level."""
        return f"{self.base}/{level(name)}"

    def sensor(self, board: str, name: str) -> str:
        """A sensor's topic, without its last level."""
        return f"{self.board(board)}/{level(name)}"
