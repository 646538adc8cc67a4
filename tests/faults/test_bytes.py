"""Rows F16 to F19: bytes that are not as they should be, and numbers that are none."""

import json
import random
import unicodedata

from tests.faults.hand import by_hand
from tests.faults.judge import Judge
from tests.faults.rows import TIER, lasting, row
from tests.flood import pss

LINES = {
    "plain": ('format = "plain"\ncolumns = ["count", "S1", "S2"]', b"%d 21.5 %b"),
    "csv": ('format = "csv"\ncolumns = ["count", "S1", "S2"]\nheader = false', b"%d,21.5,%b"),
    "kv": ('format = "kv"', b"count:%d,S1:21.5,S2:%b"),
    "json": ('format = "json"\nmax_line = "100kB"', b'{"count":%d,"S1":21.5,"S2":%b}'),
}
ENDLESS = ("nan", "inf", "-inf", "1e309", "9" * 400, "9" * 3000)
NO_NUMBERS = ("1_000", "１２.５", "0x10", "1.2.3", "--", "None")
NUMBERS = ("5e-324", "-0", "1e308", "-1e308", "1e308", "+7.", "21.5")


@row(
    "F16",
    field="Odd numbers.",
    happens="NaN, infinity, overflow, other scripts' digits, hexadecimal, underscores, 400 and 3,000 digits, in every "
    "text format, beside a value that is good.",
    promised="NaN, infinity and what overflows are refused as `not_finite`, odd spellings as `not_a_number` (in JSON, "
    "whose grammar has none of them, the line as `bad_frame`); the value beside stays. No payload ever holds NaN: what "
    "overflows in a feature is null.",
    fast=True,
    full=30,
)
def test_f16_odd_numbers(scene):
    hands = {f"odd-{name}": table for name, (table, _) in LINES.items()}
    with by_hand(scene, hands=hands) as (s, boards):
        s.steady()
        with s.fault():
            for name, (_, line) in LINES.items():
                hand = boards[f"odd-{name}"]
                for odd in ENDLESS + NO_NUMBERS:
                    as_json = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(odd, odd)
                    text = (as_json if name == "json" else odd).encode()
                    good = name != "json" or odd in ENDLESS
                    hand.says(line % (hand.next, text), **({"S1": 21.5} if good else {}))
                for fine in NUMBERS:
                    text = (fine.rstrip(".").lstrip("+") if name == "json" else fine).encode()
                    hand.says(line % (hand.next, text), S1=21.5, S2=float(fine))
            s.prove(lambda: s.until(lambda: all(hand.heard() for hand in boards.values()), "all lines", 10), "all said")
        s.over(bystanders=list(s.boards))
        for name in LINES:
            found = boards[f"odd-{name}"].status()
            assert found["refused_values"].get("not_finite") == len(ENDLESS), (name, found)
            if name == "json":
                assert found["refused"] == {"bad_frame": len(NO_NUMBERS)}, found
            else:
                assert (found["refused_values"].get("not_a_number"), found["refused"]) == (len(NO_NUMBERS), {}), found
        text = json.dumps([one.document for heard in s.judge.readings.values() for one in heard])
        assert "NaN" not in text and "Infinity" not in text
        nulls = [one.document for key, heard in s.judge.readings.items() if key[1] == "S2" for one in heard]
        assert any(one["std"] is None for one in nulls), "no feature has overflown: this shows nothing"


@row(
    "F17",
    field="Bytes that no text holds: controls, half UTF-8, escape sequences, marks that turn the direction of text.",
    happens="Each of the 256 bytes at each place of a good line, in four formats; escape sequences in names.",
    promised="Refused or read, nothing raises; no control byte reaches a payload, a topic or the log.",
    full=60,
)
def test_f17_bytes_that_no_text_holds(scene):
    quiet = (
        "gateway/gw/bench/#",
        "gateway/gw/attic/#",
        "gateway/gw/cellar/#",
        "gateway/gw/+/status",
        "gateway/gw/status",
    )
    hands = {f"odd-{name}": table for name, (table, _) in LINES.items()}
    with by_hand(scene, hands=hands, topics=quiet) as (s, boards):
        ears = Judge(s.folder, s.broker.port, "ears", ["gateway/gw/#"])
        s.stack.callback(ears.close)
        s.steady()
        with s.fault():
            for name, (_, line) in LINES.items():
                hand, golden = boards[f"odd-{name}"], line % (7, b"22.25")
                places = range(len(golden) + 1) if TIER == "full" else range(0, len(golden) + 1, 4)
                for place in places:
                    hand.write(b"".join(golden[:place] + bytes([byte]) + golden[place:] + b"\n" for byte in range(256)))
                    s.spend(0.2)
                for text in (
                    b"\x1b[31mT1\x1b[0m:21.5",
                    b"T\xe2\x80\xae1:21.5",
                    b"T1:\x1b]0;x\x07",
                    b"\x9b2J:1",
                    b"\xef\xbb\xbfT1:3",
                ):
                    hand.write(text + b"\n")
                hand.write(line % (999_999, b"33.5") + b"\n")
            ends = lambda name: (f"odd-{name}", "S2", 999_999) in ears.readings  # noqa: E731
            s.prove(lambda: s.until(lambda: ears.listen() or all(map(ends, LINES)), "all lines", 60), "all said")
        s.over(bystanders=list(s.boards))
        ears.listen()
        assert not ears.refused, f"no JSON, or a bare control byte in it: {ears.refused[:3]}"
        assert not [char for topic in ears.topics for char in topic if unicodedata.category(char) == "Cc"]
        log = s.gateway.log.read_text()
        assert all(char.isprintable() or char == "\n" for char in log)
        for name in LINES:
            assert sum(boards[f"odd-{name}"].status()["refused"].values()) > 30, name


@row(
    "F18",
    field="A stream without an end of line.",
    happens="1 GB of it (less in shorter runs), then a line end and a good line.",
    promised="One `too_long`; memory grows by 10 MB at most; the good line is read.",
    full=120,
)
def test_f18_no_end_of_line(scene):
    with by_hand(scene, hands={"odd": LINES["kv"][0]}) as (s, boards):
        s.steady()
        before, highest = pss(s.pid), 0
        block = random.Random(s.seed).randbytes(1 << 15).hex().encode()  # text: other bytes make lines doubtful
        blocks = {"full": 16_000, "ci": 600, "fast": 300}[TIER]
        with s.fault():
            for turn in range(blocks):
                boards["odd"].write(block)
                if turn % 100 == 0:
                    highest = max(highest, pss(s.pid))
            boards["odd"].write(b"\n")
            boards["odd"].says(b"count:1,S1:21.5", S1=21.5)
            s.prove(lambda: s.until(boards["odd"].heard, "the good line", 20), "all is read")
            highest = max(highest, pss(s.pid))
        s.told["grown_mb"] = round((highest - before) / 1e6, 1)
        s.over(bystanders=list(s.boards))
        assert highest < before + 10_000_000, s.told
        found = boards["odd"].status()
        assert found["refused"] == {"too_long": 1}, found
        assert found["bytes"] > blocks * len(block)


@row(
    "F19",
    field="JSON bombs.",
    happens="100,000 brackets, 60 kB of keys, keys that come twice, numbers of 60,000 digits, text where a number is "
    "due; one name in the path of 10,000 values.",
    promised="Refused with a reason, at once: the loop is never late. Of two equal keys the last one counts.",
    full=30,
)
def test_f19_json_bombs(scene):
    with by_hand(scene, hands={"odd": 'format = "json"\nmax_line = "200kB"'}) as (s, boards):
        s.steady()
        odd = boards["odd"]
        bombs = [
            b"[" * 100_000,
            b'{"a":' * 20_000,
            b"[" * 100_000 + b"]" * 99_000,
            b'{"S1":' + b"9" * 60_000 + b"}",
            b'{"sensor":"%b","value":[%b1]}' % (b"n" * 20_000, b"1," * 10_000),
            b'{"%b":[%b1]}' % (b"n" * 20_000, b"[]," * 10_000),
        ]
        with s.fault():
            for turn in range(int(lasting(20, 3))):
                for bomb in bombs:
                    odd.says(bomb)
                odd.says(b'{"S1":20.0,"count":%d,"S1":%d.5}' % (odd.next, turn), S1=turn + 0.5)
                odd.says(b'{"S1":"21.5","S2":1e999,"S3":23.5,"count":%d}' % odd.next, S3=23.5)
                odd.says(b'{"hum":1%b}' % b"".join(b',"hum%d":1' % key for key in range(600)))
                s.spend(0.3)
            s.prove(lambda: s.until(odd.heard, "the last good line", 60), "all is read")
        s.over(bystanders=list(s.boards))
        found = odd.status()
        assert found["refused"] == {"bad_frame": len(bombs) * turn + len(bombs)}, found
        assert found["refused_values"]["not_a_number"] == found["refused_values"]["not_finite"] == turn + 1
