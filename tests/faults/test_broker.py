"""Rows F36 to F57: the broker, and the network before it."""

import signal

from tests.faults import tree
from tests.faults.rows import row


@row(
    "F38",
    field="The broker freezes: TCP accepts, nobody answers.",
    happens="mosquitto is stopped (SIGSTOP) for a minute, then goes on.",
    promised="Said as `stalled` within 15 s; back within 20 s of its return; nothing is lost, nothing comes twice "
    "under another name.",
    fast=True,
    full=120,
)
def test_f38_broker_frozen(scene):
    s = scene(timers={"keepalive": 6})
    s.steady()
    with s.fault():
        s.broker.signal(signal.SIGSTOP)
        s.prove(lambda: tree.state(s.broker.pid) == "T", "mosquitto is stopped")
        s.hold(60, ci=10, fast=2)
        s.broker.signal(signal.SIGCONT)
    s.back(within=20)
    s.over()
