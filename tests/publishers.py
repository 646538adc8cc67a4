"""A publisher for tests, with boards that one can make speak, and all that it told."""

import asyncio
import math
from collections import defaultdict

import pytest

from gateway.ledger import Account, imbalances, total
from gateway.publish import contact
from gateway.publish.broker import Refused, Where, Will
from gateway.publish.publisher import Naming, Publisher
from tests.made import features
from tests.outboxes import sensors

STATUS = "gw/g/status"


class Bench:
    """A publisher with boards that one can make speak, and all that it told."""

    def __init__(
        self,
        port,
        *,
        v5=True,
        rows=False,
        every=0.0,
        most=100_000,
        client_id="gateway-g",
        keeping=None,
        waits=False,
        heard=None,
    ):
        self.accounts = defaultdict(Account)
        self.events, self.connects, self.clock = [], 0, 0.0
        self.where = Where("127.0.0.1", port, client_id, v5=v5)
        self.closed_until = None  # a sentence while the way to the broker is closed
        self.seq = defaultdict(int)
        self.publisher = Publisher(
            self._where,
            Naming("g", "gw", "run", rows),
            account=self.accounts.__getitem__,
            of=sensors(every),
            will=lambda: Will(STATUS, b"lost"),
            connected=self._connected,
            progress=self.balance,
            clock=lambda: self.clock,
            unset_until=lambda: math.inf if self.clock is None else -math.inf,
            most=most,
            keeping=keeping,
            event=lambda name, **fields: self.events.append((name, fields)),
            heard=heard,
        )
        if not waits:
            self.start()

    def start(self):
        """Lets it connect."""
        self.task = asyncio.ensure_future(self.publisher.run())

    async def _where(self):
        if self.closed_until:
            raise Refused(self.closed_until)
        return self.where

    def _connected(self):
        self.connects += 1
        self.publisher.document(STATUS, b"online %d" % self.connects)

    def read(self, total_, board="bench", sensor="S1"):
        """The board sends so many readings, a second apart by its own time."""
        first = self.seq[board, sensor] + 1
        self.seq[board, sensor] += total_
        self.accounts[board].values += total_
        self.accounts[board].readings += total_
        self.publisher.put([features(range(first, first + total_), board=board, sensor=sensor)])
        self.balance()

    def balance(self):
        """The ledger balances at this moment."""
        for board, account in self.accounts.items():
            assert imbalances(account, self.publisher.held(board)) == []

    @property
    def sum(self):
        """The account of all boards."""
        return total(self.accounts.values())

    @property
    def done(self):
        """Whether everything is acknowledged."""
        return not any(self.publisher.held(board) for board in self.accounts)

    def told(self, name):
        """The fields of each event of that name."""
        return [fields for event, fields in self.events if event == name]


@pytest.fixture
async def bench():
    """Makes benches, and ends them."""
    made = []

    def make(port, **options):
        made.append(Bench(port, **options))
        return made[-1]

    yield make
    for one in made:
        one.task.cancel()
    results = await asyncio.gather(*(one.task for one in made), return_exceptions=True)
    assert all(one is None or isinstance(one, asyncio.CancelledError) for one in results), results


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pauses between attempts that a test can wait for."""
    monkeypatch.setattr(contact, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(contact, "REFUSED_PAUSE", (0.02, 0.05))


def numbers(messages, sensor="S1"):
    """The seq of each features message of a sensor, in order."""
    ending = f"/{sensor}/features"
    return [message.json["seq"] for message in messages if message.topic.endswith(ending)]


def firsts(seqs):
    """Without the duplicates: the first of each."""
    return list(dict.fromkeys(seqs))
