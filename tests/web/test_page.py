"""The page as somebody sees it: what is there, what moves, what turns grey, and what is said when nothing comes."""

import re
import time

import pytest

from gateway.model import HEAD, Why

from ..street import until
from .fake import PAGE, board, gateway, instant
from .looking import drawn, measured, quiet, value

pytestmark = [pytest.mark.slow, pytest.mark.outside, pytest.mark.xdist_group("browser")]


def test_what_is_there(browser, served):
    """Gateway, broker, spool, workers, ledger; boards with their link; sensors with value, unit, quality, features."""
    fake = served()
    fake.quality = {0: ("spike", None), 2: ("ok", "above")}
    fake.documents["gateway"]["faults"] = {
        "spool_full": {"since": instant(time.time() - 60), "count": 2, "text": "The spool is full."}
    }  # fmt: skip
    fake.documents["boards"]["bench"] |= {"overruns": 3, "reason": "its port is slow"}
    reason = "the cluster tcp://h:8786 has no workers: batches are computed here"
    fake.documents["gateway"]["pool"]["cluster"] = {
        "address": "tcp://h:8786", "state": "empty", "workers": 0, "batches": 12, "returned": 0, "late": 0,
        "reason": reason,
    }  # fmt: skip
    browser.open(fake.url)
    browser.seen("#boards", "bench")
    assert browser.text("h1") == "greenhouse-1"
    about, tiles = browser.text(".about"), browser.text("#tiles")
    for words in ("0.1.0", "5f0c2a9d41be", "2 h 14 min", "synced"):
        assert words in about
    for words in (
        "3 of 3 online",
        "connected",
        "mqtt://localhost:1883",
        "1 reconnect",
        "2 d 23 h left",
        "3 workers",
        "cluster empty, 0 workers, 12 batches",
        reason,
        "balanced",
    ):
        assert words in tiles
    assert "The spool is full." in browser.text("#faults")
    until(lambda: measured(browser, "S1"), "a value")
    bench = browser.text("#board-1")
    for words in (
        "online",
        "115200",
        "csv",
        "/dev/serial/by-id/",
        "wrong columns 3",
        "overruns\n3",
        "its port is slow",
        "°C",
        "spike",
    ):
        assert words in bench
    browser.seen("#board-1 .features", "normalized")
    assert "▲ alarm: above" in browser.text("#board-2")
    browser.run("document.querySelector('#books').open = true")
    sums = browser.seen("#books", "acknowledged").replace("\u202f", " ")
    assert "171 204 frames = 171 190 decoded + 9 noise + 5 refused" in sums
    assert "684 748 readings + 0 inherited = 684 744 acknowledged + 0 sent unacknowledged + 4 in flight" in sums


def test_plots_are_full_at_the_open_and_move(browser, served):
    """A plot shows the gateway's hour when the page opens, and goes on by itself."""
    fake = served()
    browser.open(fake.url)
    until(lambda: drawn(browser, "S1")["filled"] > 0.95, "a plot that is full")
    before, shown = drawn(browser, "S1")["sum"], value(browser, "S1")
    until(lambda: drawn(browser, "S1")["sum"] != before and value(browser, "S1") != shown, "a plot that moves")


def test_the_span_holds_what_there_is(browser, served):
    """Ten minutes after a start the plots are 15 minutes long, so that what is there is seen; who chooses, has it."""
    fake = served(hour=600)
    browser.open(fake.url)
    span = "return [...document.getElementsByName('span')].find((one) => one.checked)?.value"
    until(lambda: browser.run(span) == "900", "15 minutes")
    until(lambda: drawn(browser, "S1")["filled"] > 0.55, "most of it drawn")
    browser.run("document.querySelector('[name=span][value=\"300\"]').click()")
    until(lambda: drawn(browser, "S1")["filled"] > 0.95, "all of it drawn")
    assert browser.run(span) == "300"


def test_a_board_that_stalls_turns_silent(browser, served):
    """Its values and plots turn grey and it says since when; the others go on; it is back as soon as it is heard."""
    fake = served()
    browser.open(fake.url)
    until(lambda: measured(browser, "inside"), "a value")
    fake.stalled.add(2)
    since = time.time() - 65
    fake.tell("kiln", state="silent", since=instant(since), reason="nothing has come for 65 s")
    assert re.search(r"silent\s+since \d\d:\d\d:\d\d \(1 min\)", browser.seen("#board-2", "silent").replace("\n", " "))
    until(lambda: quiet(browser, "inside"), "a grey value")
    assert "nothing has come for 65 s" in browser.text("#board-2")
    assert "silent" in browser.text("#jump")
    assert not quiet(browser, "S1")
    title = browser.run("return document.querySelector('#board-2 time').title")
    assert title == instant(since)
    held = value(browser, "inside")
    shown = value(browser, "S1")
    until(lambda: value(browser, "S1") != shown, "the others going on")
    assert value(browser, "inside") == held
    fake.stalled.clear()
    fake.tell("kiln", state="online", since=instant(time.time()), reason=None)
    until(lambda: not quiet(browser, "inside") and value(browser, "inside") != held, "the board back")


def test_one_sensor_that_fails(browser, served):
    """A sensor that says its own mark for no value is said to have failed; the other of its board is as before."""
    fake = served()
    browser.open(fake.url)
    browser.seen("#boards", "bench")
    document = fake.documents["boards"]["bench"]
    document["sensors"]["S2"]["state"] = "failed"
    fake.tell("bench")
    until(lambda: quiet(browser, "S2"), "a grey value")
    assert "failed" in browser.text("#board-1") and not quiet(browser, "S1")


def test_the_gateway_is_killed_and_comes_back(browser, served):
    """A banner says since when there is no news, values are old; when it is back with other ids, all is live."""
    fake = served()
    browser.expected = ("net::ERR_",)
    browser.open(fake.url)
    until(lambda: measured(browser, "S1"), "a value")
    fake.stop()
    assert re.match(r"No news since \d\d:\d\d:\d\d: the gateway cannot be reached", browser.seen("#banner", "No news"))
    until(lambda: quiet(browser, "S1"), "a grey value")
    fake.sensors = [one | {"id": one["id"] + 100} for one in fake.sensors if one["board"] != "boiler"]
    del fake.documents["boards"]["boiler"]
    fake.documents["gateway"]["run"] = "77"
    fake.start()
    until(lambda: not browser.text("#banner") and not quiet(browser, "S1"), "the page live again", 15)
    shown = value(browser, "S1")
    until(lambda: value(browser, "S1") != shown, "values that move")
    assert "boiler" not in browser.text("#boards") and "77" in browser.text(".about")


def test_a_gateway_that_hangs(browser, served):
    """A connection that is there and says nothing for 6 s: the banner says so."""
    fake = served()
    browser.open(fake.url)
    until(lambda: measured(browser, "S1"), "a value")
    fake.beats = False
    browser.seen("#banner", "does not say anything", 25)
    assert quiet(browser, "S1")
    fake.beats = True
    until(lambda: not browser.text("#banner"), "no banner")


def test_a_stop_is_said(browser, served):
    """A gateway that says that it stops is no longer online."""
    fake = served()
    browser.open(fake.url)
    browser.seen("#boards", "bench")
    fake.documents["gateway"] |= {"state": "offline", "reason": "stopped"}
    browser.seen("#banner", "The gateway is offline: stopped.")
    assert browser.text("#state") == "offline (stopped)"


def test_an_upgrade_is_said(browser, served):
    """A page that was open while the gateway became another version says that it is older; values go on."""
    fake = served()
    browser.open(fake.url)
    browser.seen("#boards", "bench")
    fake.documents["gateway"]["version"] = "0.2.0"
    browser.seen("#banner", "The gateway is version 0.2.0 now, and this page older. Reload it.")
    assert not quiet(browser, "S1") and browser.text(".news") == "live"


def test_clocks_that_differ(browser, served):
    """The page goes by the gateway's clock, and says how far that is from this device's."""
    fake = served()
    fake.ahead = -7200
    browser.open(fake.url)
    browser.seen(".about", "2 h 0 min behind this device's")
    until(lambda: drawn(browser, "S1")["filled"] > 0.9, "a plot that is full")
    assert "ago" not in browser.text("#board-1 .chips")


def test_a_refused_line_is_seen_in_hex(browser, served):
    """The last refused lines of a board: reason and its meaning, text, and the bytes 16 a row with their text."""
    fake = served()
    browser.open(fake.url)
    browser.seen("#boards", "bench")
    assert "refused line" not in browser.text("#board-1")
    fake.refuse("bench", ("not_a_number", b"21.4,2x.1,22.0,19.5\r\n"), ("garbage", b"\x00\xff<b>"))
    browser.seen("#board-1", "The last 2 refused lines")
    browser.run("document.querySelector('#board-1 .more').open = true")
    said = browser.seen("#board-1 .lines", "not a number: not a plain decimal number")
    assert re.search(r"32 31 2e 34 2c 32 78 2e 31 2c 32 32 2e 30 2c 31\s+21\.4,2x\.1,22\.0,1", said)
    assert re.search(r"39 2e 35 0d 0a\s+9\.5··", said)
    assert re.search(r"00 ff 3c 62 3e\s+··<b>", said)
    assert said.index("garbage") < said.index("not a number"), "the newest comes first"
    assert "not kept" not in said
    fake.refuse("bench", ("too_long", b"x" * HEAD))
    assert f"These are its first {HEAD} bytes; more are not kept." in browser.seen("#board-1 .lines", "too long")


def test_each_reason_has_a_meaning():
    """The page knows in words what the reasons of refused lines are."""
    text = (PAGE / "meanings.js").read_text()
    assert set(re.findall(r"^\s+(\w+): \"", text, re.MULTILINE)) == set(Why)


def test_boards_and_sensors_come_and_go(browser, served):
    """What a reload adds is there, what it takes away is gone, without the page being opened anew."""
    fake = served()
    browser.open(fake.url)
    browser.seen("#boards", "boiler")
    fake.documents["boards"]["cellar"] = board("cellar", ["damp"])
    fake.tell("cellar")
    browser.seen("#boards", "damp")
    fake.sensors.append({"id": 9, "board": "cellar", "sensor": "damp", "unit": "°C"})
    fake.say("sensors", {"sensors": fake.sensors[-1:]})
    until(lambda: measured(browser, "damp"), "its value")
    del fake.documents["boards"]["boiler"]
    fake.say("documents", {"gateway": fake.documents["gateway"], "boards": {}, "left": ["boiler"]})
    fake.say("gone", {"ids": [3]})
    until(lambda: "boiler" not in browser.text("#boards") and "boiler" not in browser.text("#jump"), "it gone")


def test_a_gateway_without_boards(browser, served):
    """Says what to do."""
    fake = served({"x": ["y"]})
    fake.documents |= {"boards": {}, "gateway": gateway(0)}
    fake.sensors = []
    browser.open(fake.url)
    browser.seen("#nothing", "gateway init")


def test_filter_and_trouble(browser, served):
    """The filter leaves boards and sensors that have all its words; "trouble only" those with something to look at."""
    fake = served()
    fake.quality = {1: ("stuck", None)}
    browser.open(fake.url)
    until(lambda: measured(browser, "S2"), "a value")
    boards = "return [...document.querySelectorAll('.board:not([hidden]) h2')].map((one) => one.textContent)"
    browser.run("dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))")
    assert browser.run("return document.activeElement.id") == "filter"
    typed = "const f = document.querySelector('#filter'); f.value = arguments[0]; f.dispatchEvent(new Event('input'))"
    browser.run(typed, "INSIDE")
    until(lambda: browser.run(boards) == ["kiln"], "one board")
    browser.run(typed, "bench s2")
    until(lambda: browser.run(boards) == ["bench"], "the other")
    cards = "return [...document.querySelectorAll('#board-1 .sensor')].filter((one) => !one.hidden).length"
    assert browser.run(cards) == 1
    browser.run(typed, "nobody")
    browser.seen("#nothing", "No board or sensor has these words.")
    browser.run(typed, "")
    until(lambda: len(browser.run(boards)) == 3 and not browser.text("#nothing"), "all")
    browser.run("document.querySelector('#trouble').click()")
    until(lambda: browser.run(boards) == ["bench"], "the one with a stuck sensor")
    browser.run(typed, "kiln")
    browser.seen("#nothing", "No board or sensor in trouble has these words.")


def test_a_plot_is_read_off(browser, served):
    """At the pointer, and by the arrow keys for those who use none, the time and the values of that bucket are said."""
    fake = served()
    browser.open(fake.url)
    until(lambda: drawn(browser, "S1")["filled"] > 0.95, "a plot")
    browser.run("""
      const canvas = document.querySelector('#board-1 canvas'), box = canvas.getBoundingClientRect();
      const clientX = box.left + box.width / 2;
      canvas.dispatchEvent(new PointerEvent('pointermove', {clientX, clientY: box.top + 20, bubbles: true}));""")
    read = r"\d\d:\d\d:\d\d  \d+\.\d+ \(\d+\.\d+ to \d+\.\d+\) °C"
    assert re.search(read, browser.seen("#board-1 .readout", "°C"))
    browser.run("document.querySelector('#board-1 canvas').dispatchEvent(new PointerEvent('pointerleave'))")
    until(lambda: not browser.text("#board-1 .readout"), "nothing read off")
    browser.run("""
      const canvas = document.querySelector('#board-1 canvas'); canvas.focus();
      const left = () => new KeyboardEvent('keydown', {key: 'ArrowLeft', bubbles: true});
      for (let i = 0; i < 9; i += 1) canvas.dispatchEvent(left());""")
    said = until(lambda: browser.run("return document.querySelector('#said').textContent"), "the values said")
    assert re.search(read, said)
    assert re.match(
        r"S1, the last 1 h 0 min: from \d", browser.run("return document.querySelector('#board-1 canvas').ariaLabel")
    )


def test_a_token_is_asked_for(browser, served):
    """Where the gateway wants a token and this browser has none any more, the page leads to where it is entered."""
    fake = served()
    browser.expected = ("401 (Unauthorized)", "net::ERR_")
    browser.open(fake.url)
    browser.seen("#boards", "bench")
    fake.stop()
    fake.token = "secret"
    fake.start()
    browser.seen("#banner", "wants a token", 15)
    assert browser.run("return document.querySelector('#banner a').href") == fake.url + "login"


def test_configuration_and_capture(browser, served):
    """The configuration is fetched when it is opened; a board's capture is a link with its name in it."""
    fake = served({"a/b & c?": ["S"]})
    browser.open(fake.url)
    browser.seen("#boards", "a/b & c?")
    assert not [path for path, _ in fake.requests if path == "/configuration"]
    browser.run("document.querySelector('#configuration').open = true")
    browser.seen("#configuration pre", "(hidden)")
    link = browser.run("return document.querySelector('a.button').href")
    assert link == fake.url + "capture/a%2Fb%20%26%20c%3F"
