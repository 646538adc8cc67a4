"""Parts of the page by themselves: how numbers and times are written, the hour in buckets, axes, what is remembered."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.outside, pytest.mark.xdist_group("browser")]


@pytest.fixture
def part(browser, served):
    """part(module, "text of a JavaScript function of it"): what that gives."""
    fake = served()
    browser.expected = ("favicon.ico",)
    browser.open(fake.url + "icon.svg")  # of the same site, and no page that is at work

    def run(module, function):
        return browser.waits(
            f"const done = arguments[0]; import('{fake.url}{module}').then((m) => ({function})(m)).then("
            "done, (error) => done(String(error)))"
        )

    return run


WORDS = {
    "number(21.5, 2)": "21.50",
    "number(-0.00001234)": "-1.234e-5",
    "number(null)": "–",
    "number(NaN)": "–",
    "number(21.500000000000004)": "21.5",
    "number(1e300)": "1.000e+300",
    "computed(0.52062345)": "0.5206",
    "computed(-1234.567)": "-1234.6",
    "computed(undefined)": "–",
    "count(1234567)": "1\u202f234\u202f567",
    "count(undefined)": "0",
    "bytes(999)": "999 B",
    "bytes(142000)": "142 kB",
    "bytes(256000000)": "256 MB",
    "share(3, 1712)": "0.18 %",
    "share(1, 10000000)": "< 0.01 %",
    "share(0, 0)": "0 %",
    "share(5, 5)": "100 %",
    "duration(59.9)": "59 s",
    "duration(8040)": "2 h 14 min",
    "duration(90061)": "1 d 1 h",
    "duration(-3)": "0 s",
    "utc(1795004800.123)": "2026-11-18T12:26:40.123Z",
    "utc(NaN)": "",
    "clock(NaN)": "–",
    "shown('a\\u202eb\\u0000\\ud800')": "a\\u202eb\\x00\\ud800",
    "shown('x'.repeat(300), 10)": "xxxxxxxxx…",
    "shown('  ')": "␣␣",
    "shown('Küche °C 🌡')": "Küche °C 🌡",
    "named('')": "(no name)",
    "named('S1')": "S1",
    "total({ shed: 2, too_large: 3 })": 5,
    "total(undefined)": 0,
    "plainly('wrong_columns')": "wrong columns",
    "instant('2026-11-18T12:26:40.000Z')": 1795004800,
    "instant('soon')": None,
    "decimals(1e-9)": 0,
    "decimals(23.9375)": 4,
}


def test_words(part):
    """Numbers, counts, shares, times and texts are written alike everywhere, and "–" where there is none."""
    calls = ", ".join(f"m.{call} ?? null" for call in WORDS)
    assert dict(zip(WORDS, part("words.js", f"(m) => [{calls}]"), strict=True)) == WORDS


def test_a_clock_says_the_day_where_it_is_not_today(part):
    """A time of another day has its date, one of today has none."""
    said = part("words.js", "(m) => [m.clock(1795004800, 1795004801).length, m.clock(1794004800, 1795004800).length]")
    assert said == [len("12:26:40"), len("2026-11-07 12:26:40")]


def test_the_hour_and_what_comes_after(part):
    """What the gateway kept and what came since are one line; the older of two ways of knowing a bucket never wins."""
    points = part(
        "series.js",
        """({ series }) => {
      const line = series();
      line.add(1018, 30);
      line.load({step: 5, start: 1000, low: [1, null, 3, 4], high: [2, null, 5, 6], last: [1.5, null, 4, 5]});
      line.add(1019, 2);
      line.add(1021, 7);
      line.add(1022, NaN);
      return line.points(990, 1090);
    }""",
    )
    assert [(p["low"], p["high"], p["last"]) for p in points] == [(1, 2, 1.5), (3, 5, 4), (2, 30, 2), (7, 7, 7)]
    assert [p["time"] for p in points] == [1002.5, 1012.5, 1017.5, 1021]


def test_the_last_minute_is_value_by_value(part):
    """A span of a minute shows each value that came, a longer one the buckets."""
    short, long = part(
        "series.js",
        """({ series }) => {
      const line = series();
      for (let i = 0; i < 400; i += 1) line.add(1000 + i / 4, i);
      return [line.points(1040, 1100).length, line.points(1000, 1100).length];
    }""",
    )
    assert (short, long) == (240, 20)


def test_a_clock_that_is_set_back(part):
    """After the gateway's clock was set back an hour the line begins anew, and goes on."""
    points, newest = part(
        "series.js",
        """({ series }) => {
      const line = series();
      line.add(9000, 1);
      line.add(5400, 2);
      line.add(5401, 3);
      return [line.points(5390, 5490), line.newest];
    }""",
    )
    assert [p["last"] for p in points] == [3] and newest == [5401, 3]


def test_a_slow_board_has_no_gaps(part):
    """A gap is what is longer than three times the usual pause: values once a minute are one line, ten minutes none."""
    minutes, steady = part(
        "series.js",
        """({ usual }) => {
      const at = (times) => times.map((time) => ({ time }));
      return [usual(at([0, 60, 120, 180, 780]), 5), usual(at([0, 5, 10, 15, 20]), 5)];
    }""",
    )
    assert 60 < minutes < 600 and 12 < steady < 60


def test_axes(part):
    """Round numbers, never more than asked for; a line that does not move is in the middle of its plot."""
    found = part(
        "scale.js",
        """({ ticks, times, ends }) => [
      ticks(19.7, 26.3, 3).found, ticks(-0.04, 0.05, 3).found.map((one) => Number(one.toFixed(3))),
      times(1000000, 1003600, 5).found.map((one) => one % 60), ends([], 1),
      ends([{low: 21.5, high: 21.5}], 1), ends([{low: 1e12, high: 1e12}], 0).map((one) => one - 1e12),
    ]""",
    )
    assert found[0] == [20, 25] and found[1] == [0, 0.05] and set(found[2]) == {0}
    assert found[3] == [0, 1]
    low, high = found[4]
    assert low < 21.5 < high and abs((low + high) / 2 - 21.5) < 1e-9
    assert found[5][0] < 0 < found[5][1]


def test_a_page_that_joins_hears_the_same(part):
    """What a second page is told of a stream that runs is what all events so far come to."""
    told = part(
        "memory.js",
        """({ memory }) => {
      const kept = memory();
      kept.hear("open", null);
      kept.hear("documents", {gateway: {n: 1}, boards: JSON.parse('{"a": {"n": 1}, "__proto__": {"n": 2}}'), left: []});
      kept.hear("sensors", {sensors: [{id: 1}, {id: 2}]});
      kept.hear("values", {time: 5, values: [[1, 5, 20], [2, 5, 30]]});
      kept.hear("lines", {board: "a", refused: [1]});
      kept.hear("documents", {gateway: {n: 2}, boards: {}, left: ["a"]});
      kept.hear("gone", {ids: [1]});
      const events = kept.told(6);
      return [JSON.stringify(events), Object.keys(events[1][1].boards)];
    }""",
    )
    assert told[1] == ["__proto__"]
    assert told[0] == (
        '[["open",null],["documents",{"gateway":{"n":2},"boards":{"__proto__":{"n":2}},"left":[]}],'
        '["sensors",{"sensors":[{"id":2}]}],["values",{"time":6,"values":[[2,5,30]]}]]'
    )
