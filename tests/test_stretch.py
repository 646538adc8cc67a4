"""Lines read together are lines read one by one: the same readings, refusals and counts, whatever comes and how."""

import re
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.formats import decoder
from gateway.ingest.intake import Intake
from gateway.ingest.numbers import SHORT, floats
from gateway.ingest.sensors import Sensors
from gateway.ledger import Account
from gateway.model import (
    Board,
    Chunk,
    Decoded,
    Format,
    FormatOptions,
    Frame,
    Noise,
    Port,
    Refusal,
    Sample,
    Treatment,
    Why,
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


class OneByOne:
    """A format without its stretches."""

    def __init__(self, inner: Format) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        return self.inner.name

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        return self.inner.decode(frame)


def heard(board: Board, made: Format, chunks: list[bytes], treatment: Treatment | None) -> object:
    """All that can be seen of a board whose bytes come in these chunks."""
    told: list[object] = []
    account = Account()

    def take(_: str, samples: list[Sample], at: Chunk) -> None:
        told.append((repr(samples), at))  # repr tells -0.0 from 0.0, and says every bit

    sensors = Sensors(told.append)
    intake = Intake(board, made, take, account, lambda: told.append("changed"), sensors)
    if treatment is not None:
        sensors.treat(lambda own: treatment)
    for at, chunk in enumerate(chunks):
        told.append(intake.feed(chunk, Chunk(1000.0 + at, float(at))))
        told.append(dict(intake.failed))
    return told, asdict(account), made.name


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


TREATMENTS = [*[None] * 6, Treatment(gain=1e307), Treatment(unit="°F", offset=0.1)]


def same(name, random, options, data, cuts):
    """Asserts that a board's bytes come to the same with and without stretches."""
    most, treatment = random.choice([256, 256, 256, 3]), random.choice(TREATMENTS)
    board = Board("b", Port("/dev/x"), name, options, max_line=150, max_sensors=most)
    chunks = cut(data, cuts)
    together, one_by_one = decoder(name, options), OneByOne(decoder(name, options))
    if options.line_end:
        one_by_one.framing = together.framing
    assert heard(board, together, chunks, treatment) == heard(board, one_by_one, chunks, treatment)


@pytest.mark.parametrize("name", ["csv", "plain", "auto"])
@given(RANDOM, CUTS)
def test_rows_read_together(name, random, cuts):
    """Rows of one shape, cut anywhere and mixed with anything, come to what they come to one by one."""
    given = options(
        random,
        columns=[("a", "", "count"), ("sensor", "value"), ("count", "T1", "T2"), ("count", "T1", "", "T2")],
        unit=[("°F",), ("°C", "%")],
        none=[(85,), (-127, "nan"), ("0.1",), ("85 C", "-127.00C"), ("21.5 *C", "85%")],
        separator=[",", ";"],
        decimal=[",", "."],
        line_end=[";"],
    )
    same(name, random, given, stream(random, row), cuts)


@pytest.mark.parametrize("name", ["kv", "auto"])
@given(RANDOM, CUTS)
def test_pairs_read_together(name, random, cuts):
    """Lines of the same pairs, cut anywhere and mixed with anything, come to what they come to one by one."""
    given = options(
        random,
        columns=[("T1=T2",), ("T1=", "hum=humid"), ("a", "b"), ("T2=count",)],
        unit=[("°F",), ("°C", "%")],
        also=[("humidity",)],
        none=[(85,), (-127, "nan"), ("0.1",), ("85 C", "-127.00C"), ("21.5 *C", "85%")],
        decimal=[",", "."],
    )
    same(name, random, given, stream(random, pairs), cuts)


@pytest.mark.parametrize("name", ["json", "auto"])
@given(RANDOM, CUTS)
def test_objects_read_together(name, random, cuts):
    """Objects of the same keys, cut anywhere and mixed with anything, come to what they come to one by one."""
    given = options(
        random,
        columns=[("T1=T2",), ("T1=", "hum=humid"), ("a", "b"), ("T2=count", "at=sensor"), ("id=sensor",)],
        unit=[("°F",), ("°C", "%")],
        also=[("humidity",)],
        none=[(85,), (-127, "nan"), ("0.1",), ("85 C", "-127.00C"), ("21.5 *C", "85%")],
        records=["S"],
        after=["="],
    )
    same(name, random, given, stream(random, objects), cuts)


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b'{"value":21.5,"type":"DS18B20"}', b'{"value":55.2,"type":"humidity"}'),
        (b'{"n1":{"value":21.5,"type":"x"}}', b'{"n1":{"value":1013.2,"type":"pressure"}}'),
        (b'{"value":21.5,"u":""}', b'{"value":70.1,"u":"F"}'),
        (b'{"value":21.5,"name":""}', b'{"value":21.5,"name":"Boiler"}'),
        (b'{"sensor":"A","value":21.5,"kind":"x"}', b'{"sensor":"A","value":55.2,"kind":"humidity"}'),
        (b'{"value":21.5,"unit":"C","units":""}', b'{"value":21.5,"unit":"C","units":"F"}'),
        (b'{"sensor":"A","value":21.5,"unit":"C"}', b'{"sensor":"B","value":70.7,"unit":"F"}'),
        (b'{"sensor":"A","value":21.5,"unit":"C"}', b'{"sensor":"humidity","value":70.7,"unit":"C"}'),
        (b'{"sensor":"A","value":21.5,"units":"F","unit":"C"}', b'{"sensor":"B","value":70.7,"units":"F","unit":"C"}'),
    ],
)
def test_a_text_beside_a_value_ends_a_stretch(before, behind):
    """Where the text beside a value begins to say what the value is, it is read by that, in the first line too."""
    data = (before + b"\n") * 13 + behind + b"\n" + (before + b"\n") * 5
    same("json", Random(1), FormatOptions(), b"\n" + data, [5 * len(before) + 6])


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("kv", b"T1=21.5 C", b"T1=-127.0 C"),
        ("csv", b"21.5 C,22.0 C", b"-127.0 C,22.0 C"),
        ("plain", b"21.5 C 22.0 C", b"-127.0 C 22.0 C"),
        ("auto", b"T1=21.5 C", b"T1=-127.0 C"),
        ("auto", b"21.5 C,22.0 C", b"-127.0 C,22.0 C"),
    ],
)
def test_a_mark_with_its_unit_is_found_behind_good_lines(name, good, bad):
    """A text of `none` that is a number and its unit is an error mark, however many lines were read before it."""
    options = FormatOptions(none=("-127.0 C",))
    made = decoder(name, options)
    for _ in range(9):
        assert isinstance(made.decode(good), Decoded)
    together = made.stretch([bad] * 9)
    found = made.decode(bad)
    marked = found.why if isinstance(found, Refusal) else {each.why for each in found.bad}
    assert (together, marked) == (None, Why.ERROR_MARK if isinstance(found, Refusal) else {Why.ERROR_MARK})


WHOLE = {
    "json": [
        '{"T1":21.5,"at":"é"}',
        '{"T1":21.5,"at":12}',
        '{"at":"x","T1":-0}',
        '{"at":"x","T1":1e123}',
        '{"T1":21.5,"count":1234567890123456789}',
        '{"T1":{"T1":21.5,"b":{"ok":true}}}',
    ],
    "kv": ["T1:21.5 °C, T2:19.88 °C, MSG:12", "T1:21.5,T2:19.88"],
    "csv": ["(21.5, 19.88)", "21.5;19.88;", "21.5,19.88"],
    "plain": ["temperatures: 21.5 °C 22.5 °C", "21.5 22.5"],
}


@pytest.mark.parametrize(("name", "good"), [(name, line) for name, lines in WHOLE.items() for line in lines])
def test_a_cut_line_is_in_no_stretch_that_decode_does_not_read(name, good):
    """Wherever a line is cut, many such halves come to what one comes to, behind good lines of whichever kind."""
    before = good.encode()
    for line in WHOLE[name]:
        torn = re.sub("21.5|-0|1e123", "23.25", line).encode()
        for at in range(len(torn) + 1):
            together, one_by_one = decoder(name, FormatOptions()), decoder(name, FormatOptions())
            for _ in range(3):
                assert together.decode(before) == one_by_one.decode(before)
            together.stretch([before] * 8)
            found = together.stretch([torn[:at]] * 6)
            if found is not None:
                alone = [one_by_one.decode(torn[:at]) for _ in range(found.frames)]
                width = len(found.samples) // found.frames
                assert alone == [Decoded(found.samples[:width], [])] * found.frames


def test_a_part_of_an_object_is_not_its_sensors():
    """What is known of the keys of a sensor is not said of a part of the line that has the same keys."""
    lines = b'{"sensor":"A1","T1":1.5,"T3":2.5}\n' * 9, b'{"sensor":"A1","T1":{"T3":5.5}}\n' * 30
    same("json", Random(1), FormatOptions(), b"\n" + b"".join(lines), [340, 600, 900])


@given(st.lists(st.from_regex(re.compile(SHORT.encode(), re.ASCII), fullmatch=True), min_size=1))
def test_floats_are_those_of_float(texts):
    """Many numbers at once are, bit for bit, what float() gives for each."""
    assert list(map(repr, floats(texts))) == [repr(float(text)) for text in texts]


@pytest.mark.parametrize(
    ("name", "line", "odd", "again"),
    [
        ("csv", b"21.5,22.5", b"21.5,nan", [b"21.5,22.5"]),
        ("plain", b"21.5 22.5", b"21.5 nan", [b"21.5 22.5"]),
        ("kv", b"T1:21.5,T2:22.5", b"T1:21.5,T2:nan", []),
        ("json", b'{"T1":21.5,"T2":22.5}', b'{"T1":21.5,"T2":null}', []),
        ("json", b'{"sensor":"S1","value":21.5}', b'{"sensor":"S2","value":21.5}', []),
        ("json", b'{"sensor":"S1","value":21.5,"unit":"C"}', b'{"sensor":"S1","value":70.7,"unit":"F"}', []),
        ("json", b'{"type":"temperature","value":21.5}', b'{"value":21.5,"type":"temperature"}', []),
    ],
)
def test_a_chunk_is_read_at_once(name, line, odd, again):
    """Of lines that come together those that end a stretch are read alone, and those that show that all goes on."""
    made = decoder(name, FormatOptions())
    calls = []
    alone = made.decode
    made.decode = lambda frame: calls.append(frame) or alone(frame)
    account = Account()
    intake = Intake(Board("b", Port("/dev/x"), name), made, lambda *_: None, account, lambda: None)
    intake.feed(b"\n" + (line + b"\n") * 10, Chunk(0.0, 0.0))
    calls.clear()
    intake.feed((line + b"\n") * 100 + odd + b"\n" + (line + b"\n") * 100, Chunk(0.0, 0.0))
    assert calls == [odd, *again]
    assert account.decoded == 211
