"""What a fleet needs of its broker, its network and its disks, reckoned from what was measured of a small one. Pure.

    python -m tests.scale.model --gateways 10000 --boards 2 --sensors 4 --rate 0.2 [--payload rows --together 10]

Straight lines through the points of docs/scale.md, which says of each figure where it comes from: a message costs the
broker so much, a connection so much. What it leaves out: other brokers than mosquitto, retained messages that are asked
for, a network that is itself full, and subscribers that are too slow.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict, dataclass

LAST = 10.0  # s between two `last` of a sensor at least
DOCUMENTS = 30.0  # s between two documents
SHARE = 0.5  # of a core that a broker may be busy in the long run: the rest is for storms
DAY = 86_400
JITTER = 1.5  # s over which gateways come back to a broker that nobody could reach
SPOOL = 256e6  # bytes, where nothing is said


@dataclass(frozen=True, slots=True)
class Fleet:
    """rate: readings/s of a sensor. together: readings of a sensor in a message, of "rows". away: s without broker."""

    gateways: int
    boards: int = 1
    sensors: int = 4  # of a board
    rate: float = 1.0
    payload: str = "reading"
    together: float = 1.0
    subscribers: int = 1
    tls: bool = False
    away: float = 60.0

    @property
    def readings(self) -> float:
        """A second, of all."""
        return self.gateways * self.boards * self.sensors * self.rate


@dataclass(frozen=True, slots=True)
class Costs:
    """Of mosquitto 2.0.21 on a core of docs/scale.md, from runs of 20 gateways. us: µs of CPU; sizes in bytes."""

    in_us: float = 13.4  # a message that comes in and is acknowledged
    out_us: float = 13.5  # … and that a subscriber gets
    row_us: float = 0.3  # a further reading in it, each way
    tls_us: float = 4.0  # more, where gateways and subscribers have TLS
    together: float = 0.75  # of all that, where many come at once, as after an outage
    connect_ms: float = 0.16  # a connection, with its will and what is told at first
    connect_tls_ms: float = 0.81
    empty_mb: float = 8.0  # of the broker's memory, without anybody
    gateway_kb: float = 3.7  # a connection, with its will and document
    tls_kb: float = 38.0  # more, with TLS
    board_kb: float = 1.9  # what is retained of a board
    sensor_kb: float = 1.4  # … of a sensor
    reading: float = 339.0  # MQTT's bytes of a reading with its topic, of payload "reading", and of a `last`
    head: float = 225.0  # of a message of payload "rows"
    row: float = 137.0  # of a reading in it
    document: float = 850.0  # of a gateway's or a board's
    segment: float = 47.0  # TCP/IP with it, of a message that goes with its line
    answer: float = 38.0  # its acknowledgement, with TCP/IP
    spooled: float = 30.0  # a reading on a gateway's disk


@dataclass(frozen=True, slots=True)
class Plan:
    """What it comes to.

    core: of all brokers together. bytes_a_reading: from gateway to broker. hours: without a broker, for which a spool
    of 256 MB holds. online_s, drained_s: from the broker's start after it was away, if it has a core to itself, until
    all are there and until it has what waited. storm_cpu_s: what that costs.
    """

    readings_per_s: float
    messages_per_s: float
    core: float
    brokers: int
    broker_mb: float
    mbit_in: float
    mbit_out: float
    bytes_a_reading: float
    disk_mb_a_day: float
    hours: float
    online_s: float
    drained_s: float
    storm_cpu_s: float


MEASURED = Costs()


def plan(fleet: Fleet, costs: Costs = MEASURED) -> Plan:
    """What a fleet needs."""
    rows = fleet.payload == "rows"
    together = max(1.0, fleet.together) if rows else 1.0
    boards = fleet.gateways * fleet.boards
    messages = fleet.readings / together
    lasts = boards * fleet.sensors * min(fleet.rate, 1 / LAST)
    documents = (fleet.gateways + boards) / DOCUMENTS
    tls_us = costs.tls_us if fleet.tls else 0.0
    each = costs.in_us + costs.out_us * fleet.subscribers + tls_us
    each += costs.row_us * (together - 1) * (1 + fleet.subscribers)
    core = (messages * each + (lasts + documents) * (costs.in_us + tls_us)) / 1e6
    size = costs.row * together + costs.head if rows else costs.reading
    said = messages * size + lasts * costs.reading + documents * costs.document
    into = said + (messages + lasts + documents) * costs.segment
    out = messages * fleet.subscribers * (size + costs.segment) + (messages + lasts + documents) * costs.answer
    brokers = max(1, math.ceil(core / SHARE))
    gateway_kb = costs.gateway_kb + (costs.tls_kb if fleet.tls else 0.0)
    gateway_kb += fleet.boards * (costs.board_kb + fleet.sensors * costs.sensor_kb)
    connects = fleet.gateways * (costs.connect_tls_ms if fleet.tls else costs.connect_ms) / 1e3
    storm = connects + fleet.away * messages * each * costs.together / 1e6
    mine = fleet.boards * fleet.sensors * fleet.rate * costs.spooled
    return Plan(
        readings_per_s=fleet.readings,
        messages_per_s=messages + lasts + documents,
        core=core,
        brokers=brokers,
        broker_mb=brokers * costs.empty_mb + fleet.gateways * gateway_kb / 1e3,
        mbit_in=8 * into / 1e6,
        mbit_out=8 * out / 1e6,
        bytes_a_reading=into / fleet.readings,
        disk_mb_a_day=mine * DAY / 1e6,
        hours=SPOOL / mine / 3600,
        online_s=max(JITTER, connects / brokers),
        drained_s=max(JITTER, storm / (brokers - core)),
        storm_cpu_s=storm,
    )


FLEETS = {
    "1 board": Fleet(1, boards=1),
    "10 gateways of 4 boards": Fleet(10, boards=4),
    "200 of them": Fleet(200, boards=4),
    "1,000": Fleet(1000, boards=4),
    "10,000, a reading in 10 s": Fleet(10_000, boards=4, rate=0.1),
    "10,000": Fleet(10_000, boards=4),
    "10,000, `rows` of 10": Fleet(10_000, boards=4, payload="rows", together=10),
}
HEAD = (
    "| boards of 4 sensors, a reading/s each | readings/s | messages/s | cores | brokers | memory | Mbit/s in | out"
    " | online, caught up |",
    "|---|---|---|---|---|---|---|---|---|",
)


def table() -> str:
    """The plans of docs/scale.md, in Markdown."""
    lines = list(HEAD)
    for name, fleet in FLEETS.items():
        one = plan(fleet)
        cells = (
            f"{one.readings_per_s:,.0f}", f"{one.messages_per_s:,.0f}", f"{one.core:.2g}", str(one.brokers),
            f"{one.broker_mb:,.0f} MB",
            f"{one.mbit_in:,.1f}", f"{one.mbit_out:,.1f}", f"{one.online_s:.1f} s, {one.drained_s:.1f} s",
        )  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Reckons, and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.model", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gateways", type=int, required=True)
    parser.add_argument("--boards", type=int, default=1)
    parser.add_argument("--sensors", type=int, default=4, help="of a board")
    parser.add_argument("--rate", type=float, default=1.0, help="readings/s of a sensor")
    parser.add_argument("--payload", default="reading", choices=("reading", "rows"))
    parser.add_argument("--together", type=float, default=1.0, help="readings of a sensor in a message, of rows")
    parser.add_argument("--subscribers", type=int, default=1)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--away", type=float, default=60.0, help="s without a broker")
    found = asdict(plan(Fleet(**vars(parser.parse_args()))))
    print(json.dumps({key: float(f"{value:.3g}") for key, value in found.items()}))


if __name__ == "__main__":
    main()
