"""What every row holds at its end: alive, balanced, local, bounded, told; and all is well after the storm."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from tests.faults import lag, tree
from tests.faults.judge import Key, share
from tests.faults.rows import TIER, lasting

if TYPE_CHECKING:
    from tests.faults.scene import Scene

STORM = 15.0 if "GATEWAY_WITHOUT" in os.environ else 60.0  # s in which all is well again, where it ever is
ENOUGH = 1000 if TIER == "full" else 500  # readings without which a row has shown nothing
GROWTH = 20_000_000  # bytes
PROCESS = 35e6  # bytes of one that is there twice while it is replaced
SLOWEST, TIMES = 0.1, 2.0  # s; times the latency before
HOPS = 3  # processes on the way, each of which the machine may have kept waiting for a core
LAGS = ("gateway.lag", "idle.lag")
LATE, LATEST = 0.02, 0.1  # s that the loop may be late: p99 and ever, beyond an idle loop beside it
CLEAN = 2.0  # s after the end of a trouble in which the status is clean
STOP = 5.0  # s
OUT = ("acknowledged", "sent_unacknowledged", "in_flight", "spooled", "condensed")


def after_the_storm(
    scene: Scene,
    *,
    told: Collection[tuple[str, str]] = (),
    faults: Collection[str] = (),
    bystanders: Collection[str] = (),
    lost: int | set[Key] = 0,
    dropped: Collection[str] = (),
    staying: Collection[str] = (),
    excepted: Collection[str] = (),
    stop: float = STOP,
) -> dict[str, Any]:
    """All five rules. Gives the gateway's last document.

    told: events that were told once each, the start and the end of the trouble. faults: names that the status had for
    it. bystanders: boards that the fault is no matter of. lost: readings that the row gives up, beyond what the ledger
    counts as dropped: how many, or which may be. dropped: the reasons that may be counted. staying: faults that rightly
    stay.
    excepted: of latency, lag, memory, handles (descriptors and threads).
    """
    assert scene.proofs, "nothing has proven that the fault happened: this row shows nothing"
    trouble_told(scene, told, faults)
    well_again(scene, staying)
    alive(scene)
    bounded(scene, excepted)
    for board in scene.boards.values():
        board.stop()
        board.wait_done()
    arrived(scene, lost)
    ended = time.monotonic()
    code = scene.gateway.stop(stop)
    assert code == 0, f"it ended with {code}"
    last = balanced(scene, lost, dropped)
    local(scene, bystanders, excepted)
    loop_in_time(scene, ended, excepted)
    return last


def well_again(scene: Scene, staying: Collection[str]) -> None:
    """Fresh readings of every board, an empty spool, a clean status."""
    now = time.monotonic()
    scene.arrive(now, STORM, "after the storm: fresh readings of every board")

    def clean() -> bool:
        found = scene.status()
        return set(found["faults"]) <= set(staying) and found["spooled"] == 0 and found["state"] == "online"

    scene.until(clean, "after the storm: online again, with a clean status and nothing spooled", STORM)
    for name in scene.boards:
        scene.until(lambda name=name: scene.status(name).get("state") == "online", f"{name} is online again", STORM)
    scene.calm = time.monotonic()
    scene.spend(lasting(5.0, 1.0, 0.7))


def alive(scene: Scene) -> None:
    """Rule 1: the same process, and no traceback."""
    assert scene.gateway.process.poll() is None, f"it has ended: {scene.gateway.log.read_text()[-2000:]}"
    assert "Traceback" not in scene.gateway.log.read_text(), scene.gateway.log.read_text()[-4000:]


def bounded(scene: Scene, excepted: Collection[str]) -> None:
    """Rule 4: memory, descriptors and threads are as before."""
    before = scene.baseline
    if "memory" not in excepted:
        peak = scene.highest - before["resident"]
        assert peak <= GROWTH + PROCESS, f"memory had grown by {peak / 1e6:.1f} MB"
        grown = scene.reading()["resident"] - before["resident"]
        assert grown <= GROWTH, f"memory has grown by {grown / 1e6:.1f} MB"
    if "handles" not in excepted:

        def as_before() -> bool:
            now = scene.reading()
            return now["fds"] <= before["fds"] and now["threads"] <= before["threads"]

        scene.until(as_before, f"descriptors and threads as before: {before}, now {scene.reading()}", 15.0)


def trouble_told(scene: Scene, told: Collection[tuple[str, str]], faults: Collection[str]) -> None:
    """Rule 5: one event at the start and one at the end, a fault in the status, and a clean status soon after."""
    for start, end in told:
        scene.until(lambda end=end: scene.times(end) > 0, f"{end} is told", STORM)
        assert scene.times(start) == 1, f"{start} is told {scene.times(start)} times: {scene.events(start)}"
        assert scene.times(end) == 1, f"{end} is told {scene.times(end)} times: {scene.events(end)}"
    if told:
        ended, end = max((scene.events(end)[-1]["mono"], end) for _, end in told)  # troubles may overlap

        def clean() -> list[float]:
            documents = scene.judge.documents["gateway/gw/status"]
            return [
                heard.at
                for heard in documents
                if heard.at > ended - 0.1 and not set(faults) & set(heard.document["faults"])
            ]

        scene.until(clean, f"a clean status after {end}", 10.0)
        first = clean()[0]
        behind = scene.judge.behind(first)  # a backlog that ends is also what the listener has before it
        assert first <= ended + CLEAN + behind, f"the status is clean only {first - ended:.1f} s after {end}"
    totals = scene.status()["fault_totals"]
    assert set(faults) <= set(totals), f"the status has named {set(totals)} and not {set(faults) - set(totals)}"


def arrived(scene: Scene, lost: int | set[Key]) -> None:
    """All that was written has arrived, but what the ledger counts as dropped, and `lost`."""
    number, may_be = (lost, set[Key]()) if isinstance(lost, int) else (0, lost)

    def all_there() -> bool:
        counted = sum(sum(scene.status(name).get("dropped", {}).values()) for name in scene.boards)
        return len(scene.judge.missing() - may_be) <= counted + number

    scene.until(all_there, "written and neither heard nor counted: none", 30.0)


def balanced(scene: Scene, lost: int | set[Key], dropped: Collection[str]) -> dict[str, Any]:
    """Rule 2: the laws hold in every document; the last ones agree with what was written and what was heard."""
    judge = scene.judge
    scene.until(lambda: scene.status().get("state") == "offline", "the last document", 10.0)
    judge.listen()
    for topic, documents in judge.documents.items():
        if topic.endswith("/status"):
            for heard in documents:
                _laws(heard.document)
    last = scene.status()
    assert not judge.refused, f"no JSON: {judge.refused[:3]}"
    assert not judge.strangers(), f"nobody wrote {sorted(judge.strangers())[:5]}"
    assert not (wrong := judge.wrong()), wrong[:3]
    scene.told["doubled"] = judge.doubled()
    assert not (wrong_order := judge.out_of_order()), wrong_order
    assert len(judge.written.sent) >= ENOUGH, f"only {len(judge.written.sent)} readings were written"
    missing = judge.missing()
    counted = {name: scene.status(name)["dropped"] for name in scene.boards}
    assert {reason for one in counted.values() for reason in one} <= set(dropped), counted
    for name in scene.boards if not lost else ():
        gone = sum(1 for key in missing if key[0] == name)
        assert gone == sum(counted[name].values()), f"{name}: {gone} are missing, and the ledger has {counted[name]}"
    number, may_be = (lost, set[Key]()) if isinstance(lost, int) else (0, lost)
    gone = len(missing - may_be)
    assert gone <= number + sum(sum(one.values()) for one in counted.values()), f"{gone} are lost that may not be"
    assert last["in_flight"] == 0 and last["balanced"] is True, last
    return last


def _laws(document: dict[str, Any]) -> None:
    if document["state"] == "offline" and document.get("truncated"):  # a brief will, which has none
        return
    refused, refused_values = sum(document["refused"].values()), sum(document["refused_values"].values())
    assert document["frames"] == document["decoded"] + document["noise"] + refused, document
    assert document["values"] == document["readings"] + refused_values, document
    if "acknowledged" in document:
        out = sum(document[key] for key in OUT) + sum(document["dropped"].values())
        assert document["readings"] + document["inherited"] == out, document


def local(scene: Scene, bystanders: Collection[str], excepted: Collection[str]) -> None:
    """Rule 3: bystanders are as quick as before, during the fault too; and everybody is, after it."""
    judge, boards = scene.judge, set(scene.boards)
    before = share(judge.latencies(boards, scene.steady_from, scene.steady_to), 0.99)
    waits = [lag.read(scene.folder / file, scene.steady_from, time.monotonic())[1] for file in LAGS]
    limit = max(TIMES * before, SLOWEST) + HOPS * max(share(wait, 0.999) for wait in waits)
    after = share(judge.latencies(boards, scene.calm, time.monotonic()), 0.99)
    scene.told |= {"p99_before_ms": round(before * 1e3, 1), "p99_after_ms": round(after * 1e3, 1)}
    if bystanders:
        during = share(judge.latencies(set(bystanders), scene.began, scene.calm), 0.99)
        scene.told["p99_bystanders_ms"] = round(during * 1e3, 1)
        assert "latency" in excepted or during <= limit, f"bystanders are slower: {during:.3f} s, before {before:.3f}"
    assert "latency" in excepted or after <= limit, f"slower than before: {after:.3f} s, before {before:.3f}"


def loop_in_time(scene: Scene, ended: float, excepted: Collection[str]) -> None:
    """The loop never waits: no later than an idle loop beside it, and a little."""
    (ours, waits), (idle, others) = (lag.read(scene.folder / file, scene.steady_from, ended) for file in LAGS)
    assert ours and idle, "no lag was metered"
    worst, beside = ours[-1], idle[-1]
    scene.told |= {"lag_p99_ms": round(share(ours, 0.99) * 1e3, 1), "lag_ms": round(worst * 1e3, 1)}
    scene.told["idle_lag_ms"] = round(beside * 1e3, 1)
    if "lag" not in excepted:
        assert share(ours, 0.99) <= LATE + share(idle, 0.99), f"the loop is late: {scene.told}"
        without = max(waits[-1], others[-1])  # a core; as long may have waited who had the interpreter's lock
        assert worst <= LATEST + beside + without, f"the loop was late once: {scene.told}"
    assert tree.state(scene.pid) in ("", "Z") or scene.gateway.process.poll() is not None
