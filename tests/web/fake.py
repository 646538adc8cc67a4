"""A web server that speaks as the gateway's does, and says what a test wants: stalls, hostile names, many boards."""

import contextlib
import json
import math
import queue
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from ..street import ROOT

PAGE = ROOT / "gateway" / "web" / "page"
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def instant(at: float) -> str:
    """S since 1970 as the documents write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"


def gateway(boards: int = 1, **other: Any) -> dict[str, Any]:
    """A gateway's status document."""
    now = time.time()
    return {
        "gateway": "greenhouse-1", "state": "online", "reason": None, "run": "5f0c2a9d41be", "version": "0.1.0",
        "started": instant(now - 8040), "time": instant(now), "clock": "synced",
        "frames": 171204, "decoded": 171190, "noise": 9, "refused": {"wrong_columns": 3, "not_a_number": 2},
        "values": 684760, "refused_values": {"error_mark": 12}, "readings": 684748, "inherited": 0,
        "acknowledged": 684744,
        "sent_unacknowledged": 0, "in_flight": 4, "spooled": 0, "condensed": 0, "dropped": {}, "balanced": True,
        "boards": {"online": boards, "silent": 0, "offline": 0, "lent": 0},
        "broker": {"connected": True, "reconnects": 1, "url": "mqtt://localhost:1883"},
        "spool": {"bytes": 40960, "oldest": None, "hours_left": 71.5, "dropped": {}},
        "pool": {"workers": 3, "batches": 171204, "retried": 0, "replaced": 0, "not_started": 0, "trouble": None,
                 "quarantined": [], "reason": None},
        "faults": {}, "fault_totals": {},
    } | other  # fmt: skip


def board(name: str, sensors: list[str], **other: Any) -> dict[str, Any]:
    """A board's status document."""
    now = time.time()
    return {
        "board": name, "state": "online", "since": instant(now - 8030),
        "port": f"/dev/serial/by-id/usb-FTDI_A10K{len(name):04d}-if00-port0",
        "baud": 115200, "format": "csv", "bytes": 3424080, "frames": 171204, "decoded": 171190, "noise": 9,
        "refused": {"wrong_columns": 3, "not_a_number": 2}, "values": 684760, "refused_values": {}, "readings": 684760,
        "dropped": {}, "reopened": 1, "silences": 0, "dtr_pulses": 0, "overruns": 0, "line_errors": 0, "retuned": 0,
        "count_gaps": 0, "restarts": 0, "reason": None, "faults": {}, "last_refused": "",
        "sensors": {one: {"state": "ok", "readings": 171190, "last": instant(now), "unit": "°C"} for one in sensors},
    } | other  # fmt: skip


def curve(n: int, at: float) -> float:
    """What sensor n measures at that time: a slow wave with a quick small one, °C."""
    return round(20 + 3 * (n % 7) + 4 * math.sin(at / (700 + 40 * (n % 5)) + n) + 0.4 * math.sin(at / 9 + 3 * n), 3)


class Fake:
    """boards: name -> its sensors. hour: s of history that are there when the page opens."""

    def __init__(self, boards: dict[str, list[str]], hour: float = 3600) -> None:
        self.documents: dict[str, Any] = {
            "gateway": gateway(len(boards)), "left": [],
            "boards": {name: board(name, of) for name, of in boards.items()},
        }  # fmt: skip
        pairs = [(name, one) for name, of in boards.items() for one in of]
        self.sensors = [{"id": i, "board": b, "sensor": s, "unit": "°C"} for i, (b, s) in enumerate(pairs)]
        self.lines: dict[str, list[dict[str, Any]]] = {}
        self.hour, self.said = hour, hour
        self.stalled: set[int] = set()
        self.extra: dict[int, dict[str, Any]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.pages: list[queue.Queue[bytes | None]] = []
        self.token: str | None = None
        self.quality: dict[int, tuple[str, str | None]] = {}
        self.beats = True
        self.ahead = 0.0  # s of the gateway's clock before this machine's
        self._lock = threading.Lock()
        self.port = 0
        self._over = threading.Event()
        self.start()

    def start(self) -> None:
        """Listens, at the port of before if there was one."""
        fake = self

        class Answer(_Answer):
            of = fake

        self._server = _Server(("127.0.0.1", self.port), Answer)
        self.port = self._server.server_address[1]
        self._over.clear()
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,)),
            threading.Thread(target=self._tick),
        ]
        for one in self._threads:
            one.start()

    def stop(self) -> None:
        """Closes everything, as a gateway that is killed."""
        self._over.set()
        self._server.shutdown()
        with self._lock:
            for page in self.pages:
                page.put(None)
        self._server.server_close()
        for line in list(self._server.lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for one in self._threads:
            one.join(10)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def say(self, kind: str, data: Any) -> None:
        """An event to all pages."""
        message = _event(kind, data)
        with self._lock:
            for page in self.pages:
                page.put(message)

    def tell(self, name: str, **fields: Any) -> None:
        """A board's document has changed."""
        self.documents["boards"][name] |= fields
        self.say("documents", {**self.documents, "boards": {name: self.documents["boards"][name]}})

    def refuse(self, name: str, *frames: tuple[str, bytes]) -> None:
        """A board has said something that was refused, for a reason each."""
        self.lines[name] = [*self.lines.get(name, []), *(refused(why, frame) for why, frame in frames)][-20:]
        self.say("lines", {"board": name, "refused": self.lines[name]})

    def values(self, now: float) -> dict[str, Any]:
        """The newest of each sensor that has not stalled."""
        rows = []
        for one in self.sensors:
            if one["id"] not in self.stalled:
                value = curve(one["id"], now)
                features = {"normalized": round((value - 20) / 60, 4), "feature": round(value / 17, 4),
                            "mean": value - 0.21,
                            "std": 0.1834, "min": value - 0.6, "max": value + 0.5}  # fmt: skip
                quality, alarm = self.quality.get(one["id"], ("ok", None))
                rows.append([one["id"], now, value, quality, features | self.extra.get(one["id"], {}), alarm])
        return {"time": now, "values": rows}

    def now(self) -> float:
        """S since 1970, by the gateway's clock."""
        return time.time() + self.ahead

    def history(self, number: int) -> dict[str, Any]:
        """The hour of a sensor."""
        end = self.now() // 5 * 5
        times = [end - self.hour + 5 * i for i in range(int(self.hour / 5))]
        until = end - 130 if number in self.stalled else end
        last = [curve(number, t) if t < until else None for t in times]
        low, high = ([None if v is None else v + more for v in last] for more in (-0.35, 0.35))
        start = times[0] if times else end
        return {"id": number, "step": 5, "start": start, "low": low, "high": high, "last": last}

    def opening(self) -> list[bytes]:
        """What a page hears first."""
        return [
            b"retry: 300\n\n", _event("documents", self.documents), _event("sensors", {"sensors": self.sensors}),
            _event("values", self.values(self.now())),
            *(_event("lines", {"board": name, "refused": of}) for name, of in self.lines.items()),
        ]  # fmt: skip

    def _tick(self) -> None:
        tick = 0
        while not self._over.wait(0.25):
            if self.beats and self.pages:
                tick += 1
                if tick % 4 == 0:
                    self._count()
                self.say("values", self.values(self.now()))

    def _count(self) -> None:
        """All documents anew each second, since their counters have moved."""
        now = instant(self.now())
        gateway = self.documents["gateway"]
        for count in ("frames", "decoded"):
            gateway[count] += 10 * len(self.documents["boards"])
        for count in ("values", "readings", "acknowledged"):
            gateway[count] += 10 * len(self.sensors)
        gateway["time"] = now
        for one in self.documents["boards"].values():
            if one["state"] == "online":
                one["frames"] += 10
                for sensor in one["sensors"].values():
                    sensor["last"] = now
        self.say("documents", self.documents)


def refused(why: str, frame: bytes) -> dict[str, str]:
    """A refused frame as the gateway tells it."""
    return {"time": instant(time.time()), "why": why, "hex": frame.hex(), "text": ascii(frame.decode("latin-1"))[1:-1]}


def _event(kind: str, data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lines: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remembers the connection, which a browser keeps for its next question."""
        self.lines.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """It is over."""
        self.lines.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes is no error."""


class _Answer(BaseHTTPRequestHandler):
    of: Fake
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.of.requests.append((self.path, dict(self.headers)))
        if self.of.token is not None and self.of.token not in (self.headers.get("Cookie") or ""):
            self._send(401, "text/plain", b"a token is needed\n")
        elif path == "/events":
            self._events()
        elif path.startswith("/history/"):
            self._send(200, "application/json", json.dumps(self.of.history(int(path[9:]))).encode())
        elif path == "/configuration":
            self._send(
                200, "text/plain; charset=utf-8", b'[mqtt]\nurl = "mqtt://localhost:1883"\npassword_file = "(hidden)"\n'
            )
        else:
            file = PAGE / (path[1:] or "index.html")
            if file.parent == PAGE and file.exists():
                self._send(200, KINDS[file.suffix], file.read_bytes())
            else:
                self._send(404, "text/plain", b"not here\n")

    def _send(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self._safe()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _safe(self) -> None:
        for name, value in (("Content-Security-Policy", POLICY), ("X-Content-Type-Options", "nosniff")):
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")
        self.end_headers()

    def _events(self) -> None:
        waiting: queue.Queue[bytes | None] = queue.Queue()
        with self.of._lock:
            for message in self.of.opening():
                waiting.put(message)
            self.of.pages.append(waiting)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.close_connection = True
        self._safe()
        try:
            while (message := waiting.get()) is not None:
                self.wfile.write(message)
                self.wfile.flush()
        except OSError:
            pass  # the page has gone
        finally:
            with self.of._lock:
                self.of.pages.remove(waiting)
