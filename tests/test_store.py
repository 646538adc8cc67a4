"""The spool's file against a model of it: what was put in is there, in order, whatever is deleted or opened anew."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.model import Drop
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.store import Store
from tests.blocks_made import block
from tests.conftest import examples
from tests.stores import every, files, opened

__all__ = ["opened"]  # the fixture
pytestmark = pytest.mark.usefixtures("closed_files")
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # what is compared is not what a disk takes its time for
LANES = [("a", "x"), ("a", "y"), ("b", "x"), ("c", "\ud800")]


class StoreMachine(RuleBasedStateMachine):
    """Blocks that cannot be read, so that they stay apart, against a plain dict of them."""

    @initialize(limit=st.sampled_from([1_000_000, 1_500_000, 3_000_000]))
    def begin(self, limit):
        self.temporary = tempfile.TemporaryDirectory(dir=IN_MEMORY)
        self.folder, self.limit = Path(self.temporary.name), limit
        self.store = Store(self.folder, limit)
        self.model = {}  # number -> (lane, readings, wall)
        self.busy, self.clock = set(), 1.0

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            self.temporary.cleanup()

    @rule(
        lanes=st.lists(st.sampled_from(LANES), max_size=8),
        size=st.sampled_from([300, 900, 1000, 5_000, 20_000]),
        forgets=st.integers(0, 5),
        copies=st.booleans(),
    )
    def put(self, lanes, size, forgets, copies):
        self.clock += 1
        gone = {id: Gone(*self.model[id][:2]) for id in list(self.model)[:forgets] if id not in self.busy}
        new = [block(*lane, rows=64 + len(lanes), size=size, at=self.clock, copy=copies) for lane in lanes]
        before = dict(self.model)
        done = self.store.put(new, gone, self.busy)
        for id in gone:
            del self.model[id]
        self.given_up(done.lost, keep=self.busy)  # before the new ones are there
        for id, one in zip(done.ids, new, strict=True):
            assert id > max(before, default=0)
            self.model[id] = one.source.lane, one.rows, one.wall
            if one.copy:
                self.busy.add(id)
        if len(self.busy) > 20:
            self.busy = set(list(self.busy)[-5:])

    def given_up(self, lost, keep):
        """Each was the oldest that is not busy of the board that held most just then."""
        for lane, rows, _ in lost:
            id = next(id for id, one in self.model.items() if one[:2] == (lane, rows) and id not in keep)
            held, there = Counter(), Counter()
            for (board, _), count, _ in self.model.values():
                held[board] += count
            for number, ((board, _), _, _) in self.model.items():
                if number not in keep:
                    there[board] += 1
            assert held[lane[0]] == max(count for board, count in held.items() if there[board])
            assert id == min(n for n, one in self.model.items() if one[0][0] == lane[0] and n not in keep)
            del self.model[id]

    @rule(which=st.lists(st.integers(0, 30), max_size=10))
    def forget(self, which):
        numbers = [id for at, id in enumerate(self.model) if at in which]
        self.store.forget({id: Gone(*self.model.pop(id)[:2]) for id in numbers})
        self.busy -= set(numbers)

    @rule()
    def forget_all(self):
        self.store.forget({id: Gone(*one[:2]) for id, one in self.model.items()})
        self.model, self.busy = {}, set()

    @rule(share=st.floats(0, 1))
    def replace(self, share):
        if self.model:
            id = list(self.model)[int(share * (len(self.model) - 1))]
            lane, rows, wall = self.model[id]
            self.store.rewrite({id: block(*lane, rows=max(1, rows - 1), size=400, at=wall)})
            self.model[id] = lane, max(1, rows - 1), wall

    @rule(age=st.integers(0, 10))
    def drop_older(self, age):
        dropped = self.store.drop_older(lambda one: one.wall < self.clock - age, self.busy)
        old = [id for id, one in self.model.items() if one[2] < self.clock - age and id not in self.busy]
        assert sorted(dropped) == sorted(Gone(*self.model.pop(id)[:2], Drop.SPOOL_AGE) for id in old)

    @rule(within=st.booleans())
    def open_again(self, within):
        known = self.store.last if within else None
        self.store.close()
        self.store = Store(self.folder, self.limit, known)

    @invariant()
    def holds(self):
        if not hasattr(self, "store"):
            return
        rows = Counter()
        for lane, count, _ in self.model.values():
            rows[lane] += count
        assert +self.store.rows == rows
        assert files(self.folder) == self.store.size() + 0 <= self.limit * 1.05
        assert [(one.id, one.source.lane, one.rows) for one in every(self.store)] == [
            (id, *one[:2]) for id, one in sorted(self.model.items())
        ]


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=examples(15, 60), stateful_step_count=examples(30, 50), deadline=None)
