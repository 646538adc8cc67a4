"""The page of a real gateway, with a real broker, and boards on pseudo-terminals that stall and send rubbish."""

import importlib.util
import json
import os
import re
import signal
import time
import urllib.request

import pytest

from ..street import Gateway, Judge, until
from .looking import drawn, measured, quiet, two_frames, value
from .talking import Talking, gateway_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.outside,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(
        importlib.util.find_spec("uvicorn") is None, reason="the extra `web` is not installed: pip install '.[web]'"
    ),
]


def opened(browser, url):
    """Opens the page of a gateway that has only just been started."""
    until(lambda: answers(url + "healthz"), "the page is served", 20)
    browser.open(url)
    browser.seen("#boards", "bench", 20)


def answers(url):
    """Whether somebody is there."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_a_gateway_as_it_is_seen(browser, tmp_path):
    """Plots move; a refused line is there in hex; a board that stalls turns silent and is back; a capture is one."""
    boards = {"bench": Talking(1), "kiln": Talking(20)}
    with gateway_of(tmp_path, boards) as (_, url):
        browser.log("performance")
        opened(browser, url)
        until(lambda: measured(browser, "in"), "a value", 20)
        before = drawn(browser, "in")["sum"], value(browser, "in")
        until(
            lambda: drawn(browser, "in")["sum"] != before[0] and value(browser, "in") != before[1], "a plot that moves"
        )
        boards["bench"].say(b"in=2x.1 out=\xff\xfe\r\n")
        browser.run("for (const one of document.querySelectorAll('.board .more')) one.open = true")
        said = browser.seen("#board-1 .lines", "69 6e 3d 32 78 2e 31 20 6f 75 74 3d ff fe")
        assert "not a number" in said and "in=2x.1 out=··" in said
        boards["kiln"].speaks = False
        browser.seen("#board-2", "silent", 15)
        until(lambda: browser.run("return document.querySelector('#board-2 [data-quiet]') !== null"), "grey values")
        assert not quiet(browser, "in")
        boards["kiln"].speaks = True
        until(lambda: "online" in browser.text("#board-2 .pill"), "the board back", 15)
        browser.seen("#tiles", "balanced")
        link = browser.run("return document.querySelector('#board-1 a.button').href")
        with urllib.request.urlopen(link) as answer:
            lines = answer.read().decode().splitlines()
        assert json.loads(lines[0])["board"] == "bench" and len(lines) > 10
        assert all(one.startswith(url) for one in browser.asked())
        packed, took = browser.run("""const [page] = performance.getEntriesByType('navigation');
          const files = performance.getEntriesByType('resource').filter((one) => /\\.(js|css|svg)$/.test(one.name));
          return [[page, ...files].reduce((sum, one) => sum + one.encodedBodySize, 0), page.loadEventEnd]""")
        print(f"{packed} bytes, loaded after {took:.0f} ms")
        assert 20_000 < packed < 50_000 and took < 1500


def test_a_gateway_that_is_killed_stopped_and_started(browser, tmp_path):
    """kill -STOP and kill -9 are seen as no news; the gateway that is started again in its place is live by itself."""
    browser.expected = ("net::ERR_", "503")
    boards = {"bench": Talking(1)}
    with gateway_of(tmp_path, boards) as (gateway, url):
        opened(browser, url)
        until(lambda: measured(browser, "in"), "a value", 20)
        os.kill(gateway.process.pid, signal.SIGSTOP)
        browser.seen("#banner", "No news since", 20)
        assert quiet(browser, "in")
        os.kill(gateway.process.pid, signal.SIGCONT)
        until(lambda: not browser.text("#banner") and not quiet(browser, "in"), "the page live", 20)
        run = browser.text(".about")
        gateway.process.kill()
        browser.seen("#banner", "cannot be reached", 20)
        again = Gateway(tmp_path, gateway.file.read_text())
        try:
            until(lambda: not browser.text("#banner") and not quiet(browser, "in"), "the page live again", 30)
            assert browser.text(".about") != run
            shown = value(browser, "in")
            until(lambda: value(browser, "in") != shown, "values that move")
        finally:
            assert again.stop() == 0


def test_ten_pages_lose_no_reading(browser, tmp_path):
    """While ten pages look at it, all that a board says arrives at the broker, in order."""
    boards = {"bench": Talking(1)}
    with gateway_of(tmp_path, boards) as (gateway, url):
        opened(browser, url)
        port = re.search(r"mqtt://127.0.0.1:(\d+)", gateway.file.read_text())[1]
        judge = Judge(int(port))
        handles = [browser.tab() for _ in range(9)]
        for handle in handles:
            browser.turn(handle)
            browser.open(url)
        for handle in handles:
            browser.turn(handle)
            shown = until(lambda: (said := browser.text("#board-1 .value")) not in ("", "–") and said, "a value", 20)
            until(lambda: browser.text("#board-1 .value") != shown, "a value that moves")  # noqa: B023
        heard = judge.of("bench", "in")
        began = time.monotonic()
        until(lambda: len(heard) > 50, "readings")
        assert time.monotonic() - began < 8
        numbers = [one["seq"] for one in heard]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        judge.close()


def test_the_token_is_entered_once(browser, tmp_path):
    """Where a token is due, a browser is led to where it is entered; a wrong one is refused, a right one opens all."""
    browser.expected = ("403 (Forbidden)", "favicon.ico")
    file = tmp_path / "token"
    file.write_text("0123456789abcdef-token\n")
    file.chmod(0o600)
    enter = """document.querySelector('#token').value = arguments[0]; document.querySelector('button').click()"""
    with gateway_of(tmp_path, {"bench": Talking(1)}, f'token_file = "{file}"\n') as (_, url):
        until(lambda: answers(url + "healthz"), "the page is served", 20)
        browser.open(url)
        assert browser.run("return location.pathname") == "/login"
        browser.run(enter, "0123456789abcdef-wrong")
        browser.seen("main", "This is not the token.")
        browser.run(enter, "0123456789abcdef-token")
        browser.seen("#boards", "bench", 20)
        until(lambda: measured(browser, "in"), "a value", 20)
        until(lambda: drawn(browser, "in")["filled"] > 0, "its hour, for which the token is sent too")
        assert "token" not in browser.run("return document.cookie + location.href + JSON.stringify(localStorage)")


def test_a_board_that_names_its_sensors_like_markup(browser, tmp_path):
    """What a board calls its sensors is text on the page, whatever it is."""
    names = ["<img src=x onerror=alert(1)>", "<script>alert(2)</script>"]
    lines = [json.dumps({"sensor": name, "value": 21.5}).encode() + b"\r\n" for name in names]
    boards = {"bench": Talking(1), "evil": Talking(2)}
    boards["evil"].speaks = False

    def said():
        for line in lines:
            boards["evil"].say(line)
        two_frames(browser)
        shown = browser.text("#board-2")
        return all(name in shown for name in names)

    with gateway_of(tmp_path, boards, each='format = "json"') as (_, url):
        opened(browser, url)
        until(said, "the names as text", 20)
        assert browser.run("return document.querySelectorAll('#boards img, #boards script').length") == 0
