"""What keys take that name places in a network: where the page listens, names of hosts, a cluster's scheduler."""

import re

from . import keys
from .values import address, joined, texts
from .words import Unfit, wanted

SCHEDULER = 8786  # the port of Dask's, where none is said


def listen(value: object) -> str:
    """host:port; "" is nowhere."""
    return "" if value == "" else keys.listen(value)


def cluster(value: object) -> str:
    """tcp://host[:port] or tls://host[:port], completed; "" is none."""
    if value == "":
        return ""
    scheme, separator, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if "@" in rest or "@" in scheme:
        raise Unfit("no user and no password may stand here; tls:// and certificates say who is who")
    if scheme not in ("tcp", "tls") or not separator:
        raise wanted('"tcp://host:8786", "tls://host:8786" or "" for none', value)
    rest = rest.removesuffix("/")
    place = rest if re.search(r":[^\]:]*$", rest) else f"{rest}:{SCHEDULER}"
    return f"{scheme}://" + joined(*address(place))


def names(value: object) -> tuple[str, ...]:
    """Names of hosts, without a port."""
    found = texts(value)
    for name in found:
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
            raise wanted('names of hosts alone, such as ["gateway.example.com"],', name)
    return found
