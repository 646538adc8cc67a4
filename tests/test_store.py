"""The spool's file against a model of it, within its limit, and with a disk that fails."""

import math
import os
import random
import sqlite3
from array import array
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.model import Drop
from gateway.publish.spool import sql, store
from gateway.publish.spool.blocks import joined, read
from gateway.publish.spool.leftovers import Leftovers, set_aside
from gateway.publish.spool.nouns import Gone
from gateway.publish.spool.sql import CORRUPT, FAILED, FULL, READ_ONLY, Trouble
from gateway.publish.spool.store import FILE, Store
from gateway.publish.spool.tables import LAST_ID
from gateway.publish.spool.tails import FEW, Tail, Tails
from tests.blocks_made import block
from tests.conftest import BUDGET
from tests.test_blocks import made

pytestmark = pytest.mark.usefixtures("closed_files")

LIMIT = 1_000_000
LANES = [("a", "x"), ("a", "y"), ("b", "x"), ("c", "\ud800")]


def files(folder):
    """Bytes of all files in `folder`."""
    return sum(one.stat().st_size for one in folder.iterdir())


def every(opened, after=None, before=None):
    """The blocks that a lane reads one after another."""
    found, at = [], dict(after or dict.fromkeys(opened.rows, 0))
    while (one := opened.next(at, before or {})) is not None:
        found.append(one)
        at[one.source.lane] = one.id
    return found


class StoreMachine(RuleBasedStateMachine):
    """Blocks that cannot be read, so that they stay apart, against a plain dict of them."""

    @initialize(limit=st.sampled_from([1_000_000, 1_500_000, 3_000_000]))
    def begin(self, limit):
        import tempfile
        from pathlib import Path

        self.temporary = tempfile.TemporaryDirectory()
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
        for id, one in zip(done.ids, new, strict=True):
            assert id > max(before, default=0)
            self.model[id] = one.source.lane, one.rows, one.wall
            if one.copy:
                self.busy.add(id)
        if len(self.busy) > 20:
            self.busy = set(list(self.busy)[-5:])
        self.given_up(done.lost, keep=self.busy)

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
TestStore.settings = settings(
    max_examples=60 if BUDGET else 15, stateful_step_count=50 if BUDGET else 30, deadline=None
)


@pytest.fixture
def opened(tmp_path):
    """A store of a megabyte."""
    one = Store(tmp_path, LIMIT)
    yield one
    one.close()


# small blocks


@pytest.mark.slow
def test_small_blocks_become_large_ones(opened):
    for number in range(1, 1001):
        for sensor in ("x", "y"):
            opened.put([block("a", sensor, first=number, at=number, mono=number)], {}, ())
    found = every(opened)
    assert opened.rows == {("a", "x"): 1000, ("a", "y"): 1000}
    assert len(found) < 2 * (1000 // 64 + 2 * FEW)
    for sensor in ("x", "y"):
        blocks = [read(one.source, one.data) for one in found if one.source.sensor == sensor]
        assert list(joined(blocks)[0].seq) == list(range(1, 1001))
        walls = [one.wall for one in found if one.source.sensor == sensor]
        assert walls == sorted(walls)
        assert walls[-1] == 1000


def test_copies_and_busy_blocks_stay_as_they_are(opened):
    copies = opened.put([block(copy=True, first=n) for n in range(1, 101)], {}, ()).ids
    busy = opened.put([block(first=n) for n in range(101, 105)], {}, copies).ids
    for n in range(105, 300):
        opened.put([block(first=n)], {}, [*copies, *busy])
    assert all(opened.has(id) for id in [*copies, *busy])
    opened.forget({id: Gone(("b", "s"), 1) for id in copies})
    assert opened.rows == {("b", "s"): 199}
    assert sum(one.rows for one in every(opened)) == 199


def test_only_blocks_of_one_source_are_joined(opened):
    for number in range(1, 65):
        opened.put([block(first=number, unset=number % 2 == 0)], {}, ())
    assert all(one.rows == 1 for one in every(opened))


def test_tails_are_joined_in_their_order_whatever_is_busy():
    dice = random.Random(5)
    for _ in range(200):
        tails, lane, made_of, busy = Tails(), ("b", "s"), {}, set()
        for number in range(1, 120):
            made_of[number] = [number]
            tails.add(lane, Tail(number, dice.randint(1, 20) // 20, dice.choice([1, 1, 1, 9, 64])))
            busy = {id for id in busy if dice.random() < 0.9} | ({number} if dice.random() < 0.1 else set())
            while run := tails.due(lane, busy):
                ids = [tail.id for tail in run]
                assert not busy & set(ids)
                assert len({tail.source for tail in run}) == 1
                between = [id for id in made_of if ids[0] <= id <= ids[-1]]
                assert between == ids, "neighbours only"
                made_of[ids[0]] = [one for id in ids for one in made_of.pop(id)]
                tails.joined(lane, run)
        assert [one for id in sorted(made_of) for one in made_of[id]] == list(range(1, 120))


@pytest.mark.parametrize(("hz", "every_s", "sensors"), [(0.2, 1, 8), (10, 1, 4), (100, 1, 1), (1, 60, 2)])
@pytest.mark.parametrize("wild", [False, True])
def test_what_a_reading_takes_on_the_disk(tmp_path, hz, every_s, sensors, wild):
    """As the keeper stores it: what has come in the last second, of each sensor."""
    opened, dice, per = Store(tmp_path, 64_000_000), random.Random(3), max(1, int(hz * every_s))
    puts = max(400, 3000 // per) // sensors
    from gateway.publish.spool.filing import Saved, filed

    for _ in range(puts):
        new = []
        for number in range(sensors):
            features = made(per, dice, hz=hz, wild=wild)
            features.sensor = f"S{number}"
            features.seq = array("q", range(per))
            new.append(filed(Saved(features, {}, "run", {}), "boot", 0.0))
        opened.put(new, {}, ())
    readings = opened.rows.total()
    opened._file.empty_log()
    assert (tmp_path / FILE).stat().st_size / readings < 60
    opened.close()


# the limit


def test_the_board_that_holds_most_gives_up_its_oldest(opened):
    quiet = opened.put([block("quiet", rows=64, size=10_000) for _ in range(5)], {}, ()).ids
    lost = []
    for _ in range(100):
        lost += opened.put([block("loud", rows=64, size=10_000)], {}, ()).lost
    assert lost
    assert {lane[0] for lane, *_ in lost} == {"loud"}
    assert all(map(opened.has, quiet))


def test_what_it_drops_is_counted_in_the_file_by_reason(opened, tmp_path):
    """Whoever kills the program finds the sums in the file; what the broker has taken is not among them."""
    full = 0
    for _ in range(100):
        done = opened.put([block("a", rows=64, size=10_000)], {}, ())
        full += sum(gone.rows for gone in done.lost)
    opened.forget({done.ids[0]: Gone(("a", "s"), 64)})
    aged = sum(gone.rows for gone in opened.drop_older(lambda one: one.id < done.ids[0] - 10, ()))
    assert full and aged
    assert opened.dropped == {Drop.SPOOL_FULL: full, Drop.SPOOL_AGE: aged}
    opened.forget({one.id: Gone(one.source.lane, one.rows) for one in every(opened)})
    assert not every(opened), "its files are small again"
    opened.close()
    again = Store(tmp_path, LIMIT)
    assert again.dropped == {Drop.SPOOL_FULL: full, Drop.SPOOL_AGE: aged}
    again.close()


def test_what_is_done_with_is_no_loss(opened):
    ids = []
    while not (done := opened.put([block("a", rows=64, size=10_000)], {}, ())).lost:
        ids += done.ids
    gone = {id: Gone(("a", "s"), 64) for id in ids[1:40]}
    assert opened.put([block("a", rows=64, size=10_000)] * 3, gone, ()).lost == []


def test_what_cannot_find_room_among_busy_blocks_is_refused_whole(opened):
    ids, blocks = [], [block("a", rows=64, size=10_000)]
    while not (done := opened.put(blocks, {}, ids)).lost:
        ids += done.ids
        if len(ids) > 60:
            break
        try:
            opened.put([], {}, ids)
        except Trouble:
            break
    before = dict(opened.rows)
    with pytest.raises(Trouble, match="max_bytes is too small") as caught:
        opened.put(blocks * 100, {}, [*ids, *done.ids])
    assert caught.value.kind == FULL
    assert opened.rows == before


def test_spools_set_aside_give_way(tmp_path):
    for number in range(4):
        (tmp_path / FILE).write_bytes(bytes(250_000))
        set_aside(tmp_path / FILE)
        os.utime(next(iter(tmp_path.glob("*.damaged.db"))), (number, number))
    assert len(list(tmp_path.glob("*.damaged.db"))) == 2
    opened = Store(tmp_path, LIMIT)
    for _ in range(100):
        assert opened.put([block("a", rows=64, size=10_000)], {}, ()).lost == [] or Leftovers(tmp_path).size == 0
        assert files(tmp_path) <= LIMIT * 1.05
    assert Leftovers(tmp_path).size == 0
    opened.close()


def test_an_empty_spool_is_small(opened, tmp_path):
    ids = [id for _ in range(60) for id in opened.put([block("a", rows=64, size=9_000)], {}, ()).ids]
    assert files(tmp_path) > 500_000
    opened.forget({id: Gone(("a", "s"), 64) for id in ids})
    assert files(tmp_path) < 100_000
    again = opened.put([block("a", rows=64, size=9_000)], {}, ())
    assert again.ids[0] > ids[-1], "numbers are not used again while the file is open"


# age


def test_what_has_no_known_age_does_not_keep_the_rest(opened):
    opened.put([block("a", rows=64, at=number, unset=number < 700, size=20) for number in range(1, 800)], {}, ())
    dropped = opened.drop_older(lambda one: None if one.source.unset else one.wall < 750, ())
    assert len(dropped) == 50
    assert opened.rows.total() == 64 * 749


# what is not ours


def broken(tmp_path, change):
    """A spool with 10 blocks after `change`, which gets a connection to it."""
    opened = Store(tmp_path, LIMIT)
    opened.put([block("a", rows=64) for _ in range(10)], {}, ())
    opened.close()
    with sqlite3.connect(tmp_path / FILE) as db:
        change(db)
    db.close()
    return tmp_path


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA user_version=1",
        "PRAGMA user_version=3",
        "PRAGMA user_version=0",
        "DROP INDEX by_lane",
        "ALTER TABLE blocks ADD COLUMN more",
        "CREATE TRIGGER t AFTER INSERT ON blocks BEGIN DELETE FROM blocks; END",
        "CREATE VIEW v AS SELECT 1",
        "UPDATE blocks SET rows = 'many' WHERE id = 3",
        "UPDATE blocks SET rows = 0 WHERE id = 3",
        f"UPDATE blocks SET rows = {2**62} WHERE id > 3",
        f"UPDATE blocks SET id = {LAST_ID + 1} WHERE id = 3",
        "UPDATE blocks SET id = -3 WHERE id = 3",
        "UPDATE lanes SET name = '[1, 2]'",
        "UPDATE lanes SET name = x'00ff'",
        "DELETE FROM lanes",
        "INSERT INTO dropped VALUES ('spool_full', 'many')",
        "INSERT INTO dropped VALUES ('spool_full', -1)",
        "INSERT INTO dropped VALUES (NULL, 1)",
        "INSERT INTO dropped VALUES (x'00ff', 1)",
    ],
)
def test_a_file_that_is_not_ours_is_not_opened(tmp_path, statement):
    with pytest.raises(Trouble) as caught:
        Store(broken(tmp_path, lambda db: db.execute(statement)), LIMIT)
    assert caught.value.kind == CORRUPT


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE blocks SET wall = 'noon'",
        "UPDATE blocks SET mono = 9e999",
        "UPDATE blocks SET data = 'text'",
        "UPDATE blocks SET data = zeroblob(17000000)",
        "UPDATE blocks SET source = 77",
        "UPDATE sources SET text = '{}'",
        "UPDATE sources SET text = replace(text, '\"a\"', '\"other\"')",
        "UPDATE sources SET text = hex(zeroblob(600000))",
    ],
)
def test_a_block_that_is_none_is_found_out(tmp_path, statement):
    opened = Store(broken(tmp_path, lambda db: db.execute(statement)), LIMIT)
    with pytest.raises(Trouble) as caught:
        every(opened)
    assert caught.value.kind == CORRUPT
    opened.close()


def test_a_file_that_was_emptied_is_not_taken_for_a_new_one(tmp_path):
    broken(tmp_path, lambda db: None)
    (tmp_path / FILE).write_bytes(b"")
    with pytest.raises(Trouble) as caught:
        Store(tmp_path, LIMIT)
    assert caught.value.kind == CORRUPT


def test_no_link_is_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    state = tmp_path / "state"
    state.mkdir()
    for name in (f"{FILE}-wal", f"{FILE}-journal", "spool.reserve"):
        (state / name).symlink_to(victim)
    opened = Store(state, LIMIT)
    opened.put([block()], {}, ())
    opened.close()
    assert victim.read_text() == "precious"
    assert not any(one.is_symlink() for one in state.iterdir())
    (state / FILE).unlink()
    (state / FILE).symlink_to(victim)
    with pytest.raises(Trouble):
        Store(state, LIMIT)
    assert victim.read_text() == "precious"


def test_files_are_for_us_alone(tmp_path):
    before = os.umask(0)
    try:
        opened = Store(tmp_path, LIMIT)
        opened.put([block()], {}, ())
        assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o600}
        opened.close()
    finally:
        os.umask(before)


# a disk that fails


class Failing(sql.File):
    """A file whose statements fail when told to. fails: (start of a statement, how often it passes) -> an error."""

    fails: dict = {}  # noqa: RUF012

    def _fail(self, text):
        for start, (passes, kind, after) in list(self.fails.items()):
            if text.startswith(start):
                if passes:
                    self.fails[start] = passes - 1, kind, after
                    continue
                if after:  # it has come through all the same
                    super().rows(text)
                    self.fails.pop(start)
                raise Trouble(kind, "on purpose")

    def rows(self, text, *values):
        self._fail(text)
        return super().rows(text, *values)

    def do(self, text, *values):
        self._fail(text)
        return super().do(text, *values)


@pytest.fixture
def failing(monkeypatch):
    """Has files fail: failing[start of a statement] = passes, kind, whether it comes through all the same."""
    monkeypatch.setattr(store, "File", Failing)
    monkeypatch.setattr(Failing, "fails", {})
    return Failing.fails


@pytest.mark.parametrize(
    "statement", ["BEGIN", "INSERT INTO blocks", "COMMIT", "DELETE FROM blocks", "INSERT INTO lanes"]
)
@pytest.mark.parametrize("kind", [FULL, FAILED, READ_ONLY])
def test_a_put_is_all_or_nothing(tmp_path, failing, statement, kind):
    opened = Store(tmp_path, LIMIT)
    ids = opened.put([block("a", rows=64)] * 5, {}, ()).ids
    failing[statement] = 0, kind, False
    new = [block("new", rows=64)] * 3
    with pytest.raises(Trouble) as caught:
        opened.put(new, {ids[0]: Gone(("a", "s"), 64)}, ())
    assert caught.value.kind == kind
    failing.clear()
    if kind != FULL:
        opened.close()
        opened = Store(tmp_path, LIMIT, ids[-1])
    assert +opened.rows == {("a", "s"): 320}
    assert [one.id for one in every(opened)] == ids
    done = opened.put(new, {ids[0]: Gone(("a", "s"), 64)}, ())
    assert +opened.rows == {("a", "s"): 256, ("new", "s"): 192}
    assert [one.id for one in every(opened)] == [*ids[1:], *done.ids]
    opened.close()


def names(opened):
    """How many lanes and sources are written down."""
    return [opened._file.number(f"SELECT count(*) FROM {table}") for table in ("lanes", "sources")]


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


def test_a_commit_that_failed_and_came_through_is_undone(tmp_path, failing):
    opened = Store(tmp_path, LIMIT)
    ids = opened.put([block("a", rows=64)] * 5, {}, ()).ids
    failing["COMMIT"] = 0, FAILED, True
    with pytest.raises(Trouble):
        opened.put([block("a", rows=64)] * 3, {}, ())
    opened.close()
    opened = Store(tmp_path, LIMIT, ids[-1])
    assert [one.id for one in every(opened)] == ids
    assert opened.rows == {("a", "s"): 320}
    opened.close()


def test_what_was_given_up_in_a_failed_commit_stays_doubtful(tmp_path, failing):
    opened = Store(tmp_path, LIMIT)
    while not opened.put([block("a", rows=64, size=9_000)], {}, ()).lost:
        pass
    opened.doubtful = {}
    last, before = opened.last, opened.dropped[Drop.SPOOL_FULL]
    failing["COMMIT"] = 0, FAILED, True
    with pytest.raises(Trouble):
        opened.put([block("a", rows=64, size=9_000)], {}, ())
    doubtful, rows = dict(opened.doubtful), opened.rows.total()
    opened.close()
    assert doubtful
    opened = Store(tmp_path, LIMIT, last)
    lost = sum(gone.rows for id, gone in doubtful.items() if not opened.has(id))
    assert opened.rows.total() + lost == rows
    assert opened.dropped == {Drop.SPOOL_FULL: before + lost}, "in the same commit"
    opened.close()


def test_a_full_log_is_brought_in_before_the_disk_counts_as_full(tmp_path, failing):
    opened = Store(tmp_path, LIMIT)
    opened.put([block("a", rows=64, size=900)], {}, ())
    at = os.stat(tmp_path / f"{FILE}-wal").st_size
    failing["INSERT INTO blocks"] = 0, FULL, False
    emptied = []
    real = opened._file.empty_log

    def empty_log():
        failing.clear()
        emptied.append(os.stat(tmp_path / f"{FILE}-wal").st_size)
        real()

    opened._file.empty_log = empty_log
    opened.put([block("a", rows=64, size=900)], {}, ())
    assert emptied == [at]
    opened.close()


def test_on_a_full_disk_the_reserve_is_given_up_to_forget(tmp_path, failing):
    opened = Store(tmp_path, LIMIT)
    ids = opened.put([block("a", rows=64)] * 5, {}, ()).ids
    reserve = tmp_path / "spool.reserve"
    assert reserve.stat().st_size >= 32_768
    failing["COMMIT"] = 0, FULL, False
    unlink = opened._reserve.give_up

    def give_up():
        failing.clear()
        return unlink()

    opened._reserve.give_up = give_up
    opened.forget({ids[0]: Gone(("a", "s"), 64)})
    assert opened.rows == {("a", "s"): 256}
    assert reserve.exists(), "it is there again as soon as there is room"
    opened.close()


def test_a_disk_without_room_has_no_reserve_and_no_half_of_one(tmp_path, monkeypatch):
    from gateway.publish.spool import reserve

    monkeypatch.setattr(reserve, "room", lambda folder: 40_000)
    opened = Store(tmp_path, LIMIT)
    assert not (tmp_path / "spool.reserve").exists()
    monkeypatch.undo()
    opened.probe()
    assert (tmp_path / "spool.reserve").stat().st_size == opened._reserve.size
    opened.close()


def test_a_probe_writes_and_tells_of_a_full_disk(tmp_path, failing, monkeypatch):
    opened = Store(tmp_path, LIMIT)
    before = os.stat(tmp_path / f"{FILE}-wal").st_size
    opened.probe()
    assert os.stat(tmp_path / f"{FILE}-wal").st_size > before, "it writes"
    monkeypatch.setattr(store, "room", lambda folder: 1000)
    with pytest.raises(Trouble, match="1 kB are free") as caught:
        opened.probe()
    assert caught.value.kind == FULL
    opened.close()


@pytest.mark.parametrize("statement", ["VACUUM", "DELETE FROM sources", "DELETE FROM lanes", "PRAGMA wal_checkpoint"])
def test_what_cannot_be_shrunk_works_all_the_same(tmp_path, failing, statement):
    opened = Store(tmp_path, LIMIT)
    ids = [id for _ in range(20) for id in opened.put([block("a", rows=64, size=9_000)], {}, ()).ids]
    failing[statement] = 0, FULL, False
    opened.forget({id: Gone(("a", "s"), 64) for id in ids})
    failing.clear()
    again = opened.put([block("a", rows=64), block("z", rows=64)], {}, ())
    assert [one.id for one in every(opened)] == again.ids
    opened.close()


def test_errors_of_the_library_and_the_system_are_of_a_kind(tmp_path):
    import errno

    cases = [
        (OSError(errno.ENOSPC, "x"), FULL), (OSError(errno.EROFS, "x"), READ_ONLY), (OSError(errno.EIO, "x"), FAILED),
        (sqlite3.DatabaseError("x"), CORRUPT), (sqlite3.OperationalError("x"), FAILED), (KeyError("x"), CORRUPT),
        (OverflowError("x"), CORRUPT),
    ]  # fmt: skip
    for error, kind in cases:
        with pytest.raises(Trouble) as caught, sql.told(tmp_path):
            raise error
        assert caught.value.kind == kind
    assert math.inf > sql.room(tmp_path) > 0


@pytest.mark.slow
def test_many_sensors_and_small_blocks_stay_within_the_limit(tmp_path):
    opened, dice = Store(tmp_path, LIMIT), random.Random(7)
    most, stored, lost = 0, 0, 0
    for number in range(1, 21):
        new = [block(dice.choice("abc"), f"S{n}", rows=dice.choice([1, 1, 1, 8]), first=number * 8) for n in range(350)]
        done = opened.put(new, {}, ())
        stored += sum(one.rows for one in new)
        lost += sum(gone.rows for gone in done.lost)
        most = max(most, files(tmp_path))
        assert opened.rows.total() == stored - lost
    assert lost
    assert most <= LIMIT * 1.05
    ids = {one.id: Gone(one.source.lane, one.rows) for one in every(opened)}
    opened.forget(dict(list(ids.items())[: len(ids) // 2]))
    assert files(tmp_path) <= LIMIT * 1.05
    dropped = opened.drop_older(lambda one: True, ())
    assert files(tmp_path) <= LIMIT * 1.05
    assert sum(gone.rows for gone in dropped) == sum(gone.rows for gone in list(ids.values())[len(ids) // 2 :])
    opened.close()
