"""What the broker does not take: how long it waits, and what is told."""

from gateway.publish.refusals import CUT_PAUSE, CUT_PAUSE_MOST, CUTS, Refusals


def test_a_topic_at_which_the_line_is_cut_again_and_again_waits_ever_longer():
    """The first few cost no wait, then it doubles up to a bound; a message that is taken ends it."""
    told = []
    refusals = Refusals(clock=lambda: 0.0)
    refusals.event = lambda name, **fields: told.append(name)
    assert [refusals.cut("t") for _ in range(CUTS - 1)] == [0.0] * (CUTS - 1)
    assert [refusals.cut("t") for _ in range(3)] == [CUT_PAUSE, 2 * CUT_PAUSE, 4 * CUT_PAUSE]
    assert refusals.cut("u") == 0.0
    assert max(refusals.cut("t") for _ in range(100)) == CUT_PAUSE_MOST
    refusals.clear("u")
    refusals.clear("t")
    assert told == ["broker.refusing", "broker.accepting"]
    assert refusals.cut("t") == 0.0
