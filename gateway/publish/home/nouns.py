"""The nouns of what Home Assistant is told: gateway, board and sensor as they are announced, and the messages."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..naming import Naming
from .spelling import ident


@dataclass(frozen=True, slots=True)
class Sensor:
    """What is known of a sensor that has spoken. keys: its features, beside `value`; quantity: what its name says."""

    name: str
    unit: str
    quantity: str
    keys: tuple[str, ...]
    alarm: bool = False  # whether it has an alarm's document


@dataclass(frozen=True, slots=True)
class Board:
    """A board as it is announced. slots: the sensors in the order in which they were first heard, None for one that
    has left: so none of the others moves to another message. kind: of which kind the board is, as far as known.
    """

    name: str
    slots: tuple[Sensor | None, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One gateway as Home Assistant has it: the ids and the topics of all that it announces."""

    naming: Naming

    @property
    def node(self) -> str:
        """Of the gateway's device; all its ids begin with it."""
        return f"gateway-{ident(self.naming.gateway)}"

    def board(self, name: str) -> str:
        """Of a board's device."""
        return f"{self.node}--{ident(name)}"

    @property
    def status(self) -> str:
        """The topic of the gateway's document."""
        return f"{self.naming.base}/status"


@dataclass(slots=True)
class Pages:
    """messages: by topic, the gateway's first. left_out: sensors that no message has room for."""

    messages: dict[str, bytes] = field(default_factory=dict)
    components: dict[str, dict[str, str]] = field(default_factory=dict)  # by topic: their ids and platforms
    left_out: int = 0


def topic(prefix: str, node: str, *more: str) -> str:
    """Where a message is retained."""
    return "/".join((prefix, "device", node, *more, "config"))
