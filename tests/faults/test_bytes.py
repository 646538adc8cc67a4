"""Rows F16 to F25: bytes and values that are not as they should be."""

import json
import random
import time
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
        blocks = {"full": 16_000, "ci": 2000, "fast": 300}[TIER]
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


@row(
    "F20",
    field="A new sensor name in every line.",
    happens="100,000 lines with random names (5,000 in shorter runs).",
    promised="256 sensors (`max_sensors`), then `too_many_sensors`; those that are known go on; no more topics than "
    "that at the broker.",
    full=60,
)
def test_f20_a_new_name_in_every_line(scene):
    with by_hand(scene, hands={"odd": 'format = "json"\nmax_sensors = 256'}) as (s, boards):
        s.steady()
        odd, lines = boards["odd"], 100_000 if TIER == "full" else 5000
        with s.fault():
            for _ in range(lines):
                name = s.dice.randbytes(6).hex()
                odd.says(
                    b'{"sensor":"%b","count":%d,"value":21.5}' % (name.encode(), odd.next),
                    **({name: 21.5} if odd.frames < 256 else {}),
                )
                if odd.frames % 50 == 0:
                    s.spend(0.02)  # a board, and no flood
            known = next(iter(key[1] for key in s.judge.written.sent if key[0] == "odd"))
            odd.says(b'{"sensor":"%b","count":%d,"value":22.5}' % (known.encode(), odd.next), **{known: 22.5})
            s.prove(lambda: s.until(odd.heard, "the last good line", 60), "all is read")
        s.over(bystanders=list(s.boards))
        assert odd.status()["refused_values"] == {"too_many_sensors": lines - 256}
        topics = [topic for topic in s.judge.topics if topic.startswith("gateway/gw/odd/")]
        assert len(topics) == 2 * 256 + 1, "features and last of each, and the status"


@row(
    "F21",
    field="One sensor twice in a frame; names that are one when made safe.",
    happens="Columns T,T; pairs T,T; the names `a/b` and `a%2Fb`, ` S1` and `S1`, `S1` and `s1`.",
    promised="Numbered in a frame, always alike (T, T_2); two names stay two: no two share a topic, and each "
    "message has its name as it was. (Two boards of one name: `check` names both places.)",
    full=30,
)
def test_f21_one_name_twice(scene):
    hands = {"twins-csv": 'format = "csv"', "twins-kv": 'format = "kv"', "odd": 'format = "json"'}
    with by_hand(scene, hands=hands) as (s, boards):
        s.steady()
        names = ["a/b", "a%2Fb", " S1", "S1", "s1", "S1 ", "+", "#", "$SYS", "..", "status", "%", "\U0001f321"]
        with s.fault():
            boards["twins-csv"].write(b"count,T,T\n")
            for turn in range(20):
                csv, kv, odd = boards.values()
                csv.says(b"%d,21.5,%d.25" % (csv.next, turn), T=21.5, T_2=turn + 0.25)
                kv.says(b"count:%d,T:21.5,T:%d.25" % (kv.next, turn), T=21.5, T_2=turn + 0.25)
                for name in names:
                    line = json.dumps({"sensor": name, "count": odd.next, "value": 21.5})
                    odd.says(line.encode(), **{name: 21.5})
            s.prove(lambda: s.until(lambda: all(hand.heard() for hand in boards.values()), "all", 20), "all is read")
        s.over(bystanders=list(s.boards))
        topics = {
            topic for topic in s.judge.topics if topic.startswith("gateway/gw/odd/") and topic.endswith("/features")
        }
        assert len(topics) == len(names), topics


@row(
    "F22",
    field="Values at and beyond the edge of what is plausible; 85.0 and -127 of a probe that is gone.",
    happens="Scripted values on and beside both bounds, with `flag`, `drop` and `clamp`; `none = [85.0, -127.0]`.",
    promised="The bounds are inside; beyond them quality says so, drops are counted as `out_of_range`, clamped "
    "features use the bound; marks of no value are refused as `error_mark`; one sensor's fault is that sensor's alone.",
    full=30,
)
def test_f22_out_of_range(scene):
    hands = {
        kind: f'format = "json"\nnone = [85.0, -127.0]\nrange = [20, 80]\nout_of_range = "{kind}"'
        for kind in ("flag", "drop", "clamp")
    }
    low, high = 20.0, 80.0
    values = [low, 19.999999999999996, high, 80.00000000000001, 85.0, -127.0, 50.0, 1e300, low, high]
    inside = [low, high, 50.0, low, high]
    with by_hand(scene, hands=hands, extra="[features]\nwindow = 1\n") as (s, boards):
        s.steady()
        with s.fault():
            for hand in boards.values():
                for value in values:
                    comes = value not in (85.0, -127.0) and hand.name in (
                        ("flag", "drop") if value in inside else ("flag",)
                    )
                    means = {"S1": value} if comes else {}
                    hand.says(b'{"S1":%r,"S2":50.0,"count":%d}' % (value, hand.next), S2=50.0, **means)
            s.prove(lambda: s.until(lambda: all(hand.heard() for hand in boards.values()), "all", 20), "all is read")
        is_clamped = lambda: {key for key in s.judge.readings if key[:2] == ("clamp", "S1")}  # noqa: E731
        s.until(lambda: len(is_clamped()) == len(values) - 2, "all clamped readings", 10)
        # a clamped reading is `value` as measured, with features of the bound: the judge's formula is not for it
        clamped = {key: s.judge.readings.pop(key) for key in is_clamped()}
        s.over(bystanders=list(s.boards))
    qualities = {key: heard[0].document["quality"] for key, heard in (s.judge.readings | clamped).items()}
    for name in hands:
        for number, value in enumerate(values, 1):
            assert qualities[name, "S2", number] == "ok"
            if (name, "S1", number) in qualities:
                expected = "ok" if low <= value <= high else "out_of_range"
                assert qualities[name, "S1", number] == expected, (name, value)
    for key, heard in clamped.items():
        document, value = heard[0].document, values[key[2] - 1]
        assert document["value"] == value
        assert document["normalized"] == min(1.0, max(0.0, round((value - 20) / 60, 4)))
    dropped = {name: hand.status()["dropped"] for name, hand in boards.items()}
    assert dropped == {"flag": {}, "drop": {"out_of_range": 3}, "clamp": {}}
    assert all(hand.status()["refused_values"] == {"error_mark": 2} for hand in boards.values())


@row(
    "F24",
    field="Lost, repeated and swapped frames; numbers that wrap at 8, 16 and 32 bits.",
    happens="A board that numbers its readings from just below 2^8, 2^16 and 2^32, leaves some out, says some twice.",
    promised="Each frame is a reading of its own with the board's number as it was, in the order in which they came; a "
    "wrap is nothing special.",
    full=30,
)
def test_f24_lost_and_repeated_frames(scene):
    with by_hand(scene, hands={"odd": 'format = "json"'}, topics=("gateway/gw/#",)) as (s, boards):
        s.steady()
        odd, sent = boards["odd"], []
        with s.fault():
            for bits in (8, 16, 32):
                numbers = [(2**bits - 5 + step) % 2**bits for step in range(12)]
                numbers.remove((2**bits - 2) % 2**bits)
                numbers[6:6] = [numbers[5]]
                numbers[8], numbers[9] = numbers[9], numbers[8]
                sent += [(f"bits{bits}", number) for number in numbers]
            for sensor, number in sent:
                odd.write(b'{"sensor":"%b","count":%d,"value":21.5}\n' % (sensor.encode(), number))
                s.judge.written.sent["odd", sensor, number] = 21.5, time.monotonic()
            arrived = lambda: [one for one in s.judge.order.items() if one[0][0] == "odd"]  # noqa: E731
            s.prove(
                lambda: s.until(lambda: sum(len(rows) for _, rows in arrived()) == len(sent), "all frames", 20), "said"
            )
        for (_, sensor), rows in arrived():
            assert [one["count"] for one in rows] == [number for name, number in sent if name == sensor]
            assert [one["seq"] for one in rows] == list(range(1, len(rows) + 1))
        for key in [key for key in s.judge.readings if key[0] == "odd"]:
            del s.judge.readings[key][1:]  # what the board said twice are two readings, and no double
        s.over(bystanders=list(s.boards))
        assert odd.status()["refused"] == {}


@row(
    "F25",
    field="A wrong number of columns.",
    happens="Three values where four are configured, and five; the same without any configured.",
    promised="`wrong_columns`, and the status says so while it is most lines; values never move to another sensor.",
    full=30,
)
def test_f25_wrong_columns(scene):
    hands = {
        "named": 'format = "csv"\nheader = false\ncolumns = ["count", "S1", "S2", "S3"]',
        "learnt": 'format = "csv"',
    }
    with by_hand(scene, hands=hands) as (s, boards):
        s.steady()
        named, learnt = boards.values()
        learnt.write(b"count,S1,S2,S3\n")
        with s.fault():
            for turn in range(30):
                for hand in (named, learnt):
                    values = {"S1": turn + 0.1, "S2": turn + 0.2, "S3": turn + 0.3}
                    hand.says(b"%d,%r,%r,%r" % (hand.next, *values.values()), **values)
                    hand.says(b"%d,55.5,66.5" % hand.next)
                    hand.says(b"%d,55.5,66.5,77.5,88.5" % hand.next)
            for hand in (named, learnt):
                hand.says(b"%d,1.0,2.0,3.0" % hand.next, S1=1.0, S2=2.0, S3=3.0)
            s.prove(lambda: s.until(lambda: named.heard() and learnt.heard(), "the last good line", 20), "all is read")
        s.until(
            lambda: "wrong_columns" in named.status()["faults"].get("refusing", {}).get("text", ""), "it is told", 5
        )
        for hand in (named, learnt):
            for _ in range(30):
                hand.says(b"%d,1.0,2.0,3.0" % hand.next, S1=1.0, S2=2.0, S3=3.0)
        s.until(lambda: not named.status()["faults"] and not learnt.status()["faults"], "it is well again", 10)
        s.over(bystanders=list(s.boards))
        assert named.status()["refused"] == learnt.status()["refused"] == {"wrong_columns": 60}
