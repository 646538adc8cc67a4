"""Real boards' dialogues, as their makers' documents give them: what is asked, what is answered, what comes of it.

> 52 0d      is asked            < 32 35 2e 31 0d      comes            .      nothing more does, in time

And conversations that `gateway record` has taken down, with their times: what comes of them.
"""

import json
from pathlib import Path

import pytest

from gateway.config import load
from gateway.ingest.asking.party import Party
from gateway.ingest.asking.talk import Talk
from gateway.ingest.capture.file import Capture
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, Sample
from tests.boards_read import conversations, conversed
from tests.boards_read import line as on_line
from tests.replays import replay

RECORDED = conversations()
CASES = sorted(path.parent for path in (Path(__file__).parent / "golden/asked").glob("*/board.toml"))
assert CASES, "an empty glob would pass"


def held(board: Board, dialogue: str, size: int) -> list[dict[str, object]]:
    """What comes of a dialogue whose answers come in pieces of `size` bytes: the samples, then the counts."""
    account, samples = Account(), list[Sample]()
    talk = Talk(board.port)
    party = Party(board, lambda name, new, at: samples.extend(new), account, lambda: None)
    now = 1000.0
    talk.join(party, now)
    talk.opened(now, anew=False)
    for line in dialogue.splitlines():
        mark, _, digits = line.partition(" ")
        data = bytes.fromhex(digits) if mark in "<>" else b""
        if mark == ">":
            while not (asked := talk.question(now)):
                now = max(now, talk.wake)
                talk.look(Chunk(now, now))
            assert asked == data
        elif mark == "<":
            for at in range(0, len(data), size):
                talk.take(data[at : at + size], Chunk(now, now))
        elif mark == ".":
            assert talk.question(now) == b""
            now = talk.wake
            talk.look(Chunk(now, now))
    talk.closed()
    assert imbalances(account, account.readings) == []
    out: list[dict[str, object]] = [
        {key: value for key, value in sample._asdict().items() if value is not None} for sample in samples
    ]
    return [*out, {"refused": dict(account.refused), "refused_values": dict(account.refused_values)}]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_dialogue(case, tmp_path):
    """A real board's answers give these samples and refusals, in one piece and byte by byte."""
    file = tmp_path / "gateway.toml"
    file.write_text("[[boards]]\n" + (case / "board.toml").read_text())
    (board,) = load(file).boards
    dialogue = (case / "dialogue.txt").read_text()
    expected = [json.loads(line) for line in (case / "expected.jsonl").read_text().splitlines()]
    assert held(board, dialogue, 1000) == expected
    assert held(board, dialogue, 1) == expected
    assert len(expected) > 1


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_conversation(case, tmp_path):
    """A recorded conversation gives these values and refusals, in its own pieces and byte by byte."""
    boards = on_line((case / "board.toml").read_text(), tmp_path)
    with Capture(case / "capture.jsonl") as capture:
        heard = list(capture)
    expected = [json.loads(line) for line in (case / "expected.jsonl").read_text().splitlines()]
    assert conversed(boards, heard) == expected
    bytewise = [one._replace(data=bytes([byte])) for one in heard if not one.sent and one.data for byte in one.data] + [
        one for one in heard if one.sent or not one.data
    ]
    assert conversed(boards, sorted(bytewise, key=lambda one: one.at)) == expected
    assert any("value" in one for one in expected)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_conversation_torn(case, tmp_path):
    """Ended behind a line, or begun with one, it gives none but its own values, and raises nothing."""
    boards = on_line((case / "board.toml").read_text(), tmp_path)
    with Capture(case / "capture.jsonl") as capture:
        heard = list(capture)
    whole = [one for one in conversed(boards, heard) if "value" in one]
    for at in range(0, len(heard), 7):
        begun = [one for one in conversed(boards, heard[:at]) if "value" in one]
        assert begun == whole[: len(begun)]
        ended = [one for one in conversed(boards, heard[at:]) if "value" in one]
        assert ended == whole[len(whole) - len(ended) :]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_conversation_replayed(case, tmp_path):
    """`gateway replay` publishes the same values, of all boards of the line."""
    on_line((case / "board.toml").read_text(), tmp_path)
    printed = replay(case / "capture.jsonl", "-c", tmp_path / "gateway.toml", "--json").stdout.splitlines()
    expected = [json.loads(one) for one in (case / "expected.jsonl").read_text().splitlines()]
    keys = ("board", "sensor", "value", "unit", "count")
    found = [{key: one[key] for key in keys if key in one} for one in map(json.loads, printed)]
    assert [one for one in found if one] == [one for one in expected if "value" in one]
    refused = {
        one["summary"]["board"]: one["summary"]["refused"] for one in map(json.loads, printed) if "summary" in one
    }
    assert refused == {one["board"]: one["refused"] for one in expected if "refused" in one}
