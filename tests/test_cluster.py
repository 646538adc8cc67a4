"""The cluster as the gateway's loop sees it, by a bridge whose words the test says: nothing is lost, nothing twice."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from gateway.compute.cluster import letters, there
from gateway.compute.cluster.batches import Batches
from gateway.compute.cluster.cluster import Cluster
from gateway.compute.cluster.conduct import Conduct
from gateway.compute.cluster.setting import Setting
from gateway.compute.custom.pieces import Custom
from gateway.compute.wire import READY
from gateway.model import Plan
from tests.stages import Street, by_hand, hands, settle
from tests.waiting import until

assert by_hand
SETTING = Setting("tcp://127.0.0.1:1", None, None, None, Custom())
CONNECTED = letters.Standing(letters.CONNECTED, "", 1, 2)


class Bridge:
    """Takes the carrier's place: what it is sent, and what it says, is the test's."""

    def __init__(self, setting: Setting, heard: Callable[[int, bytes], None], away: Callable[[str], None]) -> None:
        self.heard, self.away = heard, away
        self.sent: list[tuple[int, bytes]] = []
        self.stopped = self.renewed = False

    def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.stopped = True

    def renew(self) -> None:
        self.renewed = True

    def send(self, number: int, data: bytes) -> None:
        self.sent.append((number, data))

    def stands(self, standing: letters.Standing = CONNECTED) -> None:
        self.heard(READY, letters.told(standing))

    @property
    def tasks(self) -> list[tuple[int, bytes]]:
        """What it was given."""
        return [(number, data) for number, data in self.sent if data[:1] != letters.FORGET]

    def answer(self, number: int, data: bytes) -> None:
        self.heard(number, letters.DONE + data)


class Joined:
    """A stage by hand with a cluster by hand. goes: whether the cluster is sooner."""

    def __init__(self, goes: bool = True) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.street = Street(Plan(window_s=None, window_n=5))
        self.cluster = Cluster(SETTING, lambda name, **fields: self.events.append((name, fields)))
        stage = self.street.stage
        stage.join(Batches(self.cluster, 1, stage.settle, stage.take_back))
        self.cluster.listen(stage.soon)
        if goes:
            self.cluster.takes = lambda *of, **more: bool(self.cluster.free)  # type: ignore[method-assign]

    @property
    def bridge(self) -> Bridge:
        assert isinstance(self.cluster._carrier, Bridge)
        return self.cluster._carrier

    def computed(self, number: int) -> None:
        """The cluster answers a batch as its workers do."""
        task = dict(self.bridge.tasks)[number]
        self.bridge.answer(number, there.batch(task[1:]))


@pytest.fixture(autouse=True)
def bridge(monkeypatch: pytest.MonkeyPatch, by_hand: None) -> None:
    """No process."""
    monkeypatch.setattr("gateway.compute.cluster.cluster.Carrier", Bridge)


async def test_nothing_is_given_before_it_is_there() -> None:
    """All is computed here until a worker of our version is known, and from then on what is sooner there goes there."""
    one = Joined()
    one.street.take("a", ("S", 1.0))
    await settle()
    assert len(hands(one.street).held) == 1 and not one.bridge.sent
    hands(one.street).answer()
    one.bridge.stands()
    one.street.take("a", ("S", 2.0))
    await settle()
    ((number, task),) = one.bridge.tasks
    assert task[:1] == letters.BATCH and not hands(one.street).held
    one.computed(number)
    assert [list(f.value) for f in one.street.out] == [[1.0], [2.0]]
    assert one.street.out[1].columns[2][0] == 1.5  # the mean: the window went along
    assert one.events == [("cluster.connected", {"address": SETTING.address, "workers": 1})]


async def test_a_bounded_number_is_under_way() -> None:
    """No more than its workers take; what comes beyond is computed here, or waits as ever."""
    one = Joined()
    one.bridge.stands()
    for board in "abcd":
        one.street.take(board, ("S", 1.0))
        await settle()
    assert len(one.bridge.tasks) == CONNECTED.hands and len(hands(one.street).held) == 1
    assert one.street.stage.held("d") == 1


@pytest.mark.parametrize("how", ["away", "bridge", "failed", "nonsense", "cut", "another's"])
async def test_what_the_cluster_does_not_compute_is_computed_here(how: str) -> None:
    """It has gone, its bridge has, the task failed there, or its answer is none: the batch is computed here, once."""
    one = Joined()
    one.bridge.stands()
    one.street.take("a", ("S", 1.0), ("T", 3.0))
    await settle()
    ((number, task),) = one.bridge.tasks
    match how:
        case "away":
            one.bridge.stands(letters.Standing(letters.AWAY, "has ended the connection"))
        case "bridge":
            one.bridge.away("has lost its bridge")
        case "failed":
            one.bridge.heard(number, letters.NOT + b"RuntimeError: no")
        case "nonsense":
            one.bridge.answer(number, b"nonsense")
        case "cut":
            one.bridge.answer(number, there.batch(task[1:])[:-1])
        case "another's":
            one.bridge.answer(number, letters.packed([]))
    await settle()
    (held,) = hands(one.street).held
    assert held[0] == task[1:]
    hands(one.street).answer()
    assert sorted((f.sensor, f.value[0]) for f in one.street.out) == [("S", 1.0), ("T", 3.0)]
    one.bridge.answer(number, there.batch(task[1:]))  # too late
    assert len(one.street.out) == 2 and one.cluster.look()["returned"] == 1
    assert one.cluster.look()["late"] == 1


async def test_what_comes_late_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch without an answer is computed here after its patience, and the cluster told to forget it; three of them
    and it is not used, until a copy of a batch is answered in time."""
    monkeypatch.setattr("gateway.compute.cluster.batches.PATIENCE", 0.02)
    one = Joined()
    one.bridge.stands()
    for k in range(3):
        one.street.take("a", ("S", float(k)))
        await until(lambda: hands(one.street).held)
        number = one.bridge.tasks[-1][0]
        assert one.bridge.sent[-1] == (number, letters.FORGET)
        hands(one.street).answer()
        one.computed(number)
        assert [list(f.value) for f in one.street.out] == [[float(at)] for at in range(k + 1)]
    look = one.cluster.look()
    assert (look["state"], look["late"], one.cluster.free) == (letters.SLOW, 3, 0)
    assert look["reason"].startswith(f"the cluster {SETTING.address} did not answer in time: batches are computed here")
    assert [name for name, _ in one.events] == ["cluster.connected", "cluster.lost"]
    monkeypatch.setattr("gateway.compute.cluster.conduct.tried", lambda conduct, now: True)
    one.cluster._conduct = Conduct(until=0.0)
    one.street.take("a", ("S", 3.0))
    await settle()
    number = one.bridge.tasks[-1][0]
    hands(one.street).answer()
    one.computed(number)
    assert [list(f.value) for f in one.street.out] == [[0.0], [1.0], [2.0], [3.0]]  # a copy's answer is none
    assert one.cluster.look()["state"] == letters.CONNECTED
    assert one.events[-1][0] == "cluster.recovered"


async def test_a_late_batch_while_others_are_answered_is_its_own_fault() -> None:
    """One slow task of many does not shut the cluster out."""
    one = Joined()
    one.bridge.stands()
    back: list[str] = []
    for _ in range(5):
        one.cluster.give("slow", 1, b"", lambda data: None, back.append, 0.01)
        one.cluster.give("quick", 1, b"", lambda data: None, back.append, 9.0)
        one.bridge.answer(one.bridge.tasks[-1][0], b"")
        await until(lambda: not one.cluster._given)
    assert len(back) == 5 and one.cluster.look()["state"] == letters.CONNECTED


async def test_what_is_cheap_is_measured_by_copies_and_stays() -> None:
    """The first batch of a kind goes to the cluster as a copy, which is not waited for; then the costs decide."""
    one = Joined(goes=False)
    one.bridge.stands()
    one.street.take("a", ("S", 1.0))
    await settle()
    assert len(hands(one.street).held) == 1 and len(one.bridge.tasks) == 1
    hands(one.street).answer()
    assert len(one.street.out) == 1
    one.computed(one.bridge.tasks[0][0])
    assert len(one.street.out) == 1 and one.cluster.look()["batches"] == 0
    one.street.take("a", ("S", 2.0))
    await settle()
    assert len(hands(one.street).held) == 1 and len(one.bridge.tasks) == 1  # it was measured a moment ago
    hands(one.street).answer()
    ((kind, _),) = one.cluster.here._kinds
    for _ in range(20):
        one.cluster.computed(kind, 1, 5.0)  # from now on it is heavy
    one.street.take("a", ("S", 3.0))
    await settle()
    assert not hands(one.street).held and len(one.bridge.tasks) == 2


async def test_what_waits_goes_to_the_cluster_while_all_are_busy_here() -> None:
    """A board's batch does not wait for another's, where the cluster has it done sooner than that and itself."""
    one = Joined(goes=False)
    one.bridge.stands()
    one.street.take("a", ("S", 1.0))
    await settle()
    hands(one.street).answer()
    one.computed(one.bridge.tasks[0][0])
    ((known, now),) = ((kind, latest.at) for kind, latest in one.cluster.here._kinds.items())
    for _ in range(20):
        one.cluster.here.note(known, 1, 0.020, now)
        one.cluster.there.note(known, 1, 0.018, now)
    for board in "ab":
        one.street.take(board, ("S", 1.0))
        await settle()
    assert len(hands(one.street).held) == 1 and len(one.bridge.tasks) == 2 and one.cluster.look()["batches"] == 1
    for _ in range(20):
        one.cluster.there.note(known, 1, 0.1, now)
    one.street.take("c", ("S", 1.0))  # so it is done sooner by whoever is free first
    await settle()
    assert len(hands(one.street).held) == 1 and len(one.bridge.tasks) == 2


async def test_what_was_handed_over_at_a_stop_stays_so() -> None:
    """A batch that the cluster still has when the stage is over leaves as it came, once: an answer that comes before
    the cluster is let go of changes nothing."""
    one = Joined()
    one.bridge.stands()
    one.street.take("a", ("S", 1.0))
    await settle()
    ((number, _),) = one.bridge.tasks
    (left,) = await one.street.stage.stop(0.0)
    assert list(left.value) == [1.0]
    one.computed(number)
    await one.cluster.stop()
    assert one.street.out == [] and one.street.stage.held("a") == 0


async def test_at_a_stop_all_comes_home() -> None:
    """What the cluster has at a stop and does not answer is computed here, and nothing is left."""
    one = Joined()
    one.bridge.stands()
    one.street.take("a", ("S", 1.0))
    await settle()
    assert one.bridge.tasks and not hands(one.street).held
    await one.cluster.stop()
    await settle()
    hands(one.street).answer()
    assert len(one.street.out) == 1 and await one.street.stage.stop() == []


async def test_a_reload_begins_anew() -> None:
    """The modules of features may be others: what is under way is computed here, and nothing goes to the old bridge."""
    one = Joined()
    one.bridge.stands()
    one.street.take("a", ("S", 1.0))
    await settle()
    one.cluster.renew()
    await settle()
    assert len(hands(one.street).held) == 1 and len(one.bridge.tasks) == 1 and one.bridge.renewed
    assert one.cluster.free == 0 and one.cluster.look()["reason"] is None
    one.bridge.stands()
    hands(one.street).answer()
    one.street.take("a", ("S", 2.0))
    await settle()
    assert len(one.bridge.tasks) == 2 and [name for name, _ in one.events] == ["cluster.connected"]


def test_the_gateway_loads_neither_dask_nor_what_asks_it() -> None:
    """Without the key nothing of it is imported; with it neither Dask nor numpy is, in the gateway's own process."""
    code = (
        "import sys, gateway.service\n"
        "assert not [name for name in sys.modules if name.startswith('gateway.compute.cluster')]\n"
        "import gateway.compute.cluster.batches, gateway.compute.cluster.calls\n"
        "assert not {'distributed', 'dask', 'numpy'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
