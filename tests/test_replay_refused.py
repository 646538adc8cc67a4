"""Captures that are torn or damaged, and files that are none."""

import pytest

from tests.replays import capture, messages, replay, said


def test_a_torn_last_line(tmp_path):
    """What a power cut has left of the last line is left out, and counted."""
    file = capture(tmp_path, *said("1\n", "2\n", "3\n"))
    file.write_bytes(file.read_bytes()[:-9])
    rows, summary = messages(file, "--format", "plain")
    assert [row["value"] for row in rows] == [1, 2]
    assert summary["torn_lines"] == 1
    assert "its last line was torn" in replay(file).stderr


def test_a_damaged_line_is_named(tmp_path):
    """A line in the middle that does not hold is told by its number, in one sentence; what came before it is shown."""
    file = capture(tmp_path, *said("1\n", "2\n", "3\n"))
    lines = file.read_text().splitlines()
    lines[2] = lines[2].replace("1.0", "NaN")
    file.write_text("\n".join(lines) + "\n")
    done = replay(file, code=1)
    assert done.stderr == f"gateway: line 3 of {file} is not JSON; mend it, or take it out\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is no capture: its first line is not JSON"),
        (b"21.5\n", "is no capture: its first line is no JSON object"),
        (b"\0" * 2_000_000, "is no capture: its first line is longer than 1000000 bytes"),
        (b'{"capture": 2}\n', "is no capture: its first line is of version 2 of captures, which a newer gateway reads"),
    ],
    ids=["empty", "something else", "huge", "newer"],
)
def test_what_is_no_capture(tmp_path, data, sentence):
    """A file that is none ends with one sentence, however long it is."""
    file = tmp_path / "c.jsonl"
    file.write_bytes(data)
    assert replay(file, code=1).stderr == f"gateway: {file} {sentence}\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "sentence"), [("/", "is a directory"), ("/none", "no such file"), ("/dev/zero", "longer")]
)
def test_what_cannot_be_read(file, sentence):
    """A path that leads to no file, or to one without an end, is told in one sentence too."""
    done = replay(file, code=1)
    assert sentence in done.stderr and done.stderr.count("\n") == 1
