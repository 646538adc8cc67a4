"""Rows F20 to F25: names, values and columns that are not as they should be."""

import json
import time

from tests.faults.hand import by_hand
from tests.faults.rows import TIER, row


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
