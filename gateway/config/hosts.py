"""What the keys of [web] take: where it listens, and the names of hosts."""

import re

from . import keys
from .values import texts
from .words import wanted


def listen(value: object) -> str:
    """host:port; "" is nowhere."""
    return "" if value == "" else keys.listen(value)


def names(value: object) -> tuple[str, ...]:
    """Names of hosts, without a port."""
    found = texts(value)
    for name in found:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
            raise wanted('names of hosts alone, such as ["gateway.example.com"],', name)
    return found
