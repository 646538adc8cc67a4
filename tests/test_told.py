"""What is told of a board: one event at the start of a trouble and one at its end, and a fault in between."""

from dataclasses import replace

import pytest

from gateway.ledger import Account
from gateway.telling.episode import SHED_OVER
from gateway.telling.faults import Faults
from gateway.telling.status import BoardLook
from gateway.telling.told import Told


@pytest.fixture
def told():
    """(Told, the events so far, a look at a board that is online)."""
    events = []
    faults = Faults(lambda: 0.0, lambda: None)
    one = Told(lambda name, **fields: events.append((name, fields)), faults)
    look = BoardLook("b", "online", 0.0, "/dev/ttyS0", 9600, "csv", None, Account(), 0, 0, {})
    return one, events, look


def names(events):
    """The events' names."""
    return [name for name, _ in events]


def test_a_board_that_comes_and_goes(told):
    """Online once, offline with its reason, recovered with its time; one trouble after another is one outage."""
    one, events, look = told
    one.tell(replace(look, state="offline"), 0.0)
    assert events == []
    one.tell(look, 1.0)
    one.tell(replace(look, state="silent", reason="nothing has come for 30 s"), 31.0)
    one.tell(replace(look, state="offline", reason="it is gone"), 40.0)
    assert one.faults.present["link"].text == "it is gone"
    one.tell(look, 41.5)
    assert names(events) == ["board.online", "board.silent", "board.offline", "board.recovered"]
    assert events[-1][1]["after_s"] == 10.5
    assert not one.faults.present


def test_a_board_that_a_reload_opens_anew(told):
    """It is no outage: nothing is told of the moment in which its new reader has not tried yet."""
    one, events, look = told
    one.tell(look, 1.0)
    one.tell(replace(look, state="offline"), 2.0)
    one.tell(look, 3.0)
    assert names(events) == ["board.online"]


def test_a_board_that_is_lent(told):
    """It is told at its start and at its end, and is no fault, unless somebody has it for longer."""
    one, events, look = told
    one.tell(look, 1.0)
    lent = replace(look, state="lent", reason="the port is lent until then")
    one.tell(lent, 2.0)
    assert not one.faults.present
    one.tell(replace(lent, overdue=True, reason="avrdude has it"), 3.0)
    assert one.faults.present["lent"].text == "avrdude has it"
    one.tell(look, 12.0)
    assert not one.faults.present
    assert events[1:] == [
        ("board.lent", {"board": "b", "port": "/dev/ttyS0", "why": "the port is lent until then"}),
        ("board.recovered", {"board": "b", "port": "/dev/ttyS0", "after_s": 10.0}),
    ]


def test_the_format_that_was_found(told):
    """What `auto` finds is told once."""
    one, events, look = told
    for name in ("auto", "auto", "kv", "kv"):
        one.tell(replace(look, format=name), 1.0)
    assert events[1:] == [("board.format", {"board": "b", "format": "kv"})]


def test_lines_that_are_no_readings(told):
    """Many refused lines are a fault that asks for baud and format, and one event; most lines good again end it."""
    one, events, look = told
    account = look.account
    account.frames = account.decoded = 100
    one.tell(look, 10.0)
    account.frames, account.last_refused = 130, b"\x1b[31m\xff\xfe"
    account.refused["bad_frame"] = 28
    account.decoded = 102
    one.tell(look, 11.0)
    text = one.faults.present["refusing"].text
    assert "28 of the last 30" in text
    assert "9600" in text
    assert "\x1b" not in text
    account.frames, account.refused["bad_frame"] = 160, 58
    one.tell(look, 12.0)
    account.frames, account.decoded = 190, 132
    one.tell(look, 13.0)
    assert names(events) == ["board.online", "board.refusing", "board.accepting"]
    assert events[-1][1] == {"board": "b", "refused": 58, "after_s": 2.0}
    assert not one.faults.present


def test_lines_with_a_name_that_nobody_sees(told):
    """The sentence says so, and asks for no other baud rate."""
    one, _, look = told
    one.tell(look, 10.0)
    look.account.frames, look.account.refused["bad_name"] = 30, 30
    look.account.last_refused = b'{"T1\\u0000":21.5}'
    one.tell(look, 11.0)
    assert one.faults.present["refusing"].text == (
        "30 of the last 30 lines are no readings, as a name in them holds what nobody sees (a control character, a "
        "mark without a width), such as '{\"T1\\u0000\":21.5}': have the board give names without it"
    )


def test_garbage_without_an_end(told):
    """At a wrong baud rate no line ends: bytes without one are told after a few seconds, and a slow board's are not."""
    one, events, look = told
    one.tell(look, 10.0)
    look.account.bytes = 90
    one.tell(look, 14.0)
    assert not one.faults.present
    look.account.bytes = 4000
    one.tell(look, 15.0)
    assert (
        "4000 bytes came without an end of line: is the baud rate right (now 9600)"
        in one.faults.present["refusing"].text
    )
    assert names(events) == ["board.online", "board.refusing"]


def test_a_few_bad_lines_are_only_counted(told):
    """One refused line in ten is no event; neither are banner lines at the start."""
    one, events, look = told
    look.account.frames, look.account.noise = 12, 12
    one.tell(look, 1.0)
    look.account.frames, look.account.decoded = 62, 45
    look.account.refused["wrong_columns"] = 5
    one.tell(look, 6.0)
    assert names(events) == ["board.online"]


def test_shedding(told):
    """Dropping has one event at its start and one at its end, with the sum."""
    one, events, look = told
    one.tell(look, 0.0)
    for second in range(1, 5):
        look.account.dropped["shed"] += 10
        one.tell(look, float(second))
    assert "shedding" in one.faults.present
    one.tell(look, 4.0 + SHED_OVER + 0.1)
    assert names(events) == ["board.online", "street.shedding", "street.recovered"]
    assert events[-1][1]["shed"] == 40
    assert not one.faults.present


def test_a_shared_port(told):
    """Another program on the port is a fault with its name, and an event at its start and its end."""
    one, events, look = told
    one.tell(look, 0.0)
    for second in range(1, 4):
        look.account.refused["shared"] += 7
        one.tell(replace(look, sharer="cat (pid 123)"), float(second))
    assert one.faults.present["shared"].text.startswith("cat (pid 123) has /dev/ttyS0 open too")
    one.tell(look, 5.0)
    assert events[1:] == [
        ("board.shared", {"board": "b", "port": "/dev/ttyS0", "program": "cat (pid 123)"}),
        ("board.unshared", {"board": "b", "port": "/dev/ttyS0", "refused": 14, "after_s": 4.0}),
    ]
    assert not one.faults.present


def test_overruns(told):
    """Bytes that the kernel lost are a fault until none were lost for a while."""
    one, events, look = told
    one.tell(look, 0.0)
    look.account.overruns, look.account.refused["overrun"] = 2, 1
    one.tell(look, 1.0)
    assert "overloaded" in one.faults.present["overrun"].text
    look.account.overruns, look.account.refused["overrun"] = 5, 3
    one.tell(look, 2.0)
    one.tell(look, 2.0 + SHED_OVER + 0.1)
    assert events[1:] == [
        ("board.overrun", {"board": "b", "port": "/dev/ttyS0", "overruns": 2}),
        ("board.keeping_up", {"board": "b", "port": "/dev/ttyS0", "overruns": 5, "refused": 3, "after_s": 6.1}),
    ]
    assert not one.faults.present


def test_garbage_is_told_at_once(told):
    """What is no text is a fault in the moment it is known, asks for the baud rate, and ends with good lines."""
    one, events, look = told
    look.account.frames = look.account.decoded = 10
    one.tell(look, 10.0)
    look.account.bytes, look.account.frames, look.account.refused["bad_frame"] = 90, 11, 1
    one.tell(replace(look, garbage=True), 11.0)
    assert one.faults.present["refusing"].text.startswith("garbage, wrong baud? 1 of the last 1 lines")
    look.account.frames, look.account.refused["garbage"] = 16, 4
    one.tell(look, 12.0)
    look.account.frames, look.account.decoded = 20, 14
    one.tell(look, 13.0)
    assert names(events) == ["board.online", "board.refusing", "board.accepting"]
    assert events[-1][1] == {"board": "b", "refused": 5, "after_s": 2.0}
    assert not one.faults.present


def test_a_board_that_starts_anew(told):
    """By its own numbers; each look that finds more tells it."""
    one, events, look = told
    one.tell(look, 0.0)
    look.account.restarts = 2
    one.tell(look, 1.0)
    one.tell(look, 2.0)
    assert events[1:] == [("board.restarted", {"board": "b", "restarts": 2})]


def test_a_note_on_the_port_is_told_once(told):
    """What one should know of a port is said once."""
    one, events, look = told
    for second in range(3):
        one.tell(replace(look, note="has no DTR line"), float(second))
    assert names(events) == ["port.note", "board.online"]


def test_names_and_units_are_faults_while_something_is_wrong_with_them(told):
    """Each with its sentence."""
    one, _, look = told
    one.tell(replace(look, naming={"names": "two have one", "units": None}), 1.0)
    assert {name: fault.text for name, fault in one.faults.present.items()} == {"names": "two have one"}
    one.tell(replace(look, naming={"names": None, "units": None}), 2.0)
    assert not one.faults.present
