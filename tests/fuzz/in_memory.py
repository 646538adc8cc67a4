"""The whole street of a gateway in memory, a run at a time: no process, no port, and a clock to be put forward."""

import asyncio
import math

from gateway.compute.stage import Stage
from gateway.ingest.formats.json import Json
from gateway.ingest.intake import Intake
from gateway.ledger import Account
from gateway.model import Board, FormatOptions, Port
from gateway.publish.broker import Limits
from gateway.publish.keeper import Keeper, Keeping
from gateway.publish.naming import Naming
from gateway.publish.outbox import Outbox
from gateway.publish.packets import Ack
from gateway.publish.spool.spool import Spool
from gateway.publish.spool.sql import Trouble
from tests.outboxes import sensors
from tests.packets import parse_publish
from tests.stages import Hands

BOARDS, SENSORS = ("a", "b"), ("S1", "S2")


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    ahead = 0.0

    def time(self):
        """s, monotonic."""
        return super().time() + self.ahead


class Way:
    """The way out: an Outbox, and the packets that it has given."""

    def __init__(self, loop, run, account, rows, every, most):
        self.box = Outbox(Naming("g", "gw", run, rows), account, sensors(every), most)
        self.under_way = []
        self.limits, self.v5 = Limits(), True
        self._loop = loop

    def open(self, limits, v5):
        """A connection."""
        self.limits, self.v5 = limits, v5
        self.box.opened(limits, v5=v5)

    def close(self, cut):
        """It is lost."""
        self.under_way.clear()
        self.box.closed(0.0, cut=cut)

    def send(self, room):
        """What may go now goes on the wire."""
        for data in self.box.packets(room, self._loop.time()):
            head = 2 if data[1] < 128 else 3 if data[2] < 128 else 4
            self.under_way.append(parse_publish(data[0] & 15, data[head:], 5 if self.v5 else 4, 0))
        return list(self.under_way)

    def answer(self, publish, reason):
        """The broker acknowledges or refuses one."""
        self.under_way.remove(publish)
        self.box.acked([Ack(publish.packet_id, reason)], self._loop.time())

    def landed(self):
        """With QoS 0: all has left."""
        self.under_way.clear()
        self.box.landed()


def messages(publish):
    """The readings in a PUBLISH; none in a document."""
    if not publish.topic.endswith("/features"):
        return []
    document = publish.json
    if "rows" not in document:
        return [document]
    same = {key: value for key, value in document.items() if key not in ("columns", "rows")}
    return [same | dict(zip(document["columns"], row, strict=True)) for row in document["rows"]]


class Run:
    """One run: what boards send goes in at `intakes`, `hands` are the workers, and what leaves is in `way`.

    rows, every: how it publishes; waiting, computing: readings that way and stage may hold.
    """

    def __init__(self, loop, name, plan, rows, every, waiting, computing, workers):
        self.name, self._loop = name, loop
        self.accounts = {board: Account() for board in BOARDS}
        self.connected = self.stopped = self.broken = False
        self.way = Way(self._loop, self.name, self.accounts.__getitem__, rows, every, waiting)
        self.stage = Stage(
            lambda board, sensor: plan,
            self._computed,
            lambda board, why, readings: self.accounts[board].dropped.update({why: readings}),
            workers=workers,
            most=computing,
        )
        self.stage.pool = self.hands = Hands(workers, self.stage.soon, None)
        self.intakes = {
            board: Intake(
                Board(board, Port("/dev/x"), max_line=200, max_sensors=len(SENSORS)),
                Json(FormatOptions()), self.stage.take, self.accounts[board], lambda: None,
            )
            for board in BOARDS
        }  # fmt: skip
        self.spool = self.keeper = None

    async def begin(self, folder):
        """folder: of the spool, with what runs before have left there; None for no disk."""
        await self.stage.start()
        if folder is not None:
            await self._open_disk(folder)

    async def _open_disk(self, folder):
        """The spool, and who brings readings to it and back."""
        self.spool = Spool(
            folder, 1 << 26, 1e9, "boot",
            inherited=self._inherits,
            dropped=lambda board, why, readings: self.accounts[board].dropped.update({why: readings}),
            clock_set=lambda: True,
        )  # fmt: skip
        await self.spool.open()
        disk = self.spool._disk.run

        async def run(job):
            if self.broken:
                raise Trouble("full", "no room")
            return await disk(job)

        self.spool._disk.run = run
        box, spool = self.way.box, self.spool
        box.watched(spool.done, lambda: spool.why_shed)
        box.crossing.uncopied, box.crossing.promoted = spool.uncopied, spool.promoted
        keeping = Keeping(spool, self.stage, 1.0, self.stage.now, lambda *_: {})
        self.keeper = Keeper(box, keeping, run=self.name, pump=lambda: None, unset_until=lambda: -math.inf)

    def _inherits(self, board, readings):
        """The spool has found some."""
        self.accounts[board].inherited += readings

    def _computed(self, features):
        """The stage's results go on."""
        self.way.box.put(features, now=self._loop.time())

    def in_flight(self, board):
        """As the service counts it."""
        return self.stage.held(board) + self.way.box.held(board) - self.way.box.crossing.copied(board)

    def spooled(self, board):
        """As the publisher counts it."""
        return 0 if self.spool is None else self.way.box.crossing.copied(board) + self.spool.held(board)

    async def end(self):
        """As the service and the publisher do it."""
        left = await self.stage.stop(0.0)
        for features in left if self.keeper is None else await self.keeper.finish(left, 5.0):
            self.way.box.shed(features.board, len(features))
