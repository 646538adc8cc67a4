"""Hostile material: lines that are nearly data, options of any kind, and the files of tests/corpus."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from gateway.model import FormatOptions
from tests.conftest import examples

CORPUS = Path(__file__).parent.parent / "corpus"
PATTERNS = (
    "",
    r"T1[:=](?P<T1>\S+)",
    r"(?P<value>[^,; ]+)[,; ]?",
    r"(?:(?P<sensor>\w+)[:=])?(?P<value>.*?)(?P<unit>[CFK%]?)",
    r"(?:(?P<T1>\w*)\W*)*(?P<count>\d*)|(?P<T2>.*x)",
)
"""Patterns that match much, little and everything."""
NEEDS: dict[str, dict[str, Any]] = {
    "regex": {"pattern": PATTERNS[3]},
    "block": {"pattern": PATTERNS[2], "start": r"T1|\{|\["},
}
"""What a format cannot do without, where a test brings no options."""
SCRAPS = (
    b"21.5|-3|+025.3|.5|7.|1e9|1e309|5e-324|nan|-inf|ovf|None|null|--|?|0x10|1_000|23,5|1.2.3|9999999999999999999999|"
    b",|;|\t|:|=| |  |/|T1|S1|temp|Temp *C|hum|count|sensor|value|unit|TempUnit|C|F|K|\xc2\xb0C|\xb0F|%|mbar|deg|"
    b'{|}|[|]|(|)|"|{"a":|{"T1":21.5}|{"sensor":"a","value":1}|[1,|]]|\\u0000|\\ud800|\\|true|1e999|'
    b"T1:21.5|T1=21.5|T1:21.5 C|a.b:1|ok T:21.2 /0.0|$,|,#|#|>|*|I (590) x: |[D][sensor:094]: |"
    b"$WIMTW,24.2,C*09|$YXXDR,C,19.3,C,BRDT|,C,1,C,|*75|*00|$GP|!AI|"
    b"12:00:01|2026-01-02|10/12/2019|\x00|\x07|\x1b[31m|\x1b]0;x\x07|\x1b[|\x9b|\xff|\xc3|\xed\xa0\x80|\xef\xbb\xbf|"
    b"\xe2\x80\xae|\xe2\x80\xa8|\xef\xbc\x91|\xd9\xa3|\x0b|\x0c|\x1c|\x85"
).split(b"|")
"""What boards print, whole and in pieces, and what no board should."""

scraps = st.sampled_from(SCRAPS)
lines = st.one_of(
    st.binary(max_size=60),
    st.lists(scraps, max_size=12).map(b"".join),
    st.lists(scraps, max_size=6).map(b",".join),
    st.builds(lambda scrap, times: scrap * times, scraps, st.integers(1, 300)),
).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b""))
"""Frames: bytes without a line end."""

terminators = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n"])
streams = st.lists(st.tuples(lines, terminators).map(b"".join), max_size=12).map(b"".join)
"""Bytes as they come from a port."""

names = st.one_of(st.text(st.characters(exclude_categories=()), max_size=12), st.sampled_from(["T1", "count", "a.b"]))
columns = st.one_of(
    st.just(()),
    st.lists(
        st.one_of(names, st.sampled_from(["", "sensor", "value", "unit", "T1=x", "hum=", "a.b=T", "T1=T2"])), max_size=5
    ).map(tuple),
)
options = st.one_of(
    st.just(FormatOptions()),
    st.builds(
        FormatOptions,
        columns=columns,
        unit=st.lists(st.sampled_from(["°C", "°F", "K", "V", "%", "", "\ud800"]), max_size=3).map(tuple),
        also=st.lists(st.sampled_from(["humidity", "T1", "count", "a.b", "voltage"]), max_size=2).map(tuple),
        none=st.lists(st.sampled_from(["--", "nan", "", -127.0, 21.5, 0.0]), max_size=2).map(tuple),
        separator=st.sampled_from(["auto", ",", ";", "\t", " ", "|", ":", "\\", "é"]),
        header=st.sampled_from(["auto", True, False]),
        decimal=st.sampled_from(["auto", ",", "."]),
        records=st.sampled_from(["", "a", "a.b"]),
        after=st.sampled_from(["", "= ", "SENSOR =", "{"]),
        pattern=st.sampled_from(PATTERNS),
        start=st.sampled_from([None, "", "T1", r"[\d.]"]),
        end=st.sampled_from([None, "", r"\]", "S1"]),
        timeout=st.sampled_from([0.01, 5.0]),
        base=st.sampled_from([10, 16]),
    ),
)
"""Options as the configuration lets them through, whether or not they make sense together."""


def many(fast: int, long: int) -> settings:
    """How many examples a test takes: in every run, and with a budget of two minutes and more; with less, a share."""
    return settings(max_examples=examples(fast, long), deadline=None)


def corpus(kind: str) -> list[Path]:
    """The finds of one kind; at least one, since an empty folder would prove nothing."""
    found = sorted((CORPUS / kind).iterdir())
    assert found, kind
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in pieces, cut at `places`, wherever those are."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]
