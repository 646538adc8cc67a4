"""Readings of all gateways at a broker into a database, each of them once, by as many of these processes as it takes.

    python consumer.py readings.db 1 [HOST [PORT]] &
    python consumer.py readings.db 2 [HOST [PORT]] &
    python consumer.py readings.db guard [HOST [PORT]] &

The number is the member's own: the broker keeps for each what it has not acknowledged, and it acknowledges what is in
the database, and not before. So one may be killed: what was its own comes when it is started again under its number.

The guard has no share. mosquitto knows its sessions after a restart, and no shared subscription: what comes until the
members have subscribed again goes to none of them. The guard's plain subscription gets it, so it writes what comes
within a while of its connecting, and of all the rest nothing.
"""

import json
import secrets
import signal
import sqlite3
import sys
import time
from contextlib import closing

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

GROUP, TOPIC = "readings", "gateway/+/+/+/features"
KEPT = 86_400  # s for which the broker keeps what a member has to get
AT_ONCE = 500  # messages on their way to a member, which are one transaction
PAUSE = 2.0  # s between two attempts to connect
MARK = f"{GROUP}/guard"  # a topic on which the guard hears itself
BACK = 60.0  # s after the guard, within which all members are back

TABLE = """CREATE TABLE IF NOT EXISTS readings (
    gateway TEXT, board TEXT, sensor TEXT, run TEXT, seq INTEGER, time TEXT, value REAL, quality TEXT,
    condensed INTEGER, PRIMARY KEY (gateway, board, sensor, run, seq)) WITHOUT ROWID"""
WORDS = ("gateway", "board", "sensor", "run", "time", "quality")


def readings(message: dict) -> list[dict]:
    """The readings in a message: one, or those of its rows (`payload = "rows"`)."""
    if "rows" not in message:
        return [message]
    same = {key: value for key, value in message.items() if key not in ("columns", "rows")}
    return [same | dict(zip(message["columns"], row, strict=True)) for row in message["rows"]]


def rows(payload: bytes) -> list[tuple]:
    """The rows of the table in a message. Anybody may write to a broker: what is no message has none."""
    try:
        return [_row(one) for one in readings(json.loads(payload))]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return []


def _row(one: dict) -> tuple:
    gateway, board, sensor, run, at, quality = (one[key] for key in WORDS)
    for text in (gateway, board, sensor, run, at, quality):
        text.encode()  # half a surrogate is in no database
    seq, condensed = int(one["seq"]), int(one.get("condensed") or 0)
    if not 0 < seq < 1 << 63 or not 0 <= condensed < 1 << 63:
        raise ValueError("not the number of a reading")
    return gateway, board, sensor, run, seq, at, float(one["value"]), quality, condensed


def opened(file: str) -> sqlite3.Connection:
    """The database, with its table. What is committed is on the disk; writers wait for each other."""
    database = sqlite3.connect(file, timeout=60)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(TABLE)
    return database


class Member:
    """One of the group, or its guard. stopping: set from outside."""

    def __init__(self, database: sqlite3.Connection, number: str) -> None:
        self.database = database
        self.stopping = False
        self.taken: list[mqtt.MQTTMessage] = []  # and not in the database yet
        self.guards = number == "guard"
        self.topics = [(TOPIC, 1), (MARK, 1)] if self.guards else [(f"$share/{GROUP}/{TOPIC}", 1)]
        self.writing, self.mark, self.marked = True, b"", 0.0  # a guard: until it hears this mark; when it was sent
        # paho acknowledges by itself what a callback has seen: here it is done once it is written
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, f"{GROUP}-{number}", protocol=mqtt.MQTTv5, manual_ack=True
        )
        self.client.on_connect = self._connected
        self.client.on_subscribe = self._subscribed
        self.client.on_message = self._heard

    def _connected(self, client, userdata, flags, reason, properties):
        print(f"the broker says: {reason}", file=sys.stderr, flush=True)
        self.writing, self.mark, self.marked = True, secrets.token_bytes(8), time.monotonic()
        client.subscribe(self.topics)

    def _subscribed(self, client, userdata, mid, reasons, properties):
        for (topic, _), reason in zip(self.topics, reasons, strict=True):
            if reason.is_failure:
                sys.exit(f"the broker refuses the subscription to {topic}: {reason}; let this user read it there")

    def _heard(self, client, userdata, message):
        if self.guards and message.topic == MARK:
            self.writing &= message.payload != self.mark
        if self.writing:
            self.taken.append(message)
        else:
            client.ack(message.mid, message.qos)

    def run(self, host: str, port: int) -> None:
        """Until it is stopped, over any outage of the broker."""
        keep = Properties(PacketTypes.CONNECT)
        keep.SessionExpiryInterval, keep.ReceiveMaximum = KEPT, AT_ONCE
        while not self.stopping:
            try:
                self.client.connect(host, port, keepalive=30, clean_start=False, properties=keep)
                self._listen()
            except OSError as error:
                print(f"no broker: {error}", file=sys.stderr, flush=True)
            self._keep()  # the broker sends them again, unless it was killed
            self.taken.clear()
            if not self.stopping:
                time.sleep(PAUSE)

    def _listen(self) -> None:
        """As long as the connection holds. A transaction takes what has come while the one before was written."""
        while not self.stopping:
            before = len(self.taken)
            if self.client.loop(0 if before else 1) != mqtt.MQTT_ERR_SUCCESS:
                return
            if self.taken and len(self.taken) in (before, AT_ONCE):
                self._write()
            if self.guards and self.writing and time.monotonic() > self.marked + BACK:
                # behind all that has come until now, so its coming says that this has been written
                self.marked = time.monotonic()
                self.client.publish(MARK, self.mark, qos=1)
        self._write()
        self.client.disconnect()
        self.client.loop(1)

    def _keep(self) -> None:
        """Into the database. One that cannot be written ends the process."""
        with self.database:
            new = [row for message in self.taken for row in rows(message.payload)]
            self.database.executemany("INSERT OR IGNORE INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", new)

    def _write(self) -> None:
        """Into the database, and then it is acknowledged."""
        self._keep()
        for message in self.taken:
            self.client.ack(message.mid, message.qos)
        self.taken.clear()


def main() -> None:
    """Connects, and writes."""
    file, number, *where = sys.argv[1:]
    with closing(opened(file)) as database:
        member = Member(database, number)

        def stop(*_):
            member.stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        member.run(where[0] if where else "localhost", int(where[1]) if len(where) > 1 else 1883)


if __name__ == "__main__":
    main()
