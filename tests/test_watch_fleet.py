"""A fleet, as its retained documents tell of it: states, ages, rates; its picture; bounded, whoever writes."""

import json
import re
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.instants import instant
from gateway.live import cells
from gateway.watch import fleet as module
from gateway.watch.fleet import STALE, Fleet
from gateway.watch.listing import Listing, keys
from gateway.watch.look import Link
from gateway.watch.many import fleet_changes
from gateway.watch.overview import SORTS, Moment, Pick, sheet, sheet_lines, struck, summary
from tests.street import ROOT
from tests.watched import AT, WALL, status, topic

LINK = Link("broker:1883", "gateway/+/status")


def document(name, at=WALL, **more):
    """(topic, payload) of a gateway's document, written at that time."""
    more = {"time": instant(at), "started": instant(WALL - 3600), "readings": 3600} | more
    return topic("status", gateway=name), status(gateway=name, **more)[1]


def lost(name, **more):
    """(topic, payload) of a gateway's will, as old as its connection."""
    return document(name, WALL - 3600, state="offline", reason="lost", **more)


def fleet(*messages, at=AT, wall=WALL, known=None):
    """A fleet that has heard these."""
    known = known or Fleet("gateway")
    for where, payload in messages:
        known.hear(where, payload, at, wall)
    return known


def only(known, later=0.0):
    """The row of the only gateway, so many s later."""
    (row,) = known.rows(AT + later, WALL + later)
    return row


def text(known, width=100, height=24, pick=None, **more):
    """The picture without its styles, line by line."""
    moment = Moment(LINK, known.rows(AT, WALL), known.rubbish, known.worst, known.beyond, **more)
    drawn = sheet(moment, pick or Pick(), width, height)
    return ["".join(part for part, _ in line) for line in sheet_lines(moment, drawn, width, height)]


def after(presses, known, height=24):
    """The choice after these keys."""
    moment, pick = Moment(LINK, known.rows(AT, WALL)), Pick()
    for key in keys(presses):
        drawn = sheet(moment, pick, 100, height)
        pick = struck(drawn.pick, key, drawn)
    return sheet(moment, pick, 100, height).pick


def test_a_gateway_is_a_row():
    """All that a row shows is in its document."""
    faults = {"link": {"since": None, "count": 1, "text": "it is not there"}}
    row = only(fleet(document("g", spooled=7, boards={"online": 2, "silent": 1}, faults=faults)))
    assert (row.name, row.state, row.since, row.age, row.version) == ("g", "online", 3600, 0, "1.2.3")
    assert (row.boards, row.spooled, row.hours_left) == ({"online": 2, "silent": 1}, 7, 71.5)
    assert (row.faults, row.clock, row.rate) == ({"link": "it is not there"}, "", 1.0)


def test_who_says_nothing_for_three_documents_is_stale():
    """A document that says online is believed for 90 s; after that it is told once, and until the next."""
    known = fleet(document("g"))
    assert only(known, STALE).state == "online"
    assert list(known.aged(AT + STALE, WALL + STALE)) == []
    row = only(known, STALE + 1)
    assert (row.state, row.since, row.rate) == ("stale", STALE + 1, None)
    ((kind, name, what),) = known.aged(AT + STALE + 1, WALL + STALE + 1)
    assert (kind, name, what["state"], what["since"]) == ("gateway", "g", "stale", instant(WALL))
    assert list(known.aged(AT + STALE + 2, WALL + STALE + 2)) == []
    fleet(document("g", WALL + 95), known=known, at=AT + 95, wall=WALL + 95)
    assert only(known, 96).state == "online"


def test_what_was_retained_for_long_is_stale_at_once():
    """A gateway whose bridge, or whose broker, went without a will: its document says online, and is old."""
    assert only(fleet(document("g", WALL - 3600))).state == "stale"


def test_a_clock_that_is_wrong_makes_nobody_stale():
    """A gateway that is an hour behind is stale only until it has spoken; then its clock is what is wrong."""
    known = fleet(document("g", WALL - 3600))
    fleet(document("g", WALL - 3590), known=known, at=AT + 10, wall=WALL + 10)
    assert (only(known, 20).state, only(known, 20).age, only(known, 20).clock) == ("online", 10, "behind")
    known.joined()  # what comes now was retained: its age is by its own clock
    fleet(document("g", WALL - 3560), known=known, at=AT + 60, wall=WALL + 60)
    assert only(known, 60).age == 20
    assert only(fleet(document("g", clock="unsynced"))).clock == "not set"
    ahead = fleet(document("g", WALL), document("g", WALL + 60))
    assert (only(ahead).clock, only(ahead).age) == ("ahead", 0)


def test_a_will_says_lost_and_a_stop_offline():
    """Since when is known where it was seen, or said; a will is as old as its connection, and so are its counts."""
    retained = only(fleet(lost("g", spooled=5)))
    assert (retained.state, retained.since, retained.spooled, retained.boards) == ("lost", None, None, {})
    known = fleet(document("g"))
    fleet(lost("g"), known=known, at=AT + 5, wall=WALL + 5)
    assert (only(known, 8).state, only(known, 8).since) == ("lost", 3)
    stopped = only(fleet(document("g", WALL - 60, state="offline", reason="stopped", spooled=9)))
    assert (stopped.state, stopped.since, stopped.spooled) == ("offline", 60, 9)
    fleet(document("g", WALL + 20, run="next", readings=0), known=known, at=AT + 20, wall=WALL + 20)
    assert (only(known, 20).state, only(known, 20).run) == ("online", "next")


def test_the_rate_is_that_between_two_documents():
    """Of the first since its start; those that come at once after another make none; a new run begins anew."""
    known = fleet(document("g", WALL - 20))
    assert only(known).rate == pytest.approx(3600 / 3580)
    fleet(document("g", WALL + 10, readings=6600), known=known, at=AT + 10, wall=WALL + 10)
    assert only(known, 10).rate == 100
    fleet(document("g", WALL + 11, readings=6601), known=known, at=AT + 11, wall=WALL + 11)
    assert only(known, 11).rate == 100
    fleet(document("g", WALL + 30, readings=6800), known=known, at=AT + 30, wall=WALL + 30)
    assert only(known, 30).rate == 10
    begun = document("g", WALL + 40, run="next", started=instant(WALL + 39), readings=2)
    fleet(begun, known=known, at=AT + 40, wall=WALL + 40)
    assert only(known, 40).rate is None


def test_what_is_retained_again_is_no_news():
    """After a lost connection the broker sends what it keeps: what is known already is as old as it was."""
    known = fleet(document("g"))
    known.joined()
    assert known.hear(*document("g"), AT + 60, WALL + 60) == ()
    assert only(known, 60).age == 60


def test_who_is_taken_back_is_gone():
    """An empty retained message takes a gateway out of the inventory, and says so once."""
    known = fleet(document("g"))
    assert known.hear(topic("status"), b"", AT, WALL) == [("gateway", "g", {"state": "gone"})]
    assert known.hear(topic("status"), b"", AT, WALL) == ()
    assert known.gateways == {}


def test_rubbish_makes_no_gateway():
    """No JSON, another's name, wrong types: counted, and the last topic named; other topics are nobody's."""
    known = fleet(
        (topic("status"), b"["), (topic("status"), b"\xff" * 1000), (topic("status"), b'{"state": "online"}'),
        (topic("status", gateway="other"), document("g")[1]), (topic("bench", "status"), document("g")[1]),
        ("else/g/status", document("g")[1]), ("gateway/" + "x" * 70 + "/status", document("g")[1]),
    )  # fmt: skip
    assert (known.gateways, known.rubbish, known.worst) == ({}, 4, "gateway/other/status")


def test_forged_gateways_are_bounded(monkeypatch):
    """However many are forged, and however long their documents: as many as there is room for, cut; others count."""
    monkeypatch.setattr(module, "MEMBERS", 50)
    known = Fleet("gateway")
    long = {f"{i}" + "ü" * 500: {"text": "ü" * 5000} for i in range(20)}
    more = {f"{i}" + "ü" * 150: i for i in range(60)}
    tracemalloc.start()
    for i in range(60):
        known.hear(*document(f"g{i}", faults=long, version="ü" * 9999, run="ü" * 200, boards=more, **more), AT, WALL)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(known.gateways), known.beyond) == (50, 10)
    assert size / 50 < 8000
    assert any("10 messages of more gateways than are kept" in line for line in text(known))


@given(
    st.integers(3, 3000), st.integers(-62_000_000_000, 250_000_000_000), st.integers(-62_000_000_000, 250_000_000_000)
)
def test_times_may_be_any(later, one, other):
    """Whatever times somebody writes, and in which order: there is a row, and what is said of it is JSON."""
    known = Fleet("gateway")
    for step, time in enumerate((one, other, one)):
        if step == 2:
            known.joined()
        for _, _, what in known.hear(*document("g", time, started=instant(other)), AT + step, WALL + step):
            json.dumps(what, allow_nan=False)
    list(known.aged(AT + later, WALL + later))
    (row,) = known.rows(AT + later, WALL + later)
    assert row.age >= 0


# the picture

SIX = (
    document("hall", boards={"online": 3}), document("cellar", boards={"online": 1, "silent": 2}, spooled=1200),
    document("attic", WALL - 600), lost("yard"), document("barn", state="offline", reason="stopped"),
    document("shop", faults={"disk": {"text": "the disk is full"}}),
)  # fmt: skip


def test_the_worst_come_first():
    """Lost, stale, stopped, then those with something wrong; the head counts them, and what is wrong is said."""
    lines = text(fleet(*SIX))
    assert lines[0].startswith(" gateway watch  3 online, 1 stale, 1 lost, 1 offline")
    assert "5 online, 2 silent   3 readings/s, 1,200 in 1 spool" in lines[1]
    first = next(i for i, line in enumerate(lines) if "what is wrong" in line)
    names = [line[1:].split()[0] for line in lines[first + 1 : first + 7]]
    assert names == ["yard", "attic", "barn", "cellar", "shop", "hall"]
    assert any("1 of 3" in line for line in lines)
    assert any("disk: the disk is full" in line for line in lines)


@pytest.mark.parametrize(
    ("sort", "first"),
    [("gateway", "attic"), ("spooled", "cellar"), ("faults", "shop"), ("age", "yard"), ("since", "barn")],
)
def test_they_are_put_in_the_chosen_order(sort, first):
    """s goes through the orders, r turns one round."""
    pick = after(b"s" * SORTS.index(sort), fleet(*SIX))
    assert pick.listing.sort == sort
    lines = text(fleet(*SIX), pick=pick)
    assert lines[next(i for i, line in enumerate(lines) if "what is wrong" in line) + 1][1:].startswith(first)
    assert after(b"s" * len(SORTS), fleet(*SIX)).listing.sort == "worst"
    last = text(fleet(*SIX), pick=replace(pick, listing=replace(pick.listing, reverse=True)))
    assert last[next(i for i, line in enumerate(last) if "what is wrong" in line) + 6][1:].startswith(first)


def test_enter_opens_the_marked_row():
    """The mark moves and stays on the screen; Enter gives the topic level of the gateway under it."""
    known = fleet(*(document(f"g{i}") for i in range(100)))
    assert after(b"", known).opened == ""
    assert after(b"\r", known).opened == "g0"
    assert after(b"jj\x1b[Bk\r", known).opened == "g2"
    assert after(b"\x1b[F\r", known).opened == "g99"
    assert after(b"\x1b[6~\x1b[5~\x1b[5~\r", known).opened == "g0"
    assert after(b"\r", Fleet("gateway")).opened == ""
    pick = after(b"\x1b[F", known)
    assert any("▸g99" in line for line in text(known, pick=pick))
    assert text(known, pick=pick)[-1].endswith("82–100 of 100 ")


def test_a_filter_takes_name_state_and_fault():
    """All its words have to be there."""
    assert after(b"/lost\r\r", fleet(*SIX)).opened == "yard"
    assert after(b"/full shop\r\r", fleet(*SIX)).opened == "shop"
    assert any(
        "no gateway with nowhere; Esc shows all" in line
        for line in text(fleet(*SIX), pick=Pick(Listing("worst", filter="nowhere")))
    )
    assert after(b"/lost\x1b", fleet(*SIX)).listing.filter == ""


NAMES = st.text(max_size=30) | st.sampled_from(["\x1b[2J", "\u202eevil", "温度計", "👩\u200d🚀" * 20, "x" * 70_000])


@given(
    st.integers(1, 220), st.integers(1, 60), NAMES, NAMES, st.sampled_from([b"", b"?", b"/x", b"r", b"\x1b[F", b"ss"]),
    st.booleans(),
)  # fmt: skip
def test_a_picture_fits_any_terminal(width, height, name, other, presses, away):
    """No line is wider and no picture higher than the terminal, and no name is obeyed by it."""
    name, other = (one.encode(errors="replace").decode() for one in (name, other))
    known = fleet(document(name, version=other, faults={other: {"text": other}}), lost("g"), (topic("status"), b"["))
    moment = Moment(replace(LINK, away=3.0 if away else None, why=other), known.rows(AT, WALL), 3, other, 2, other[:80])
    drawn = sheet(moment, after(presses, known, height), width, height)
    lines = ["".join(part for part, _ in line) for line in sheet_lines(moment, drawn, width, height)]
    assert len(lines) == height
    assert all(cells(line) <= width for line in lines)


@given(st.binary(max_size=40))
def test_any_bytes_may_be_typed(data):
    """No key breaks the choice."""
    after(data, fleet(*SIX))


def test_what_changed_is_a_sentence():
    """A gateway that comes, turns, has a fault and no more, and goes."""

    def rows(*messages):
        return {row.level: row for row in fleet(*messages).rows(AT, WALL)}

    one, fault = rows(document("g")), rows(document("g", faults={"disk": {"text": "full"}}))
    assert list(fleet_changes({}, one)) == ["g: online, run 5f0c2a9d41be"]
    assert list(fleet_changes(one, fault)) == ["g, disk: full"]
    assert list(fleet_changes(fault, one)) == ["g, disk: over"]
    assert list(fleet_changes(fault, rows(lost("g")))) == ["g: lost, run 5f0c2a9d41be"]
    assert list(fleet_changes(one, {})) == ["g: gone"]
    assert summary(fleet(*SIX).rows(AT, WALL)) == (
        "6 gateways: 3 online, 1 stale, 1 lost, 1 offline; 3 readings/s, 1,200 in spools"
    )


def test_the_page_has_the_keys_and_the_fields():
    """docs/fleet.md names each key of the help and each field of the lines of JSON."""
    page = (ROOT / "docs" / "fleet.md").read_text()
    (_, _, what), *_ = Fleet("gateway").hear(*document("g"), AT, WALL)
    assert {name for name in what if f"`{name}`" not in page} == set()
    assert all(re.search(rf"`[^`]*{re.escape(key)}[^`]*`", page) for key in ("s", "r", "/", "Enter", "?", "q"))
