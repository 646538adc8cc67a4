"""Rows F78, F79: the web process, attacked by way of a browser and by hand, while the boards speak."""

import asyncio
import json
import os
import signal
import socket
import time
from pathlib import Path

from gateway.web.guard import METHODS
from tests.brokers import free_port
from tests.faults import tree
from tests.faults.hand import by_hand
from tests.faults.rows import lasting, row
from tests.webs import HOSTILE, Stream, ask, raw

ROUTES = [
    "/", "/events", "/history/1", "/configuration", "/capture/bench", "/metrics", "/healthz", "/readyz", "/login",
    "/icon.svg",
]  # fmt: skip
PATHS = [
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "//etc/passwd", "/%00",
    "/icon.svg%00.js",
    "/capture/..%2f..%2fetc%2fpasswd", "/capture/%2e%2e", "/history/../../x", "/\\..\\etc\\passwd", "/.git/config",
    "/app.py",
]  # fmt: skip


def listening(port: int) -> str:
    """The table."""
    return f'[web]\nlisten = "127.0.0.1:{port}"\n'


def healthy(port: int) -> bool:
    """Whether the page's process answers."""
    try:
        return asyncio.run(ask(port, "/healthz")).status == 200
    except OSError:
        return False


@row(
    "F78",
    field="The web page is attacked from a browser.",
    happens="A name of another site that leads here, and another site's Origin, at every address and with an upgrade "
    "to a web socket; POST, PUT, DELETE; a board whose sensors are called `<script>…`.",
    promised="421 or 403 and nothing of the gateway in the answer; 405: nothing can be changed. Each answer forbids "
    "scripts that are not the page's own, frames, and to guess at kinds; the name goes out as JSON and as a label, and "
    "nothing obeys it.",
    full=30,
)
def test_f78_the_page_attacked_by_a_browser(scene):
    port = free_port()
    with by_hand(scene, hands={"odd": 'format = "json"'}, extra=listening(port)) as (s, boards):
        s.steady()
        s.until(lambda: healthy(port), "the page is there", 20)
        odd = boards["odd"]
        configuration = s.gateway.file.read_bytes()
        with s.fault():
            odd.says(json.dumps({"sensor": HOSTILE, "value": 21.5, "count": odd.next}).encode(), **{HOSTILE: 21.5})
            refused = asyncio.run(attacked(port))
            s.prove(len(refused) > 100, "so many requests were made")
            s.until(odd.heard, "the odd name is read", 20)
        assert set(refused) == {403, 405, 421}, "nothing is let through"
        for path in ROUTES:
            found = asyncio.run(ask(port, path, "HEAD")).headers
            assert "default-src 'none'" in found["content-security-policy"], path
            assert "frame-ancestors 'none'" in found["content-security-policy"], path
            assert (found["x-content-type-options"], found["x-frame-options"]) == ("nosniff", "DENY")
        sensors = asyncio.run(shown(port))
        assert HOSTILE in {one["sensor"] for one in sensors}, "it is a text like any other"
        assert HOSTILE.encode() in asyncio.run(ask(port, "/metrics")).body
        assert s.gateway.file.read_bytes() == configuration
        s.over(bystanders=list(s.boards))


async def attacked(port: int) -> list[int]:
    """What a browser that is led here can try; gives the answers' numbers."""
    found = []
    for path in ROUTES:
        for headers in (
            {"host": "evil.example"},
            {"host": f"evil.example:{port}"},
            {"origin": "http://evil.example"},
            {"origin": "null"},
            {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"},
            {"origin": "http://evil.example", "upgrade": "websocket", "connection": "Upgrade, close"},
        ):
            answer = await ask(port, path, **headers)
            assert len(answer.body) < 200 and b"bench" not in answer.body, f"{path} gives something away"
            found.append(answer.status)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert method not in METHODS
            found.append((await ask(port, path, method)).status)
    return found


async def shown(port: int) -> list[dict]:
    """The sensors that a page is told of."""
    page = await Stream.open(port)
    try:
        return (await page.next("sensors"))[1]["sensors"]
    finally:
        page.close()


@row(
    "F79",
    field="… and by hand.",
    happens="Paths that climb (`/../../etc/passwd`, `%2e%2e`, `//`, NUL); 10 MB of headers; 500 connections that send "
    "a byte a second; pages that read nothing; the page's process is killed.",
    promised="404 or 431. Connections and pages are bounded, and whoever asks in earnest is answered meanwhile. The "
    "boards do not notice. The fault `web` says that the process has ended, and another one comes. By default there is "
    "none; `check` names a `listen` that others reach, and refuses it without a token.",
    full=60,
)
def test_f79_the_page_attacked_by_hand(scene):
    port = free_port()
    s = scene(extra=listening(port))
    s.steady()
    s.until(lambda: healthy(port), "the page is there", 20)
    with s.fault():
        answers = asyncio.run(by_paths(port))
        s.prove(set(answers) <= {400, 404}, f"they were refused: {answers}")
        asyncio.run(by_size(port))
        asyncio.run(by_number(port, lasting(30, 10, 3)))
    s.until(lambda: healthy(port), "the page is there", 20)
    s.over(bystanders=list(s.boards))


async def by_paths(port: int) -> list[int]:
    """Other files are asked for."""
    answers = [await ask(port, path) for path in PATHS]
    assert not [one for one in answers if b"root:" in one.body or b"import " in one.body]
    return [one.status for one in answers]


async def by_size(port: int) -> None:
    """10 MB of headers, in one and in many."""
    for data in (b"X: " + b"x" * 10_000_000, b"X: y\r\n" * 1_600_000):
        answer = await raw(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + data)
        assert answer.status in (431, 0)  # 0: it had closed before the answer was read


async def by_number(port: int, seconds: float) -> None:
    """Hundreds of slow ones, and pages that read nothing, for so long; meanwhile somebody asks in earnest."""
    from gateway.web.server import MOST  # an extra, which whoever only makes the page of faults may not have

    until = time.monotonic() + seconds
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(500)]
    stuck = [socket.create_connection(("127.0.0.1", port)) for _ in range(10)]
    for one in stuck:
        one.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    while time.monotonic() < until:
        for _, writer in slow:
            if not writer.is_closing():
                writer.write(b"G")
        assert (await ask(port, "/metrics")).status == 200, "whoever asks in earnest is answered"
        open_ones = sum(not reader.at_eof() and reader.exception() is None for reader, _ in slow)
        await asyncio.sleep(1)
    assert open_ones <= MOST
    for _, writer in slow:
        writer.close()
    for one in stuck:
        one.close()


@row("F79", full=60)
def test_f79_the_process_of_the_page_killed(scene):
    port = free_port()
    s = scene(extra=listening(port))
    s.steady()
    s.until(lambda: healthy(port), "the page is there", 20)
    with s.fault():
        os.kill(page_of(s.pid), signal.SIGKILL)
        s.noticed("web.lost", 2)
        s.prove("killed" in s.events("web.lost")[0]["why"], "it was killed")
    s.until(lambda: healthy(port), "another one is there", 20)
    s.over(told=[("web.lost", "web.recovered")], bystanders=list(s.boards))


def page_of(gateway: int) -> int:
    """The pid of the web process."""
    return next(pid for pid in tree.family(gateway) if Path(f"/proc/{pid}/comm").read_text().strip() == "gateway-web")
