"""A gateway at a mosquitto that takes little: it is connected, its status is right, and what cannot go is told."""

import contextlib

import pytest

from simulators import Board

from .street import Judge, configuration, running, until

STATUS = "gateway/gw/status"
IN_3 = 'version = "3.1.1"'


@contextlib.contextmanager
def street(folder, mosquitto, mqtt="", each=""):
    """(a running gateway with one board, a judge)."""
    judge = Judge(mosquitto.port)
    try:
        with (
            Board(kind="kv", sensors=1, rate=20, name="a") as board,
            running(folder, configuration(mosquitto.port, {"a": board.path}, mqtt=mqtt, each=each)) as gateway,
        ):
            yield gateway, judge
    finally:
        judge.close()


def adds_up(status):
    """The readings of a status document are accounted for."""
    out = ("acknowledged", "sent_unacknowledged", "in_flight", "spooled", "condensed")
    gone = sum(status[key] for key in out) + sum(status["dropped"].values())
    return status["readings"] + status["inherited"] == gone


@pytest.mark.slow
@pytest.mark.parametrize("mosquitto", [("message_size_limit 600",)], indirect=True)
def test_a_will_too_large_for_a_broker_of_3_1_1(tmp_path, mosquitto):
    """It connects, and again after a restart of the broker, where it has more to tell; a kill is told by its will."""
    with street(tmp_path, mosquitto, IN_3) as (gateway, judge):
        until(lambda: judge.features, "readings flow")
        mosquitto.stop()
        heard = len(judge.features)
        mosquitto.start()
        until(lambda: len(judge.features) > heard + 20, "they flow again", 20)
        assert mosquitto.log.count("connected with too large Will payload") >= 2
        assert not [event for event in gateway.events() if "password" in event.get("why", "")]
        gateway.kill()
        until(lambda: judge.documents[STATUS]["state"] == "offline", "the broker says that it is lost")
        assert (judge.documents[STATUS]["reason"], judge.documents[STATUS]["truncated"]) == ("lost", True)


@pytest.mark.parametrize("mosquitto", [("max_packet_size 450",), ("max_packet_size 600",)], indirect=True)
def test_a_status_larger_than_a_broker_states_to_take(tmp_path, mosquitto):
    """The gateway's own document comes shortened, with the ledger, while it runs and at its stop."""
    with street(tmp_path, mosquitto) as (gateway, judge):
        until(lambda: STATUS in judge.documents and judge.features, "readings flow, and a status comes")
        status = judge.documents[STATUS]
        assert adds_up(status)
        assert (status["state"], status["balanced"], status["truncated"]) == ("online", True, True)
        assert "faults" not in status
        until(lambda: "gateway/gw/a/status" in judge.documents, "the board's document comes")
        assert gateway.stop() == 0
        until(lambda: judge.documents[STATUS]["reason"] == "stopped", "it says that it has stopped")
        last = judge.documents[STATUS]
        assert adds_up(last)
        assert last["acknowledged"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("mosquitto", [("max_packet_size 750",)], indirect=True)
def test_a_status_at_which_a_broker_of_3_1_1_cuts_the_line(tmp_path, mosquitto):
    """Nobody states that limit: the cut lines lead to a shorter document, which has the ledger, and stays."""
    with street(tmp_path, mosquitto, IN_3) as (_, judge):
        until(lambda: judge.documents.get(STATUS, {}).get("state") == "online", "it says that it is there", 45)
        assert "oversize packet" in mosquitto.log
        assert adds_up(judge.documents[STATUS])
        assert judge.documents[STATUS]["truncated"] is True


@pytest.mark.parametrize("mosquitto", [("max_packet_size 300",)], indirect=True)
def test_readings_too_large_for_a_broker_are_told_at_once(tmp_path, mosquitto):
    """The log has it as soon as they are dropped, once; so has the status of the board."""
    with street(tmp_path, mosquitto, each=f'tags = {{ room = "{"x" * 200}" }}') as (gateway, judge):
        until(lambda: any(one["event"] == "broker.too_large" for one in gateway.events()), "it is told", 5)
        assert gateway.stop() == 0
        told = [event for event in gateway.events() if event["event"] == "broker.too_large"]
        assert [event["board"] for event in told] == ["a"]
        assert gateway.events()[-1]["dropped"] > 0
        assert not judge.features
