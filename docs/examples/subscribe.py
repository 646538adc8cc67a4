"""Readings of all gateways at a broker, each of them once, a JSON document a line; and at the end what is missing.

    python subscribe.py [HOST [PORT]] >day.jsonl

The session is kept at the broker, so what comes while this program is away comes later. Ends with Ctrl-C.
"""

import json
import sys
from bisect import bisect_right

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

KEPT = 3600  # s for which the broker keeps the session


class Seen:
    """The numbers of one sensor in one run that are accounted for, as ranges: few, however many readings come."""

    def __init__(self) -> None:
        self.ranges: list[list[int]] = []  # [first, last], in order, apart

    def take(self, seq: int, condensed: int = 0) -> bool:
        """Takes `seq`, and the `condensed` before it that are not sent; False when it had come before."""
        first, last = seq - condensed, seq
        at = bisect_right(self.ranges, seq, key=lambda one: one[0])
        if at and self.ranges[at - 1][1] >= seq:
            return False
        begin = end = at
        while begin and self.ranges[begin - 1][1] >= first - 1:
            begin -= 1
        while end < len(self.ranges) and self.ranges[end][0] <= last + 1:
            end += 1
        for one in self.ranges[begin:end]:
            first, last = min(first, one[0]), max(last, one[1])
        self.ranges[begin:end] = [[first, last]]
        return True

    @property
    def missing(self) -> int:
        """Numbers between the first and the last that came which are not accounted for."""
        if not self.ranges:
            return 0
        return self.ranges[-1][1] - self.ranges[0][0] + 1 - sum(last - first + 1 for first, last in self.ranges)


def readings(message: dict) -> list[dict]:
    """The readings in a message: one, or those of its rows (`payload = "rows"`)."""
    if "rows" not in message:
        return [message]
    same = {key: value for key, value in message.items() if key not in ("columns", "rows")}
    return [same | dict(zip(message["columns"], row, strict=True)) for row in message["rows"]]


class Once:
    """What has come, by sensor and run."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, ...], Seen] = {}
        self.twice = 0

    def of(self, payload: bytes) -> list[dict]:
        """The readings in a message that are new. Anybody may write to a broker: what is no message has none."""
        try:
            found = [
                (one, (one["gateway"], one["board"], one["sensor"], one["run"]), one["seq"], one.get("condensed") or 0)
                for one in readings(json.loads(payload))
            ]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return []
        new = [one for one, key, seq, condensed in found if self.seen.setdefault(key, Seen()).take(seq, condensed)]
        self.twice += len(found) - len(new)
        return new


def main() -> None:
    """Connects, and prints."""
    host, port = sys.argv[1] if len(sys.argv) > 1 else "localhost", int(sys.argv[2]) if len(sys.argv) > 2 else 1883
    once = Once()

    def on_connect(client, userdata, flags, reason, properties):
        client.subscribe("gateway/+/+/+/features", qos=1)

    def on_message(client, userdata, message):
        for one in once.of(message.payload):
            print(json.dumps(one, ensure_ascii=False), flush=True)

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "subscribe-example", protocol=mqtt.MQTTv5)
    client.on_connect, client.on_message = on_connect, on_message
    keep = Properties(PacketTypes.CONNECT)
    keep.SessionExpiryInterval = KEPT
    try:
        client.connect(host, port, clean_start=False, properties=keep)
    except OSError as error:
        sys.exit(f"no broker at {host}:{port} ({error}): say where one is, python subscribe.py HOST PORT")
    try:
        client.loop_forever()
    except KeyboardInterrupt:
        client.disconnect()
    missing = {" / ".join(key): seen.missing for key, seen in once.seen.items() if seen.missing}
    print(json.dumps({"twice": once.twice, "missing": missing}, ensure_ascii=False), file=sys.stderr)


if __name__ == "__main__":
    main()
