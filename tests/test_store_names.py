"""The names of lanes and sources in the spool's file, which go when nothing of theirs is there any more."""

import pytest

from gateway.publish.spool import store
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.sql import FULL
from gateway.publish.spool.store import Store
from tests.blocks_made import block
from tests.stores import LIMIT, every, failing, names

__all__ = ["failing"]  # the fixture
pytestmark = pytest.mark.usefixtures("closed_files")


def test_names_of_what_is_not_there_any_more_go(tmp_path, monkeypatch):
    """At the first deletion of a run, and whenever many more have come; what has blocks keeps its name."""
    monkeypatch.setattr(store, "NAMELESS", 20)
    opened = Store(tmp_path, LIMIT)
    (stays,) = opened.put([block("stays", rows=64)], {}, ()).ids
    for number in range(9):
        ids = opened.put([block(f"b{number}", rows=64)], {}, ()).ids
        opened.put((), {ids[0]: Gone((f"b{number}", "s"), 64)}, ())
    assert names(opened) == [10, 10]
    opened.forget({})
    assert names(opened) == [1, 1]
    for number in range(100):
        ids = opened.put([block(f"b{number}", rows=64)], {}, ()).ids
        opened.forget({ids[0]: Gone((f"b{number}", "s"), 64)})
        assert sum(names(opened)) <= 2 + 20 + 2
    assert [one.id for one in every(opened)] == [stays]
    (last,) = opened.put([block("b7", rows=64)], {}, ()).ids
    assert [one.source.board for one in every(opened)] == ["stays", "b7"]
    opened.close()
    opened = Store(tmp_path, LIMIT)
    assert [one.id for one in every(opened)] == [stays, last]
    opened.close()


def test_sources_of_a_lane_that_is_never_empty_go(tmp_path):
    """Each run and each change of tags has a source of its own; those without a block go once they are a crowd."""
    opened = Store(tmp_path, LIMIT)
    ids = [opened.put([block("a", rows=64, boot=f"boot {number}")], {}, ()).ids[0] for number in range(120)]
    opened.forget({id: Gone(("a", "s"), 64) for id in ids[1:-1]})
    assert names(opened) == [1, 2]
    assert [one.source.boot for one in every(opened)] == ["boot 0", "boot 119"]
    opened.close()


def test_a_disk_that_does_not_take_it_keeps_the_names(tmp_path, failing):
    """They go another time; what was known of the lanes is as before."""
    opened = Store(tmp_path, LIMIT)
    ids = opened.put([block("a", rows=64), block("b", rows=64)], {}, ()).ids
    failing["DELETE FROM lanes"] = 0, FULL, False
    opened.forget({ids[0]: Gone(("a", "s"), 64)})
    failing.clear()
    assert names(opened) == [2, 2]
    opened.put([block("a", rows=64)], {}, ())
    opened.forget({ids[1]: Gone(("b", "s"), 64)})
    assert names(opened) == [1, 1]
    assert [one.source.board for one in every(opened)] == ["a"]
    opened.close()
