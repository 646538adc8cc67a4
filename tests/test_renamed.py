"""A gateway that gets another name while readings of it lie on the disk."""

import json

import pytest

from simulators import Board

from .street import Judge, configuration, running, until
from .test_cli import gateway as command


@pytest.mark.slow
def test_a_backlog_goes_out_under_the_new_name_and_that_is_said(tmp_path, mosquitto):
    """Each reading comes once, with the run that it was read in; `check` and the start say what happens."""
    judge = Judge(mosquitto.port)
    mosquitto.stop()
    with Board(kind="kv", sensors=1, rate=50, name="a") as board:
        text = configuration(mosquitto.port, {"a": board.path})
        with running(tmp_path, text.replace('"gw"', '"old"')) as old:
            until(lambda: board.written.sensors["T1"] > 50, "readings flow")
            assert old.stop() == 0
            (began,) = [event for event in old.events() if event["event"] == "service.started"]
            assert not [event for event in old.events() if event["event"] == "config.unwise"]
        old.file.write_text(text)
        mosquitto.start()
        told = command("check", "--json", "-c", str(old.file), env={"STATE_DIRECTORY": str(tmp_path / "state")})
        (warning,) = [one for one in json.loads(told.stdout)["warnings"] if one.startswith("gateway.id")]
        with running(tmp_path, text) as new:
            until(lambda: [row for row in judge.features if row["run"] != began["run"]], "what is live", 20)
            until(lambda: [row for row in judge.features if row["run"] == began["run"]], "what was on the disk", 20)
            until(lambda: judge.documents["gateway/gw/status"]["spooled"] == 0, "the disk is empty", 40)
            (said,) = [event for event in new.events() if event["event"] == "config.unwise"]
            assert new.stop() == 0
    assert warning == said["text"]
    assert "the last start was as gateway/old;" in warning
    rows = [(row["board"], row["sensor"], row["run"], row["seq"]) for row in judge.features]
    assert len(rows) == len(set(rows))
    assert {row["gateway"] for row in judge.features} == {"gw"}
    first = sorted(row[3] for row in rows if row[2] == began["run"])
    assert first == list(range(1, len(first) + 1))
    judge.close()
