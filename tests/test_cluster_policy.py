"""Where a batch goes, whether a cluster is used, and which of its workers: numbers and looks in, verdicts out."""

import pytest

from gateway.compute.cluster import conduct, letters
from gateway.compute.cluster.conduct import Conduct, back, in_time, late, tried, used
from gateway.compute.cluster.policy import FRESH, LATEST, MOST_KINDS, Costs, sized, sooner
from gateway.compute.cluster.staff import ASKED, BARRED, Seen, Staff


def test_a_cost_is_the_median_of_the_latest() -> None:
    """One stall changes nothing, fifteen batches do; kinds are kept apart, and what was never measured has no cost."""
    costs = Costs()
    assert costs.of("a") is None
    for _ in range(LATEST):
        costs.note("a", 10, 0.1, 0.0)
    costs.note("a", 10, 60.0, 0.0)
    costs.note("b", 1, 5.0, 0.0)
    assert costs.of("a") == pytest.approx(0.01) and costs.of("b") == 5.0
    for _ in range(LATEST):
        costs.note("a", 100, 0.1, 0.0)
    assert costs.of("a") == pytest.approx(0.001)


def test_kinds_are_bounded() -> None:
    """The kind that was not seen for longest is forgotten first."""
    costs = Costs()
    for kind in range(MOST_KINDS):
        costs.note(kind, 1, 1.0, 0.0)
    costs.note(0, 1, 1.0, 0.0)
    costs.note("new", 1, 1.0, 0.0)
    assert costs.of(0) == 1.0 and costs.of("new") == 1.0 and costs.of(1) is None


def test_a_cost_grows_old() -> None:
    """What was not measured for a while is to be measured anew, and counts until then."""
    costs = Costs()
    assert not costs.fresh("a", 0.0)
    costs.note("a", 1, 1.0, 100.0)
    assert costs.fresh("a", 100.0 + FRESH - 0.1) and not costs.fresh("a", 100.0 + FRESH) and costs.of("a") == 1.0


def test_batches_of_about_one_size_are_one_kind() -> None:
    """Twice as many readings are another kind: the way costs the same for few and for many."""
    assert sized(1) != sized(2) != sized(4)
    assert sized(33) == sized(63) != sized(64)


@pytest.mark.parametrize(
    ("here", "there", "readings", "wait", "goes"),
    [
        (1e-6, 3e-6, 4096, 0.0, False),  # large and cheap: the way is longer than the computing
        (1e-6, 3e-6, 4096, 0.005, False),  # also with a batch before it
        (1e-6, 3e-6, 4096, 0.5, True),  # but not with a queue before it
        (0.05, 0.06, 1, 0.0, False),  # heavy, and a worker here has nothing to do
        (0.05, 0.06, 1, 0.05, True),  # heavy, and it would wait
        (0.05, 0.01, 1, 0.0, True),  # a slow board, a fast cluster
        (0.05, 0.045, 1, 0.0, False),  # about the same: it stays
        (None, 0.01, 1, 9.0, False),
        (0.05, None, 1, 9.0, False),
    ],
)
def test_it_goes_where_it_is_done_sooner(
    here: float | None, there: float | None, readings: int, wait: float, goes: bool
) -> None:
    """By what either takes and how long a worker here is not free; what was not measured is not guessed."""
    assert sooner(here, there, readings, wait) is goes


def test_three_times_too_late_and_it_is_not_used() -> None:
    """Within ten seconds; twice, or thrice in a minute, is no reason."""
    one = late(late(Conduct(), 0.0), 9.0)
    assert used(one)
    assert used(late(one, 11.0)) and not used(late(one, 9.5))


def test_it_is_tried_again_and_ever_more_rarely() -> None:
    """Not before its pause is over; in time it is used again, too late the next pause is twice as long, to a minute."""
    one = Conduct()
    for at in (0.0, 1.0, 2.0):
        one = late(one, at)
    assert one.until == 2.0 + conduct.FIRST
    assert not tried(one, 6.9) and tried(one, 7.0)
    assert late(one, 3.0) == one == in_time(one, 3.0)  # what was given before
    again = late(one, 7.0)
    assert again.until == 7.0 + 2 * conduct.FIRST and not used(again)
    free = in_time(again, 17.0)
    assert used(free)
    for at in (20.0, 21.0, 22.0):
        free = late(free, at)
    assert free.until == 22.0 + 4 * conduct.FIRST  # it was slow a moment ago
    for _ in range(9):
        assert free.until is not None
        free = late(free, free.until)
    assert free.pause == conduct.LONGEST
    assert free.until is not None
    calm, later = in_time(free, free.until), free.until + conduct.BEHAVED
    for at in (0.0, 1.0, 2.0):
        calm = late(calm, later + at)
    assert calm.until == later + 2.0 + conduct.FIRST


def test_a_cluster_that_was_away_is_used_at_once() -> None:
    """It was too slow because it was going; what was before makes the next pause longer."""
    one = Conduct()
    for at in (0.0, 1.0, 2.0):
        one = late(one, at)
    again = back(one, 3.0)
    assert used(again) and back(again, 4.0) == again
    for at in (5.0, 6.0, 7.0):
        again = late(again, at)
    assert again.until == 7.0 + 2 * conduct.FIRST


ORDER = letters.Order("tcp://127.0.0.1:1", "1.0.0", features=('{"module": "own", "function": "f"}',))


def seen(*addresses: str, heard: float = 1.0, running: bool = True) -> dict[str, Seen]:
    """Workers as a scheduler sees them."""
    return {address: Seen(2, heard, running) for address in addresses}


def test_a_worker_is_of_use_once_it_has_our_version() -> None:
    """Until it says so nothing is known; then it has its threads and one task ahead, and the features that it can."""
    staff = Staff(ORDER, b"{}")
    assert staff.standing(0.0).state == letters.EMPTY
    assert staff.look(seen("a", "b"), 0.0) == ["a", "b"] and staff.look(seen("a", "b"), 0.1) == []
    assert staff.standing(0.1).state == letters.CONNECTING and staff.fit() == []
    staff.said("a", "1.0.0")
    assert staff.standing(0.2) == letters.Standing(letters.CONNECTED, "", 1, 3)
    staff.able("a", 0, "")
    staff.said("b", "0.9.0")
    standing = staff.standing(0.3)
    assert (standing.workers, standing.able) == (1, (0,)) and staff.fit(0) == ["a"]
    assert standing.reason == "has 1 of 2 workers that cannot do all (b has gateway 0.9.0 and not 1.0.0)"


def test_a_cluster_without_our_version_is_not_used() -> None:
    """It says so, and which it has; a worker without any gateway says that."""
    staff = Staff(ORDER, b"{}")
    staff.look(seen("a", "b"), 0.0)
    staff.said("a", "0.9.0")
    staff.said("b", "", "has no gateway 1.0.0 that answers (ModuleNotFoundError)")
    standing = staff.standing(0.1)
    assert standing.state == letters.VERSION and standing.hands == 0
    assert "a has gateway 0.9.0 and not 1.0.0; b has no gateway 1.0.0" in standing.reason


def test_a_worker_that_is_not_heard_gets_nothing() -> None:
    """Its scheduler has not heard of it for three seconds, or does not let it run; once back it need not be asked."""
    staff = Staff(ORDER, b"{}")
    staff.look(seen("a"), 0.0)
    staff.said("a", "1.0.0")
    staff.look(seen("a"), 2.9)
    assert staff.fit() == ["a"]
    staff.look(seen("a"), 3.1)
    assert staff.fit() == [] and "heard" in staff.standing(3.1).reason
    assert staff.look(seen("a", heard=2.0), 3.2) == [] and staff.fit() == ["a"]
    staff.look(seen("a", heard=3.0, running=False), 3.3)
    assert staff.fit() == []


def test_a_worker_that_never_says_its_version_is_not_waited_for() -> None:
    """After ten seconds the cluster counts as one without workers; one that has left and comes back is asked anew."""
    staff = Staff(ORDER, b"{}")
    staff.look(seen("a"), 0.0)
    assert staff.standing(ASKED - 0.1).state == letters.CONNECTING
    assert staff.standing(ASKED + 0.1).state == letters.EMPTY
    staff.look({}, 11.0)
    assert staff.look(seen("a"), 12.0) == ["a"]
    staff.forget("a")
    assert staff.look(seen("a"), 13.0) == ["a"]
    staff.gone()
    assert staff.look(seen("a"), 14.0) == ["a"]


def test_a_feature_that_a_worker_cannot_compute_is_named() -> None:
    """Batches still go there, and calls of that feature do not."""
    staff = Staff(ORDER, b"{}")
    staff.look(seen("a"), 0.0)
    staff.said("a", "1.0.0")
    staff.able("a", 0, "it needs the module scipy")
    assert staff.fit() == ["a"] and staff.fit(0) == []
    assert staff.standing(0.1).reason.endswith("(a cannot compute own:f: it needs the module scipy)")


def test_a_feature_that_failed_on_a_worker_is_tried_there_again() -> None:
    """After ten minutes, as one in quarantine; until then it is named, and gets all else."""
    order = letters.Order("tcp://h:1", "1", features=('{"module": "m", "function": "f"}',))
    staff = Staff(order, b"{}")
    staff.look({"w": Seen(1, 0.0, True), "x": Seen(1, 0.0, True)}, 0.0)
    for address in ("w", "x"):
        staff.able(address, 0, "")
        staff.said(address, "1")
    staff.failed("w", 0, "raised " + "x" * 999, 1.0)
    assert (staff.fit(), staff.fit(0)) == (["w", "x"], ["x"])
    assert "w cannot compute m:f: raised xxx" in staff.standing(1.0).reason
    assert len(staff.standing(1.0).reason) < 600
    staff.able("w", 0, "")  # whoever asks meanwhile
    assert (staff.fit(0), staff.again(BARRED)) == (["x"], [])
    assert staff.again(1.0 + BARRED) == ["w"]
    staff.able("w", 0, "")
    assert (staff.fit(0), staff.standing(700.0).reason) == (["w", "x"], "")


def test_a_feature_that_ends_workers_is_nobody_s() -> None:
    """For ten minutes, and the status says so."""
    order = letters.Order("tcp://h:1", "1", features=('{"module": "m", "function": "f"}',))
    staff = Staff(order, b"{}")
    staff.look({"w": Seen(1, 0.0, True)}, 0.0)
    staff.able("w", 0, "")
    staff.said("w", "1")
    staff.shut(0, "ended each worker", 1.0)
    standing = staff.standing(1.0)
    assert (staff.fit(0), standing.able, standing.reason) == ([], (), "does not get m:f, which ended each worker")
    assert staff.again(1.0 + BARRED) == []
    assert (staff.fit(0), staff.standing(700.0).reason) == (["w"], "")
