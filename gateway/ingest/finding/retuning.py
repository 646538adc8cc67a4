"""Puts an open port to the rate at which its board is to be heard."""

from ..asking.talk import Talk
from ..hearing import Hearing
from ..ports import Link
from ..trouble import PortError


async def retuned(link: Link, hearing: Hearing | Talk, serial: str) -> int:
    """The rate that the port is at now: the one that was wanted, or the next that it takes."""
    while True:
        baud = hearing.baud
        try:
            await link.retune(baud, serial)
        except PortError:
            if link.lost.done():
                return baud
            hearing.untuned()
        else:
            hearing.tuned()
            return baud
