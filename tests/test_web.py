"""The web process as it is met from outside: a real child, real sockets, and a gateway that is made up."""

import asyncio
import gzip
import json
import os
import socket
import time
from pathlib import Path

import pytest

from gateway.ingest.capture.lines import read, read_header
from gateway.telling.status import SensorLook
from gateway.web.app import HEADERS, STREAMS, App, files
from gateway.web.asking import Asking
from gateway.web.guard import LONGEST_BODY, Rules
from gateway.web.hub import Hub
from gateway.web.server import HEAD, MOST

from .exposition import complaints, parsed
from .faults import tree
from .looks import board, look
from .waiting import until
from .webs import HOSTILE, Shared, Stream, ask, raw

TOKEN = "0123456789abcdef-token"
PATHS = [
    "/",
    "/page.js",
    "/events",
    "/history/1",
    "/configuration",
    "/capture/bench",
    "/metrics",
    "/healthz",
    "/readyz",
]


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """A process that asks for no token."""
    with Shared(tmp_path_factory.mktemp("web")) as shared:
        yield shared


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """One that asks for a token, and is called by another name."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "token").write_text(f"{TOKEN}\n")
    with Shared(folder, token_file=str(folder / "token"), names=["edge.example"]) as shared:
        yield shared


# what there is


async def test_the_page_is_its_files(web):
    """The page and each of its files come as they lie in the package, with their kinds."""
    for path, file in files().items():
        answer = await ask(web.port, path)
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, file.data, file.kind)
        assert (await ask(web.port, path, if_none_match=answer.headers["etag"])).status == 304
        for takes, packed in {"gzip, deflate, br": True, "br;q=1, gzip;q=0": False, "identity": False}.items():
            answer = await ask(web.port, path, accept_encoding=takes)
            assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
            assert (gzip.decompress(answer.body) if packed else answer.body) == file.data


async def test_metrics_are_those_of_the_document(web):
    """A scrape is of the format, lint has nothing to say, and its numbers are the document's of that moment."""
    answer = await ask(web.port, "/metrics")
    text = answer.body.decode()
    found = parsed(text)
    assert complaints(text) == []
    gateway, _ = web.made.documents()
    assert found["gateway_frames_total", frozenset()] == gateway["frames"]
    assert found["gateway_board_frames_total", frozenset({("board", HOSTILE)})] == 60


async def test_many_scrapes_at_once_ask_once_or_twice(web):
    """Thirty who ask in one moment cost the gateway no thirty looks."""
    before = web.made.asked
    answers = await asyncio.gather(*(ask(web.port, "/metrics") for _ in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert web.made.asked - before < 10


async def test_health_is_the_street_s(web):
    """/healthz says what moving.py says, and no more."""
    assert (await ask(web.port, "/healthz")).body == b"ok\n"
    web.made.moves = False
    try:
        answer = await ask(web.port, "/healthz")
        assert (answer.status, answer.body) == (503, b"not ok\n")
    finally:
        web.made.moves = True


async def test_readiness_says_what_is_missing(web):
    """/readyz is 200 while there are workers and a spool, else 503 with a sentence for each that is not there."""
    answer = await ask(web.port, "/readyz")
    assert (answer.status, json.loads(answer.body)) == (200, {"ready": True, "missing": {}})
    web.made.faults.tell("spool", "the disk is full")
    try:
        answer = await ask(web.port, "/readyz")
        assert (answer.status, json.loads(answer.body)) == (
            503, {"ready": False, "missing": {"spool": "the disk is full"}}
        )  # fmt: skip
    finally:
        web.made.faults.tell("spool", None)


async def test_the_configuration_has_no_secrets(web):
    """It is shown as it lies there, and a password in it is not."""
    answer = await ask(web.port, "/configuration")
    assert b"[mqtt]" in answer.body
    assert b"hunter22" not in answer.body


async def test_a_capture_can_be_read_again(web):
    """What came and what was sent are lines of a capture, under a name that is one."""
    answer = await ask(web.port, "/capture/bench")
    assert answer.headers["content-disposition"] == 'attachment; filename="bench.jsonl"'
    first, *lines = answer.body.splitlines()
    header = read_header(first)
    assert (header.board, header.baud, header.asked, header.started) == ("bench", 9600, True, 1_795_000_000.0)
    heard = [read(line, asked=True) for line in lines]
    assert [(one.at, one.data, one.sent) for one in heard] == [
        (0.0, b"R\r", True), (0.5, b"21.5\r\n", False), (1.0, b"\xff", False)
    ]  # fmt: skip
    assert "8 bytes" in json.loads(first)["note"] or "9 bytes" in json.loads(first)["note"]


async def test_a_hostile_board_has_a_harmless_file_name(web):
    """A board may be called anything; the name of its file is letters and dashes."""
    answer = await ask(web.port, "/capture/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert answer.headers["content-disposition"] == 'attachment; filename="script-alert-1-script.jsonl"'


async def test_a_page_is_told_all_and_then_what_changes(web):
    """It gets documents, refused lines, sensors and values at its start, and the newest values as they come."""
    await until(lambda: not web.made.rings.looked_at)  # the pages of tests before have gone: it is the first
    page = await Stream.open(web.port)
    _, documents = await page.next("documents")
    assert set(documents["boards"]) == {"bench", HOSTILE}
    _, lines = await page.next("lines")
    assert lines["refused"][0] | {"time": ""} == {
        "time": "", "why": "garbage", "hex": "3c623e1b", "text": "<b>\\x1b"
    }  # fmt: skip
    web.made.feed(21.5)
    web.made.feed(22.5)
    _, sensors = await page.next("sensors")
    assert sensors["sensors"][-1] | {"id": 0} == {"id": 0, "board": "bench", "sensor": "S1", "unit": "°C"}
    id = sensors["sensors"][-1]["id"]
    _, values = await page.next("values")
    assert [row[2:] for row in values["values"] if row[0] == id] == [[22.5, "ok", {"normalized": 0.5}, None]]
    history = json.loads((await ask(web.port, f"/history/{id}")).body)
    assert (history["id"], history["step"], history["low"][-1], history["high"][-1]) == (id, 5.0, 21.5, 22.5)
    page.close()


async def test_nothing_is_gathered_when_the_last_page_has_gone(web):
    """With the last page that closes the gateway is told that nobody looks."""
    page = await Stream.open(web.port)
    await page.next("documents")
    await until(lambda: web.made.rings.looked_at)
    page.close()
    await until(lambda: not web.made.rings.looked_at)


# the row of a browser that is led here


@pytest.mark.parametrize("path", [*PATHS, "/nothing", "/login"])
async def test_another_name_is_answered_by_nothing(web, path):
    """A name that is not ours gets 421 at every address, and nothing of the gateway."""
    answer = await ask(web.port, path, host="evil.example")
    assert answer.status == 421
    assert b"bench" not in answer.body and len(answer.body) < 200


@pytest.mark.parametrize("path", PATHS)
async def test_another_site_gets_nothing(web, path):
    """What a page of another site fetches is refused, whatever it is."""
    answer = await ask(web.port, path, origin="http://evil.example")
    assert answer.status == 403
    assert len(answer.body) < 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_nothing_can_be_changed(web, method):
    """Only GET and HEAD are taken, and that is said."""
    for path in PATHS:
        answer = await ask(web.port, path, method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_every_answer_is_under_the_same_rules(web):
    """Good answers and refusals alike say what a browser may do with them, and let no other site read them."""
    for path in [*PATHS, "/nothing", "/capture/nobody"]:
        answer = await ask(web.port, path, "HEAD")
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
        assert "access-control-allow-origin" not in answer.headers
        assert answer.body == b""
    refused = await ask(web.port, "/", host="evil.example")
    assert refused.headers["content-security-policy"] == HEADERS["content-security-policy"]


async def test_a_web_socket_is_no_way_in(web):
    """An upgrade is not made, whoever asks for it."""
    more = {
        "upgrade": "websocket",
        "connection": "Upgrade, close",
        "sec_websocket_key": "x" * 24,
        "sec_websocket_version": "13",
    }
    answer = await ask(web.port, "/nothing", **more)
    assert answer.status in (400, 404)
    assert (await ask(web.port, "/nothing", origin="http://evil.example", **more)).status == 403


async def test_a_token_is_asked_for(closed):
    """Without it there is the login and the health; with it, by header or by a login, all."""
    for path in PATHS:
        status = (await ask(closed.port, path)).status
        assert status == {"/": 303, "/healthz": 200}.get(path, 401), path
        if path != "/events":
            assert (await ask(closed.port, path, authorization=f"Bearer {TOKEN}")).status in (200, 404)
    form = await ask(closed.port, "/login")
    assert b'<input id="token" name="token" type="password"' in form.body
    assert (await ask(closed.port, "/login", "POST", b"token=wrong")).status == 403
    answer = await ask(
        closed.port, "/login", "POST", f"token={TOKEN}".encode(), origin=f"http://127.0.0.1:{closed.port}"
    )
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower() and TOKEN not in cookie
    assert (await ask(closed.port, "/", cookie=cookie.partition(";")[0])).status == 200
    assert (await ask(closed.port, "/healthz", host="edge.example")).status == 200


@pytest.mark.parametrize("way", ["login", "bearer"])
async def test_who_guesses_has_to_wait(closed, way):
    """Ten wrong tokens in a minute, and no more of that address are looked at; who is logged in stays so, and from
    another address the right one gets in.
    """

    async def give(token, here="127.0.0.1"):
        if way == "login":
            return await ask(closed.port, "/login", "POST", f"token={token}".encode(), here=here)
        return await ask(closed.port, "/readyz", authorization=f"Bearer {token}", here=here)

    guesser, other = {"login": ("127.0.1.1", "127.0.1.2"), "bearer": ("127.0.2.1", "127.0.2.2")}[way]
    entered = await ask(closed.port, "/login", "POST", f"token={TOKEN}".encode(), here=guesser)
    cookie = entered.headers["set-cookie"].partition(";")[0]
    for number in range(10):
        assert (await give(f"wrong-{number}", guesser)).status == (403 if way == "login" else 401)
    answer = await give(TOKEN, guesser)
    assert answer.status == 429 and answer.headers["retry-after"] == "60"
    assert b"oo many wrong tokens came from this address; wait a minute" in answer.body
    assert (await ask(closed.port, "/login", "POST", f"token={TOKEN}".encode(), here=guesser)).status == 429
    assert (await ask(closed.port, "/readyz", authorization=f"Bearer {TOKEN}", here=guesser)).status == 429
    assert (await ask(closed.port, "/readyz", cookie=cookie, here=guesser)).status == 200
    assert (await give(TOKEN, other)).status == (303 if way == "login" else 200)


# the row of somebody who attacks by hand


@pytest.mark.parametrize(
    "target",
    [
        "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "//etc/passwd", "/%00",
        "/icon.svg%00",
        "/./page/../app.py", "/app.py", "/capture/..%2f..%2fetc%2fpasswd", "/capture/", "/history/x", "/history/-1",
        "/history/1e9", "/history/99999999999999999999", "/index.html/..", "/%ff%fe", "http://evil.example/",
        "/metrics/", "/?x=/etc/passwd/..", "*", "/\\..\\..\\etc",
    ],
)  # fmt: skip
async def test_there_is_no_way_to_any_other_file(web, target):
    """Whatever is asked for, nothing but the page's own files is ever read."""
    answer = await ask(web.port, target)
    assert answer.status in ((200,) if target.startswith("/?") else (400, 404)), answer
    assert b"root:" not in answer.body and b"import" not in answer.body


async def test_a_huge_head_is_refused_early(web):
    """Of 10 MB of headers hardly any are read."""
    answer = await raw(web.port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 10_000_000)
    assert answer.status in (431, 0)  # 0: it had closed before we had read its answer
    answer = await raw(web.port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * HEAD)
    assert answer.status == 431
    assert (await ask(web.port, "/healthz", x="x" * HEAD)).status == 431, "also where it comes at once, and whole"
    assert (await ask(web.port, "/healthz", x="x" * (HEAD - 200))).status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"\r\n" * 20 + b"x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)  # fmt: skip
async def test_what_is_no_request_is_refused(web, data):
    """Garbage, two hosts, none, other protocols and smuggled bodies give a refusal."""
    answer = await raw(web.port, data)
    assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    ("method", "path", "message", "status"),
    [
        ("GET", f"/history/{'1' * 5000}", {"type": "http.request"}, 404),
        ("POST", "/login", {"type": "http.request", "body": b"a=1&" * 500}, 403),
        ("POST", "/login", {"type": "http.disconnect"}, 400),
    ],
    ids=["a number that no sensor has", "many fields", "gone in the middle of the form"],
)
async def test_no_request_is_an_error_of_ours(tmp_path, method, path, message, status):
    """What anybody may send is answered, and raises nothing, which would fill the log."""
    rules, answers = Rules(frozenset({"localhost"}), anywhere=False, token=TOKEN, cookie="c", secret=b"x"), []
    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {TOKEN}".encode())]

    async def receive():
        return message

    async def send(answer):
        answers.append(answer)

    app = App(Hub(lambda looked_at: None), Asking(None), rules, tmp_path, "1")
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    assert answers[0]["status"] == status


async def test_a_body_is_refused_before_it_comes(closed):
    """A form longer than any token is not read."""
    head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10 * LONGEST_BODY}\r\n\r\n"
    assert (await raw(closed.port, head.encode())).status == 413


async def test_slow_ones_make_room_for_others(web):
    """500 connections that say next to nothing are bounded, and keep nobody else out."""
    slow = []
    for _ in range(500):
        slow.append(await asyncio.open_connection("127.0.0.1", web.port))
        slow[-1][1].write(b"G")
    assert (await ask(web.port, "/healthz")).status == 200
    await until(lambda: sum(reader.at_eof() or reader.exception() is not None for reader, _ in slow) >= 500 - MOST)
    for _, writer in slow:
        writer.close()


async def test_pages_are_bounded_and_the_rest_goes_on(web):
    """Beyond the most a page is told so; metrics and health are answered beside them."""
    pages = [await Stream.open(web.port) for _ in range(STREAMS)]
    answer = await ask(web.port, "/events")
    assert (answer.status, answer.body) == (503, b"too many pages are open\n")
    assert (await ask(web.port, "/metrics")).status == 200
    for page in pages:
        page.close()
    await until(lambda: not web.made.rings.looked_at)


async def test_a_page_that_reads_nothing_holds_up_nobody(web):
    """While one browser stands still, another gets each value; the one gets the newest when it goes on."""
    stuck = socket.create_connection(("127.0.0.1", web.port))
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    page = await Stream.open(web.port)
    await page.next("documents")
    for value in range(5):
        web.made.feed(float(value), sensor="S2")
        await until_value(page, float(value))
    stuck.close()
    page.close()


async def until_value(page, value):
    """Returns when the page has been told this value."""
    while True:
        _, told = await page.next("values")
        if any(row[2] == value for row in told["values"]):
            return


async def test_a_scrape_of_a_thousand_sensors_is_quick(web):
    """From the request to the last byte it takes 14 ms where nobody else wants the cores; of CPU no more anywhere."""
    before = web.made.look
    names = [f"S{n}" for n in range(20)]
    sensors = {name: SensorLook("ok", 90, 1_795_000_000.5, "°C") for name in names}
    web.made.look = look(*(board(f"b{n}", sensors=sensors) for n in range(50)))
    for n in range(50):
        for name in names:
            web.made.feed(21.5, name, f"b{n}")
    [page] = [pid for pid in tree.family(os.getpid()) if web.port in ports(pid)]
    own, its, took = time.process_time(), tree.cpu(page), []
    try:
        for _ in range(10):
            began = time.perf_counter()
            answer = await ask(web.port, "/metrics")
            took.append(time.perf_counter() - began)
    finally:
        web.made.look = before
    assert answer.body.count(b"gateway_sensor_ok{") == 1000
    cpu = (time.process_time() - own + tree.cpu(page) - its) / len(took)
    print(f"{1e3 * min(took):.1f} ms, of CPU {1e3 * cpu:.1f} ms, {len(answer.body)} bytes")
    assert cpu < 0.06


def ports(pid):
    """The TCP ports of this machine at which a process listens."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{line[9]}]": int(line[1].split(":")[1], 16) for line in lines if line[3] == "0A"}
    links = [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()]
    return {inodes[link] for link in links if link in inodes}
