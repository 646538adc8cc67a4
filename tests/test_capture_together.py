"""Lines of a capture that are read together: what comes of them is what comes of each, wherever the file is cut."""

import json
from random import Random

import pytest

from gateway.ingest.capture.file import Capture, CaptureError
from gateway.ingest.capture.lines import Header, Heard, Mark, headline, written
from gateway.ingest.capture.plain import Pieces

HEADER = Header("bench", 1_795_000_000.0, asked=True)
DATA = [
    b"21.5\r\n",
    b"21.5\n",
    b"",
    b"\t 1,2\n3,4\n5",
    b"\xff\x00",
    "21.5 °C\n".encode(),
    b'"\\',
    b"\\n",
    b"x" * 90,
    b"{}\r",
]
ODD = [
    '{"text": "1\\n", "at": %s}',  # the other way round
    '{"at": %s,"text":"1\\n"}',
    '{"at": %s, "text": "\\u0031\\/"}',
    '{"at": %s, "text": "1\\n"} ',
    '{"at": %se0, "text": "1"}',
    '{"at": %s00000000000000000000000, "text": "1"}',
]
BAD = [
    '{"at": %s, "text": "1\\n"',
    '{"at": -1, "text": "1"}',
    '{"at": 00%s, "text": "1"}',
    '{"at": 1e999, "text": "1"}',
    '{"at": 0, "text": "back"}',
    '{"at": %s, "text": "1", "hex": "31"}',
    '{"at": %s, "text": "a\tb"}',
    '{"at": %s, "text": "\\x"}',
    '{"at": %s, "text": "\\"}',
    '{"at": %s, "text": "\udcff"}',
    '\x00{"at": %s, "text": "1"}',
    "",
]


def lines(chance, bad):
    """Lines as they are written, some spelt otherwise, and at most one that does not hold."""
    at, out = 0.0, []
    for _ in range(chance.randint(0, 60)):
        at = round(at + chance.choice([0.0, 0.001, 1.5, 1e-9, 100.0]), 9)
        kind = chance.random()
        if kind < 0.7:
            data = chance.choice(DATA[:3] if chance.random() < 0.8 else DATA)
            out.append(written(Heard(at, data)))
        elif kind < 0.8:
            out.append(written(Heard(at, mark=chance.choice(list(Mark)))))
        elif kind < 0.9:
            out.append(written(Heard(at, b"R\r", sent=True)))
        else:
            line = chance.choice(ODD)
            out.append(line % (format(at, "f") if "0000" in line else json.dumps(at)))
    if bad:
        line = chance.choice(BAD)
        out.insert(chance.randint(1, len(out)) if out else 0, line % at if "%s" in line else line)
    return out


def one_by_one(path):
    """What a capture gives line by line, what is wrong with it, and whether it is torn."""
    out, wrong = [], ""
    with Capture(path) as capture:
        try:
            for heard in capture:
                out.append(heard)
        except CaptureError as error:
            wrong = str(error)
    return out, wrong, capture.torn


def together(path):
    """The same, together; and the most that came together."""
    out, wrong, most = [], "", 0
    with Capture(path) as capture:
        try:
            for some in capture.together():
                if isinstance(some, Pieces):
                    most = max(most, len(some.at))
                    out += [Heard(at, data) for at, data in zip(some.at, some.data, strict=True)]
                else:
                    out.append(some)
        except CaptureError as error:
            wrong = str(error)
    return (out, wrong, capture.torn), most


@pytest.mark.parametrize("size", [1, 60, 300, 262_144])
def test_together_as_line_by_line(tmp_path, monkeypatch, size):
    """Bytes, times, marks, the sentence with its line's number and whether the end is torn are the same."""
    monkeypatch.setattr("gateway.ingest.capture.file.PIECES", size)
    path, wrongs, tears = tmp_path / "c.jsonl", 0, 0
    for seed in range(150):
        chance = Random(seed)
        text = "\n".join([headline(HEADER), *lines(chance, seed % 3 == 0)]) + "\n"
        data = text.encode(errors="surrogateescape")
        path.write_bytes(data[: len(data) - chance.choice([0, 0, 1, 2, 30])])
        try:
            expected = one_by_one(path)
        except CaptureError:  # not even its first line is whole
            continue
        assert together(path)[0] == expected, seed
        wrongs, tears = wrongs + bool(expected[1]), tears + expected[2]
    assert wrongs > 20 and tears > 20


def test_plain_lines_come_together(tmp_path):
    """Thousands at once; and none of them makes those behind it come alone for long."""
    path = tmp_path / "c.jsonl"
    some = [written(Heard(k / 10, b"%d.5\r\n" % (k % 90))) for k in range(5000)]
    some[2000] = written(Heard(200.0, b"\xff"))
    path.write_text("\n".join([headline(HEADER), *some]) + "\n")
    (out, wrong, torn), most = together(path)
    assert (len(out), wrong, torn) == (5000, "", False)
    assert most > 1000


def test_a_line_without_end(tmp_path):
    """A huge file without lines is refused after its first piece."""
    path = tmp_path / "c.jsonl"
    with path.open("wb") as file:
        file.write(headline(HEADER).encode() + b"\n")
        file.truncate(10_000_000_000)
    (out, wrong, torn), _ = together(path)
    assert (out, torn) == ([], False)
    assert "line 2 of" in wrong and "is longer than 1000000 bytes" in wrong


@pytest.mark.parametrize("length", [250_000, 400_000, 999_000])
def test_a_line_longer_than_what_is_looked_at(tmp_path, length):
    """It is read all the same, first or behind others, and what follows it too."""
    path = tmp_path / "c.jsonl"
    for before in (0, 1, 4000):
        some = [written(Heard(1.0, b"1\n"))] * before + [
            written(Heard(2.0, b"x" * length)),
            written(Heard(3.0, b"2\n")),
        ]
        path.write_text("\n".join([headline(HEADER), *some]) + "\n")
        (out, wrong, torn), _ = together(path)
        assert (len(out), wrong, torn) == (before + 2, "", False)
        assert out[-2:] == [Heard(2.0, b"x" * length), Heard(3.0, b"2\n")]
