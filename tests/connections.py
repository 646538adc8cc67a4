"""Where a broker on loopback is, and the will of who connects to it, for tests of connections."""

from gateway.publish.broker import Where, Will

WILL = Will("gw/g/status", b'{"state":"offline"}')


def where(port, *, v5=True, **more):
    """A broker on loopback."""
    return Where("127.0.0.1", port, "gateway-g", v5=v5, **more)
