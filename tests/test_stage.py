"""The compute stage: order, fairness, bounds and counts, by hand and with real workers that die."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pickle import dumps

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compute.batch import answer
from gateway.compute.batching import HEAVIEST, MOST
from gateway.compute.stage import Stage
from gateway.compute.wire import Nonsense
from gateway.model import Chunk, Drop, Features, Plan, Sample
from tests.waiting import until


class Hands:
    """Takes the pool's place: a task is answered when the test says so, by the code that workers run."""

    def __init__(self, size: int, on_free: Callable[[], None], event: object) -> None:
        self.size, self.on_free = size, on_free
        self.held: list[tuple[bytes, Callable[[bytes], None], Callable[[str], None]]] = []

    @property
    def free(self) -> int:
        return self.size - len(self.held)

    def give(self, data: bytes, answered: Callable[[bytes], None], failed: Callable[[str], None]) -> None:
        assert self.free
        self.held.append((data, answered, failed))

    def answer(self, k: int = 0, instead: bytes | None = None) -> None:
        data, answered, _ = self.held.pop(k)
        answered(answer(data) if instead is None else instead)
        self.on_free()

    def fail(self, k: int = 0) -> None:
        self.held.pop(k)[2]("given up")
        self.on_free()

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        self.size = 0


class Street:
    """A stage, and what came out of it."""

    def __init__(self, plan: Plan | Callable[[str, str], Plan], **options: object) -> None:
        self.out: list[Features] = []
        self.dropped: Counter[tuple[str, Drop]] = Counter()
        self.came: Counter[str] = Counter()
        self.events: list[str] = []
        self.latest = 0.0
        self.stage = Stage(
            plan if callable(plan) else lambda board, sensor: plan,
            self._emit,
            lambda board, reason, readings: self.dropped.update({(board, reason): readings}),
            event=lambda name, **fields: self.events.append(name),
            **{"workers": 1, **options},  # type: ignore[arg-type]
        )

    def _emit(self, features: list[Features]) -> None:
        now = self.stage.now()
        self.latest = max([self.latest, *(now - f.mono[0] for f in features)])
        self.out += features

    def take(self, board: str, *samples: tuple[str, float]) -> None:
        """One piece of `board`, now."""
        self.came[board] += len(samples)
        now = asyncio.get_running_loop().time()
        self.stage.take(board, [Sample(sensor, value, "°C") for sensor, value in samples], Chunk(0.0, now))

    def left(self, board: str) -> int:
        """Readings of `board` that have come out or were dropped."""
        out = sum(len(f) for f in self.out if f.board == board)
        return out + sum(n for (name, _), n in self.dropped.items() if name == board)

    def seqs(self) -> dict[tuple[str, str], list[int]]:
        """The numbers that came out of each sensor, in order."""
        seqs = defaultdict(list)
        for f in self.out:
            seqs[f.board, f.sensor] += f.seq
        return seqs


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test answers."""
    monkeypatch.setattr("gateway.compute.stage.Pool", Hands)


def hands(street: Street) -> Hands:
    """The pool of a street by hand."""
    assert isinstance(street.stage.pool, Hands)
    return street.stage.pool


async def settle() -> None:
    """Lets the loop see what has arrived."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_renewed_sensor_has_a_new_window_and_its_numbers_go_on(by_hand: None) -> None:
    """Its plan is asked for anew, what waits is computed with what came before, and nothing is lost."""
    plans = {"S1": Plan(window_s=None, window_n=9, use=("mean",))}
    street = Street(lambda board, sensor: plans[sensor])
    await street.stage.start()
    street.take("a", ("S1", 1.0), ("S1", 2.0))
    await settle()
    street.take("a", ("S1", 3.0))
    assert street.stage.renew("a", "S1") == 4
    assert street.stage.renew("a", "S2") == street.stage.renew("b", "S1") == 1
    street.take("a", ("S1", 100.0), ("S1", 300.0))
    while hands(street).held:
        hands(street).answer()
        await settle()
    assert street.seqs() == {("a", "S1"): [1, 2, 3, 4, 5]}
    means = [mean for piece in street.out for mean in piece.columns[piece.keys.index("mean")]]
    assert means == [1.0, 1.5, 2.0, 100.0, 200.0]
    assert street.stage.held("a") == 0


# real workers


@pytest.mark.slow
@pytest.mark.parametrize("kills", [0, 200])
async def test_order_is_kept_and_nothing_is_lost(kills: int) -> None:
    """Eight boards, three workers, random pieces, kill -9 all the while: each sensor's readings leave once, in order,
    with their own values, at most 2 s after they came."""
    dice = random.Random(kills)
    street = Street(Plan(window_s=None, window_n=50), workers=3)
    await street.stage.start()
    sent: dict[tuple[str, str], list[float]] = defaultdict(list)
    while street.stage.pool.counts.replaced < kills or sum(street.came.values()) < 30_000:
        board = f"board-{dice.randrange(8)}"
        if street.stage.held(board) < 2000:
            piece = [(f"S{dice.randrange(4)}", round(dice.gauss(20, 5), 2)) for _ in range(dice.randrange(1, 40))]
            for sensor, value in piece:
                sent[board, sensor].append(value)
            street.take(board, *piece)
        if kills and street.stage.pool.pids and dice.random() < 0.05:
            with contextlib.suppress(ProcessLookupError):  # killed before
                os.kill(dice.choice(street.stage.pool.pids), signal.SIGKILL)
        await asyncio.sleep(0.0005 if kills else 0)
    await street.stage.stop()
    assert street.stage.pool.counts.replaced >= kills
    assert {key: list(range(1, len(values) + 1)) for key, values in sent.items()} == street.seqs()
    got = defaultdict(list)
    for f in street.out:
        got[f.board, f.sensor] += f.value
        assert max(f.n) <= 50
    assert got == sent
    assert street.latest < 2.0
    assert not street.dropped
    assert not any(street.stage.held(board) for board in street.came)


@pytest.mark.slow
async def test_starved_of_cpu_no_worker_is_killed_again_and_again() -> None:
    """Eight busy loops beside two workers: batches take longer, all is computed, and hardly a worker is replaced."""
    street = Street(Plan(), workers=2)
    await street.stage.start()
    busy = [await asyncio.create_subprocess_exec("sh", "-c", "while :; do :; done") for _ in range(8)]
    try:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for board in ("a", "b", "c"):
                if street.stage.held(board) < 2000:
                    street.take(board, *((f"S{k}", 20.0 + k) for k in range(20)))
            await asyncio.sleep(0.001)
    finally:
        for process in busy:
            process.kill()
            await process.wait()
    await street.stage.stop(30.0)
    assert street.stage.pool.counts.replaced <= 2
    assert sum(map(len, street.out)) == street.came.total() > 0
    assert not street.dropped


async def test_stop_computes_what_waits() -> None:
    """All that came in before stop() leaves, and the workers are gone."""
    street = Street(Plan(), workers=2)
    await street.stage.start()
    for board in ("a", "b"):
        street.take(board, *[("S", float(n)) for n in range(15_000)])
    await street.stage.stop()
    assert sum(map(len, street.out)) == 30_000
    assert not street.dropped
    assert street.stage.pool.pids == []


@pytest.mark.slow
async def test_stop_gives_up_a_worker_that_hangs() -> None:
    """A stopped worker at the end: what it held is given back as it came, and never comes out after that."""
    street = Street(Plan(), workers=1)
    await street.stage.start()
    street.take("a", ("S", 1.0))
    await until(lambda: street.out)
    os.kill(street.stage.pool.pids[0], signal.SIGSTOP)
    street.take("a", ("S", 2.0), ("S", 3.0))
    began = time.monotonic()
    (left,) = await street.stage.stop(0.2)
    assert time.monotonic() - began < 2.0
    assert (left.board, left.sensor, list(left.seq), list(left.value)) == ("a", "S", [2, 3], [2.0, 3.0])
    assert not street.dropped
    assert street.stage.held("a") == 0
    assert street.seqs() == {("a", "S"): [1]}


# by hand


@pytest.mark.usefixtures("by_hand")
async def test_a_slow_board_holds_up_no_other() -> None:
    """While one board's batch is being computed its next readings wait, and the other boards go on."""
    street = Street(Plan(), workers=2)
    street.take("slow", ("S", 1.0))
    await settle()
    for n in range(5):
        street.take("slow", ("S", 2.0))
        street.take("other", ("S", 1.0))
        await settle()
        hands(street).answer(1)
        assert street.seqs() == {("other", "S"): list(range(1, n + 2))}
        assert street.stage.held("slow") == n + 2
    hands(street).answer(0)
    await settle()
    hands(street).answer(0)
    assert street.seqs()["slow", "S"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.usefixtures("by_hand")
async def test_a_babbling_board_takes_its_turn() -> None:
    """With one worker and a board that has 20,000 readings waiting, a quiet board's reading is in the next batch."""
    street = Street(Plan(), workers=1)
    street.take("babbler", *[("S", float(n)) for n in range(20_000)])
    await settle()
    for n in range(3):
        street.take("quiet", ("S", 1.0))
        street.take("babbler", ("S", 1.0))
        hands(street).answer()
        await settle()
        assert street.stage.held("quiet") == 1
        hands(street).answer()
        await settle()
        assert street.seqs()["quiet", "S"] == list(range(1, n + 2))


@pytest.mark.usefixtures("by_hand")
async def test_a_babbling_sensor_takes_its_turn() -> None:
    """A sensor with more than a batch of readings waiting does not keep its board's other sensors from leaving."""
    street = Street(Plan(), workers=1)
    street.take("a", *[("loud", float(n)) for n in range(3 * MOST)], ("calm", 1.0))
    await settle()
    hands(street).answer()
    await settle()
    hands(street).answer()
    assert street.seqs()["a", "calm"] == [1]


@pytest.mark.usefixtures("by_hand")
async def test_idle_workers_share_the_boards() -> None:
    """Few readings leave together; many are split among the workers that are free, board by board."""
    street = Street(Plan(), workers=4)
    for board in "abcdefgh":
        street.take(board, ("S", 1.0))
    await settle()
    assert len(hands(street).held) == 1
    street = Street(Plan(), workers=4)
    for board in "abcdefgh":
        street.take(board, *[("S", 1.0)] * 300)
    await settle()
    assert len(hands(street).held) == 4


@pytest.mark.usefixtures("by_hand")
async def test_what_does_not_fit_is_shed_and_counted() -> None:
    """A board has at most `most` readings waiting; each one beyond is counted, and its number is missing."""
    street = Street(Plan(), most=100)
    street.take("a", *[("S", 1.0)] * 40)
    await settle()  # these are with the worker
    street.take("a", *[("S", 2.0)] * 60)
    street.take("a", *[("S", 3.0)] * 150)
    street.take("b", *[("S", 4.0)] * 100)
    assert street.dropped == {("a", Drop.SHED): 110}
    assert (street.stage.held("a"), street.stage.held("b")) == (140, 100)
    for _ in range(2):
        hands(street).answer()
        await settle()
    street.take("a", ("S", 5.0))
    await settle()
    hands(street).answer()
    assert street.seqs()["a", "S"] == [*range(1, 141), 251]
    assert street.dropped == {("a", Drop.SHED): 110}


@pytest.mark.usefixtures("by_hand")
async def test_of_a_board_that_has_gone_only_the_numbers_are_kept() -> None:
    """Its windows go once nothing of it is here; when it comes back in the same run its numbers go on."""
    street = Street(Plan(window_s=None, window_n=10))
    for value in (1.0, 2.0):
        street.take("a", ("S1", value))
    street.stage._dispatch()
    street.stage.forget("a")
    assert street.stage.held("a") == 2
    hands(street).answer()
    street.stage.forget("a")
    assert street.stage.sensors("a") == []
    street.take("a", ("S1", 3.0), ("S2", 1.0))
    street.stage._dispatch()
    hands(street).answer()
    assert [(f.sensor, list(f.seq), list(f.n)) for f in street.out[-2:]] == [("S1", [3], [1]), ("S2", [1], [1])]


@pytest.mark.usefixtures("by_hand")
async def test_out_of_range_is_dropped_or_clamped() -> None:
    """`drop` counts and leaves a gap; `clamp` lets the reading through and computes from the bound."""
    plans = {
        "drop": Plan(range=(0.0, 50.0), out_of_range="drop"),
        "clamp": Plan(range=(0.0, 50.0), out_of_range="clamp"),
    }
    street = Street(lambda board, sensor: plans[sensor])
    street.take("a", ("drop", 20.0), ("drop", 99.0), ("drop", -1.0), ("drop", 50.0), ("clamp", 99.0))
    await settle()
    hands(street).answer()
    assert street.seqs() == {("a", "drop"): [1, 4], ("a", "clamp"): [1]}
    assert street.dropped == {("a", Drop.OUT_OF_RANGE): 2}
    clamped = next(f for f in street.out if f.sensor == "clamp")
    assert (clamped.value[0], clamped.columns[clamped.keys.index("max")][0]) == (99.0, 50.0)


@pytest.mark.usefixtures("by_hand")
async def test_linger_waits_for_company() -> None:
    """A batch leaves `linger` after its oldest reading came, with all that came meanwhile."""
    street = Street(Plan(), linger=0.05)
    began = asyncio.get_running_loop().time()
    await street.stage.start()
    street.take("a", ("S", 1.0))
    await asyncio.sleep(0.02)
    street.take("b", ("S", 1.0))
    await settle()
    assert not hands(street).held
    await until(lambda: hands(street).held)
    assert asyncio.get_running_loop().time() - began >= 0.05
    hands(street).answer()
    assert sorted(street.seqs()) == [("a", "S"), ("b", "S")]


@pytest.mark.usefixtures("by_hand")
async def test_stop_does_not_linger() -> None:
    """What waits for company leaves at once when the stage is stopped."""
    street = Street(Plan(), linger=60.0)
    await street.stage.start()
    street.take("a", ("S", 1.0))
    await settle()
    stopping = asyncio.create_task(street.stage.stop(5.0))
    await settle()
    hands(street).answer()
    await asyncio.wait_for(stopping, 1.0)
    assert street.seqs() == {("a", "S"): [1]}
    assert not street.dropped


@pytest.mark.usefixtures("by_hand")
async def test_the_fault_of_one_sensor_stays_with_it() -> None:
    """A batch that fails is tried again sensor by sensor; the one that fails alone is dropped, counted and told, and
    its next windows are as if those readings had never been."""
    street = Street(Plan(window_s=None, window_n=3, use=("mean",)), workers=1)
    street.take("a", ("good", 1.0), ("bad", 10.0))
    street.take("b", ("good", 2.0))
    await settle()
    hands(street).answer()
    street.take("a", ("good", 3.0), ("bad", 666.0), ("bad", 667.0))
    street.take("b", ("good", 4.0))
    await settle()
    hands(street).fail()
    for fails in (False, True, False):
        await settle()
        assert street.stage.held("a") + street.stage.held("b") > 0
        (hands(street).fail if fails else hands(street).answer)()
    assert street.dropped == {("a", Drop.COMPUTE_FAILED): 2}
    assert street.events == ["compute.failed"]
    assert street.seqs() == {("a", "good"): [1, 2], ("a", "bad"): [1], ("b", "good"): [1, 2]}
    street.take("a", ("bad", 20.0), ("good", 5.0))
    await settle()
    hands(street).answer()
    assert street.seqs()["a", "bad"] == [1, 4]
    bad = [f for f in street.out if f.sensor == "bad"][-1]
    assert (bad.n[0], bad.columns[2][0]) == (2, 15.0)


@pytest.mark.usefixtures("by_hand")
async def test_an_exception_in_a_worker_is_a_failure() -> None:
    """A traceback comes back as text; the stage goes on with the next reading."""
    street = Street(Plan())
    street.take("a", ("S", 1.0))
    await settle()
    hands(street).answer(instead=answer(b"no pickle"))
    assert street.dropped == {("a", Drop.COMPUTE_FAILED): 1}
    street.take("a", ("S", 2.0))
    await settle()
    hands(street).answer()
    assert street.seqs() == {("a", "S"): [2]}


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize("nonsense", [b"", b"\x80", answer(b"x")[:20], b"N.", b"].", dumps([(1, 2, 3, 4, 5, 6)])])
async def test_nonsense_changes_nothing(nonsense: bytes) -> None:
    """An answer that is none, or of another batch, is refused; the task's true answer still fits."""
    street = Street(Plan())
    street.take("a", ("S", 1.0), ("S", 2.0))
    street.take("b", ("S", 1.0))
    await settle()
    data, answered, _ = hands(street).held[0]
    other = Street(Plan())
    other.take("a", ("S", 1.0))
    await settle()
    for wrong in (nonsense, answer(hands(other).held[0][0])):
        with pytest.raises(Nonsense):
            answered(wrong)
        assert (street.stage.held("a"), street.stage.held("b"), street.out) == (2, 1, [])
    answered(answer(data))
    assert street.seqs() == {("a", "S"): [1, 2], ("b", "S"): [1]}


@pytest.mark.slow
@pytest.mark.usefixtures("by_hand")
async def test_many_windows_that_are_sent_whole_make_several_batches() -> None:
    """When the windows of 64 sensors end together, no batch carries more than its weight, and all leave."""
    street = Street(Plan(window_s=None, window_n=4000, use=("mean",)), most=10**6)
    sizes = []
    for _ in range(3):
        street.take("a", *[(f"S{k}", 1.0) for k in range(64) for _ in range(4000)])
        await settle()
        while hands(street).held:
            sizes.append(len(hands(street).held[0][0]))
            hands(street).answer()
            await settle()
    assert sum(map(len, street.out)) == 64 * 12_000
    assert max(sizes) < 16 * (HEAVIEST + 4000) + 40 * 2 * MOST


actions = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from("abc"), st.integers(1, 60), st.sampled_from([10.0, 99.0])),
        st.tuples(st.just("answer"), st.integers(0, 3)),
        st.tuples(st.just("fail"), st.integers(0, 3)),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(actions, st.integers(1, 3))
def test_held_is_what_came_less_what_left(doings: list[tuple], workers: int) -> None:
    """At all times, for each board: readings that came in = out + dropped + held; and each sensor's numbers ascend."""

    async def act() -> None:
        plan = Plan(window_s=None, window_n=4, use=("mean",), range=(0.0, 50.0), out_of_range="drop")
        street = Street(plan, workers=workers, most=100)
        for what, *how in doings:
            if what == "take":
                street.take(how[0], *[(f"S{k % 3}", how[2]) for k in range(how[1])])
            elif what == "look":
                await settle()
            elif hands(street).held:
                k = how[0] % len(hands(street).held)
                hands(street).answer(k) if what == "answer" else hands(street).fail(k)
            for board in street.came:
                assert street.came[board] == street.left(board) + street.stage.held(board)
                assert street.stage.held(board) >= 0
        given_back = Counter[str]()
        for features in await street.stage.stop(0.0):
            given_back[features.board] += len(features)
        assert all(street.came[board] == street.left(board) + given_back[board] for board in street.came)
        for seqs in street.seqs().values():
            assert seqs == sorted(set(seqs))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.compute.stage.Pool", Hands)
        asyncio.run(act())
