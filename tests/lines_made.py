"""Lines of boards of any kind, good, odd and torn, in any order and of one shape for a while, for tests of reading."""

from collections.abc import Callable
from itertools import pairwise
from random import Random

from hypothesis import strategies as st

from gateway.model import (
    FormatOptions,
)

GOOD = b"21.5|19.88|-3|0|0.1|85|-127.00|-0.0".split(b"|")
ODD = b"-0|+5|.5|7.|007|1e2|2E-3|1e-99|123456789012345678901|23,5|1_0|\xef\xbc\x91|nan|1e400|ok|".split(b"|")
CELLS = b"#C|# *C|#%|nan||ok|12:00:01|2026-01-02|T1|#e9|\xc2\xb0|\x00|\x1b[0m#|?| #|# #|-#|#x".split(b"|")
"""What stands between two marks where it is not #, a number."""
ASIDE = b'|sensor,T1,T2|sensor,value|count,T1,T2|hum,T1|T1,T2|# note|err|*OK|\xff\xfe|\x1b[2J|{"T1":|T1:21.5'.split(
    b"|"
)
ASIDE += [b"21.5," * 50]
"""Lines that stand between rows."""


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces."""
    borders = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(borders)]


def row(random: Random) -> tuple[bytes, bytes]:
    """A header, or nothing, and a row as a board might spell it. # is a number, @ the number of the line."""
    mark = random.choice([b",", b",", b",", b";", b"\t", b" ", b", "])
    cells = [random.choice(CELLS) if random.random() < 0.06 else b"#" for _ in range(random.randint(1, 4))]
    names = [b"T%d" % (at + random.choice([1, 1, 2])) for at, _ in enumerate(cells)]
    first, called = random.choice([("", ""), ("", ""), ("@", "count"), ("A~", "sensor")])
    if first:
        cells, names = [first.encode(), *cells], [called.encode(), *names]
    around = random.choice([b"%b", b"%b", b"%b", b"(%b)", b"%b" + mark, b" %b ", b"temp: %b"])
    return random.choice([b"", mark.join(names)]), around % mark.join(cells)


def pairs(random: Random) -> tuple[bytes, bytes]:
    """Nothing, and a line of pairs."""
    mark = random.choice([b":", b":", b"=", b": "])
    between = random.choice([b",", b",", b", ", b";", b"\t", b" ", b"  "])
    keys = random.sample([b"T1", b"T2", b"temp", b"hum", b"Vrms", b"T 3", b"sensor", b"tempf"], random.randint(1, 4))
    cells = [random.choice(CELLS) if random.random() < 0.06 else b"#" for _ in keys]
    cells = [cell + random.choice([b"", b"", b"", b" C", b"F", b"%", b" *C"]) for cell in cells]
    made = [key + mark + cell for key, cell in zip(keys, cells, strict=True)]
    made += random.choice([[], [], [b"count" + mark + b"@"], [b"T1" + mark + b"#"]])
    return b"", random.choice([b"%b", b"%b", b"%b", b" %b", b"%b" + between, b"$,%b,#", b"T:%b"]) % between.join(made)


KEYS = b"T1|T2|T1|T2|temp|tempf|hum|count|count|value|value|unit|at|ok||a\\u0042|T 1".split(b"|")
BESIDE = [b"type", b"kind", b"name", b"n", b"unit", b"u", b"uom"]
TEXTS = [b"", b"C", b"F", b"%", b"DS18B20", b"humidity", b"pressure", b"Boiler", b"note"]
"""What may stand beside a value, and says what it is, or does not: & in a line."""
ITEMS = b'"\xc3\xa9"|-0|1e123|21.1234567890123456789|"&"|'
ITEMS += b'"12:00:@"|"C"|"F"|null|true|"21.5"|[#,#]|{"T3":#}|{"T1":#,"count":@}|{"x":"y"}|"\\n"|@|{}|[]|# |NaN'
ITEMS = ITEMS.split(b"|")
AROUND = b'{%b}|{%b}|{%b}|{%b}|{%b}|{"S":{%b}}|{"S":{%b},"T1":#}|[{%b}]|{%b} | {%b}|{%b}{%b}|{"\xc2\xb0":{%b}}'.split(
    b"|"
)


def objects(random: Random) -> tuple[bytes, bytes]:
    """Nothing, and a line of JSON."""
    made = random.choice([[], [], [b'"sensor":"A~"'], [b'"id":"A~"'], [b'"sensor":3']]).copy()
    for _ in range(random.randint(1, 4)):
        key, item = random.choice(KEYS), random.choice(ITEMS) if random.random() < 0.15 else b"#"
        made.append(b'"%b":%b' % (key, b"@" if key == b"count" and random.random() < 0.9 else item))
    if random.random() < 0.4:
        made += [b'"%b":#' % random.choice([b"value", b"value", b"v"])]
        made += [b'"%b":"&"' % key for key in random.sample(BESIDE, random.randint(1, 2))]
    return b"", random.choice(AROUND).replace(b"%b", random.choice([b",", b",", b", "]).join(made))


def stream(random: Random, kind: Callable[[Random], tuple[bytes, bytes]]) -> bytes:
    """A few kinds of line, many of each, with other numbers each time, and here and there another."""
    out = [b"\n"]
    for _ in range(random.randint(1, 3)):
        numbers = random.choices(GOOD, k=9) + random.choices(ODD, k=random.choice([0, 0, 0, 1]))
        (head, line), number = kind(random), random.randint(0, 3)
        end = random.choice([b"\r\n", b"\n", b"\n", b"\r", b";", b"\n\r"])
        said, often = random.choice(TEXTS), random.choice([0, 0.05, 1])
        out += [head, end] if head else []
        for at in range(random.choice([1, 9, 40, 150])):
            parts = line.replace(b"~", random.choice([b"2", b"3"])).replace(b"@", b"%d" % (number + at)).split(b"#")
            texts = [*random.choices(numbers, k=len(parts) - 1), end]
            said = random.choice(TEXTS) if random.random() < often else said
            parts = [part.replace(b"&", said) for part in parts]
            out += [part + text for part, text in zip(parts, texts, strict=True)]
            if random.random() < 0.02:
                out += [random.choice(ASIDE), end]
        if random.random() < 0.3:  # the last line, torn at one place, again and again
            torn = b"".join(map(b"".join, zip(parts, [*texts[:-1], b""], strict=True)))
            out += [torn[: random.randint(0, len(torn))], end] * 6
    return b"".join(out)


RANDOM = st.integers(0, 2**32).map(Random)
CUTS = st.one_of(st.just([]), st.lists(st.integers(0, 4000), max_size=8))


def options(random: Random, **wishes: list[object]) -> FormatOptions:
    """Mostly the defaults; each of `wishes` now and then."""
    return FormatOptions(**{key: random.choice(some) for key, some in wishes.items() if random.random() < 0.12})
