"""The books of the spool: which readings lie there and nowhere else."""

import random

from gateway.publish.spool.holdings import Holdings
from gateway.publish.spool.nouns import Gone
from tests.blocks_made import source

LANE = ("bench", "S1")


def test_holdings_count_what_is_nowhere_else():
    """Against a plain list of places, with everything that may happen to a block."""
    dice = random.Random(4)
    holds, places, last = Holdings(), {}, 0  # number -> [place, readings left, readings]
    for _ in range(5000):
        at = {
            place: [id for id, one in places.items() if one[0] == place] for place in ("copy", "waits", "out", "gone")
        }
        what = dice.choice(["store", "copy", "uncopied", "promoted", "fetch", "done", "forget", "lose", "vanish"])
        if what in ("store", "copy"):
            last += 1
            holds.stored(last, LANE, 5, copy=what == "copy")
            places[last] = ["copy" if what == "copy" else "waits", 5, 5]
        elif what == "uncopied" and at["copy"]:
            id = dice.choice(at["copy"])
            holds.uncopied(id)
            places[id][0] = "gone"
        elif what == "promoted" and at["copy"]:
            id = dice.choice(at["copy"])
            holds.promoted(id)
            places[id][0] = "waits"
        elif what == "fetch" and at["waits"]:
            id = at["waits"][0]
            holds.fetched(id, source(*LANE), 5)
            places[id][0] = "out"
        elif what == "done" and at["out"]:
            id = dice.choice(at["out"])
            readings = dice.randint(1, places[id][1])
            holds.done(holds.out[id], readings)
            places[id][1] -= readings
            if not places[id][1]:
                places[id][0] = "gone"
        elif what == "forget":
            holds.forgotten(at["gone"])
            for id in at["gone"]:
                del places[id]
        elif what == "lose" and at["waits"]:
            holds.lost([Gone(LANE, 5)])
            del places[at["waits"][-1]]
        elif what == "vanish":
            missing = set(dice.sample(at["copy"], len(at["copy"]) // 3)) | set(at["gone"][:1])
            assert holds.vanished(missing) == missing & set(at["copy"])
            for id in missing:
                del places[id]
        left = sum(one[1] for one in places.values() if one[0] in ("waits", "out"))
        assert holds.held("bench") == holds.rows[LANE] == left
        assert holds.waiting is bool(left)
        assert set(holds.gone) == {id for id, one in places.items() if one[0] == "gone"}
        assert holds.busy == {id for id, one in places.items() if one[0] in ("copy", "out")}
        assert set(holds.spare) == holds.busy | set(holds.gone)
        if holds.copies:
            assert holds.ahead([LANE])[1] == {LANE: min(holds.copies)}


def test_what_is_done_with_is_not_sent():
    """A copy whose reading was acknowledged while it was fetched is not sent."""
    holds = Holdings()
    holds.stored(1, LANE, 3, copy=True)
    holds.uncopied(1)
    assert holds.fetched(1, source(*LANE), 3) is None
    assert holds.ahead([LANE]) == ({}, {})
