"""What the log is told of what a broker does not offer."""

from gateway.telling.told_broker import BrokerTold
from tests.looks import look


def test_once_and_again_when_it_has_changed():
    """Reconnects to the same broker are no news; another lack is, and so is one that offers everything."""
    events = []
    one = BrokerTold(lambda name, **fields: events.append((name, fields)))

    def tell(now, lacking, *, connected=True):
        seen = look()
        one.tell(look(broker={**seen.broker, "connected": connected, "lacking": lacking}), now)

    tell(0.0, None)
    for now in (1.0, 2.0):
        tell(now, "it takes no will")
        tell(now + 0.5, None, connected=False)
    tell(3.0, "it takes QoS 0 only")
    tell(4.0, None, connected=False)
    tell(5.0, None)
    tell(6.0, None)
    assert events == [
        ("broker.lacking", {"why": "it takes no will"}),
        ("broker.lacking", {"why": "it takes QoS 0 only"}),
        ("broker.able", {"after_s": 4.0}),
    ]
