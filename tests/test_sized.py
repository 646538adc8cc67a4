"""Status documents that a broker may not take whole: what they leave out, and that the ledger is the last to go."""

from collections import Counter

import pytest

from gateway.model import Drop, Why
from gateway.telling.faults import Faults
from gateway.telling.sized import LARGEST, will, written
from gateway.telling.status import SensorLook, board_document, gateway_document, offline
from tests.looks import account, balances, board, look
from tests.packets import strict

LONG = "the broker at 127.0.0.1:1883 does not answer: " + "see what it says; " * 30


@pytest.fixture
def faults():
    """Twelve faults with long sentences, at a clock that stands still."""
    made = Faults(lambda: 1_795_000_001.0, lambda: None)
    for number in range(12):
        made.tell(f"fault_{number}", LONG)
    return made


def test_a_gateways_document_is_shortened_until_it_fits(faults):
    """Whatever it may measure, it fits and says what it is; the sums hold in it, or it has none of them."""
    document = gateway_document(look(board()), faults)
    assert strict(written(document, len(written(document)))) == document
    seen = []
    for most in range(len(written(document)) - 1, 139, -1):
        text = written(document, most)
        assert len(text) <= most
        short = strict(text)
        assert short["truncated"] is True
        assert (short["gateway"], short["state"], short["reason"], short["run"]) == ("g", "online", None, "run")
        if "balanced" in short:
            balances(short)
        else:
            assert set(short) == {"gateway", "state", "reason", "run", "time", "truncated"}
        if list(short) not in seen:
            seen.append(list(short))
    assert len(seen) == 4
    lean = strict(written(document, len(written(document)) - 1))
    assert list(lean) == [*document, "truncated"]
    assert lean["faults"]["fault_0"] == {**document["faults"]["fault_0"], "text": ""}
    assert "balanced" in strict(written(document, 420))


def test_a_boards_document_is_shortened_until_it_fits(faults):
    """Its sensors go first, then sentences, then all that is not counted; its state stays."""
    many = {f"sensor {number}": SensorLook("ok", 1, 1_795_000_000.0, "°C") for number in range(2000)}
    document = board_document(board(sensors=many, reason=LONG), faults)
    texts = [strict(written(document, most)) for most in (None, 20_000, 3_000, 500, 100)]
    assert all(text["truncated"] is True and "sensors" not in text for text in texts)
    assert [len(text["faults"]["fault_0"]["text"]) for text in texts[:3]] == [len(LONG), len(LONG), 0]
    assert ["reason" in text for text in texts] == [True, True, True, False, False]
    assert texts[3] == {key: document[key] for key in texts[3].keys() - {"truncated"}} | {"truncated": True}
    assert texts[3]["dropped"] == document["dropped"]
    assert set(texts[4]) == {"board", "state", "since", "truncated"}
    small = board_document(board(), faults)
    assert strict(written(small)) == small
    assert len(written(document)) < LARGEST


def test_where_nothing_fits_the_state_is_left(faults):
    """A limit below that is no reason to fail: it is for the one who sends it to see that it does not fit."""
    assert strict(written(gateway_document(look(board()), faults), 10))["state"] == "online"


def test_a_will_is_small_whatever_the_faults(faults):
    """It has the contract's keys and the ledger, and no sentence; the brief one says who is lost."""
    trouble = {**look().broker, "reason": LONG, "refusing": LONG, "lacking": LONG, "url": "mqtt://" + "h" * 200}
    reasons = dict.fromkeys(Why, 10**9)
    full = account(refused=Counter(reasons), dropped=Counter(dict.fromkeys(Drop, 10**9)))
    document = offline(gateway_document(look(board(account=full), broker=trouble), faults), "lost")
    assert len(written(document)) > 10_000
    whole, brief = will(document)
    assert len(whole) < 1_500
    assert list(strict(whole)) == list(document)
    assert (strict(whole)["refused"], strict(whole)["dropped"]) == (document["refused"], document["dropped"])
    healthy, _ = will(offline(gateway_document(look(board()), faults), "lost"))
    assert len(healthy) < 750
    balances(strict(healthy))
    assert len(brief) < 200
    state = strict(brief)
    assert (state["gateway"], state["state"], state["reason"], state["run"]) == ("g", "offline", "lost", "run")
    assert state["truncated"] is True
