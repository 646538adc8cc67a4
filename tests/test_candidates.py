"""Who of a cluster's workers may be hired: without a cluster, by what its scheduler would say."""

from __future__ import annotations

from gateway.compute.cluster.staff import Seen
from gateway.hired.candidates import ANSWER, EMPTY, SAID, Candidates


def test_one_that_is_fit() -> None:
    """Its threads are taken one by one, and given back; one that is paused or unasked is not."""
    all_ = Candidates(0.0)
    new, gone = all_.look({"a": Seen(2, 1.0, True), "b": Seen(3, 1.0, False), "c": Seen(1, 1.0, True)}, 0.0)
    assert ([*new], gone, all_.many(), all_.take()) == (["a", "b", "c"], [], 0, None)
    new["a"].why = new["b"].why = ""
    assert (all_.many(), all_.take(), all_.take(), all_.take()) == (2, "a", "a", None)
    all_.back("a")
    all_.back("x")
    assert all_.take() == "a"
    assert all_.look({"a": Seen(2, 1.0, True), "b": Seen(3, 1.0, True)}, 1.0) == ({}, ["c"])
    assert (all_.many(), all_.take()) == (5, "b")


def test_one_that_comes_again_is_asked_again() -> None:
    """Also under the same address: what it said before was said by another."""
    all_ = Candidates(0.0)
    all_.look({"a": Seen(1, 1.0, True)}, 0.0)[0]["a"].why = ""
    assert all_.take() == "a"
    assert all_.look({}, 1.0) == ({}, ["a"])
    new, _ = all_.look({"a": Seen(1, 2.0, True)}, 2.0)
    new["a"].why = ""
    all_.back("a")
    assert (all_.take(), all_.take()) == ("a", None)


def test_a_cluster_without_workers() -> None:
    """One may come within a while; that starts anew when the last has gone."""
    all_ = Candidates(0.0)
    assert [all_.useless(EMPTY), all_.useless(EMPTY + 1)] == ["", "has no workers"]
    all_.look({"a": Seen(1, 1.0, True)}, 20.0)
    all_.look({}, 21.0)
    assert [all_.useless(20.0 + EMPTY), all_.useless(21.0 + EMPTY)] == ["", "has no workers"]


def test_workers_that_have_other_work() -> None:
    """They are waited for, as long as they are heard from and have something to do, and it is said."""
    all_ = Candidates(0.0)
    at = 0.0
    while at < 10 * ANSWER:
        all_.look({"a": Seen(1, at, True, True)}, at)
        assert not all_.useless(at)
        assert all_.waits(at) == ("have other work" if at > SAID else "")
        at += 1.0
    later = at + ANSWER + 1.0
    all_.look({"a": Seen(1, at - 1.0, True, True)}, later)  # not heard any more
    assert all_.useless(later) == f"has no worker that can be used (a has not answered for {ANSWER:.0f} s)"
    assert not all_.waits(later)


def test_workers_that_are_paused() -> None:
    """By Dask, when their memory is nearly used up: that is said, and not that they are of no use."""
    all_ = Candidates(0.0)
    all_.look({"a": Seen(1, 0.0, True)}, 0.0)[0]["a"].why = ""
    all_.look({"a": Seen(1, 1.0, True)}, 1.0)
    all_.look({"a": Seen(1, 90.0, False)}, 90.0)
    assert all_.waits(90.0) == "are paused, as Dask does with those whose memory is nearly used up"
    assert (all_.many(), all_.useless(90.0)) == (0, "")
    all_.look({"a": Seen(1, 91.0, True)}, 91.0)
    assert not all_.waits(91.0)


def test_one_that_has_nothing_to_do_and_is_silent() -> None:
    """It is of no use, until it answers after all."""
    all_ = Candidates(0.0)
    candidate = all_.look({"a": Seen(1, 0.0, True)}, 0.0)[0]["a"]
    all_.look({"a": Seen(1, 31.0, True)}, 31.0)
    assert "a has not answered" in all_.useless(31.0)
    candidate.why = ""
    assert (all_.useless(31.0), all_.many()) == ("", 1)


def test_those_that_are_of_no_use() -> None:
    """The first three are named; one that may still answer is waited for."""
    all_ = Candidates(0.0)
    new, _ = all_.look({name: Seen(1, 0.0, True) for name in "abcde"}, 0.0)
    for name in "abcd":
        new[name].why = f"is {name}"
    assert all_.useless(1.0) == ""
    new["e"].why = "is e"
    assert all_.useless(1.0) == "has no worker that can be used (a is a; b is b; c is c)"


def test_a_connection_in_doubt() -> None:
    """Nobody is hired before the scheduler has been seen again."""
    all_ = Candidates(0.0)
    all_.look({"a": Seen(1, 0.0, True)}, 0.0)[0]["a"].why = ""
    all_.doubt()
    assert (all_.many(), all_.take()) == (0, None)
    all_.look({"a": Seen(1, 1.0, True)}, 1.0)
    assert (all_.many(), all_.take()) == (1, "a")
