"""What may be under way: the bounds of the street, and which ports are not read for the moment. Pure.

Only a port whose sender waits (a pseudo-terminal, a socket) is ever held: a UART goes on sending, and what it sends into
a full kernel buffer is lost uncounted. And only while the broker takes what it is sent: in an outage readings are kept
as long as there is room, and then shed with a count.
"""

WAITING = 100_000  # readings that wait in memory while the broker is away
HIGH, LOW = 2000, 1000  # readings of a board under way at which its port is held, and let go


def holds(under_way: int, held: bool, *, sender_waits: bool, moving: bool) -> bool:
    """Whether the port is to be held. held: whether it is; moving: whether the broker takes what it is sent."""
    return sender_waits and moving and under_way > (LOW if held else HIGH)
