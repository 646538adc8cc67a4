"""The addresses of the web process, and what each answers."""

from __future__ import annotations

import gzip
import hashlib
import re
from array import array
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import capture
from .asking import Asking
from .configuration import hidden
from .events import Events
from .guard import EVENTS, LOGIN, METHODS, WAIT, Rules, judged, offered, right
from .hub import Hub
from .link import Silent
from .login import FORM, Attempts
from .metrics import TYPE, exposed
from .readiness import missing

PAGE = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
STREAMS = 32  # pages that may look at one time
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}
"""Of every answer."""
NONE = "there is no such thing here\n"


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page, and the same packed, for slow lines. tag: of its content."""

    data: bytes
    packed: bytes
    kind: str
    tag: str


def files(folder: Path = PAGE) -> dict[str, File]:
    """The page's files by their addresses; no other file is ever read for anybody."""
    found = {}
    for path in folder.iterdir():
        if path.suffix in KINDS:
            data = path.read_bytes()
            kind, tag = f"{KINDS[path.suffix]}; charset=utf-8", f'W/"{hashlib.sha256(data).hexdigest()[:20]}"'
            found[f"/{path.name}"] = File(data, gzip.compress(data, mtime=0), kind, tag)
    found["/"] = found.pop("/index.html")
    return found


class App:
    """hub, asking: the gateway. rules: who may ask. path: of the configuration. version: of the gateway."""

    def __init__(self, hub: Hub, asking: Asking, rules: Rules, path: Path, version: str) -> None:
        self._hub, self._asking, self._rules, self._path, self._version = hub, asking, rules, path, version
        self._streams = 0
        self._attempts = Attempts()
        self._files = files()
        gets: dict[str, Callable[[Request], Awaitable[Response]]] = {
            **dict.fromkeys(self._files, self._file), "/history/{id}": self._history,
            "/configuration": self._configuration, "/capture/{board:path}": self._capture, "/metrics": self._metrics,
            "/healthz": self._healthz, "/readyz": self._readyz,
        }  # fmt: skip
        routes = [Route(address, get) for address, get in gets.items()]
        if rules.token is not None:
            routes += [Route(LOGIN, self._login), Route(LOGIN, self._logged_in, methods=["POST"])]
        handlers: dict[Any, Any] = {HTTPException: _refused, Silent: _silent, ClientDisconnect: _gone}
        starlette = Starlette(routes=routes, exception_handlers=handlers)
        starlette.router.redirect_slashes = False
        self._app: ASGIApp = starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI. Each request is judged before anything else is done with it."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                more = [(name.encode(), text.encode()) for name, text in HEADERS.items() if name.encode() not in own]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        address = _address(scope)
        waits = self._attempts.too_many(address)
        refused = judged(self._rules, scope["method"], scope["path"], headers, waits=waits)
        if refused is not None and refused.status == 401 and (token := offered(headers)) is not None:
            self._attempts.wrong(address, token)
        if refused is not None and refused.status == 401 and scope["path"] == "/":
            await RedirectResponse(LOGIN, 303)(scope, receive, safely)
        elif refused is not None:
            answer = PlainTextResponse(f"{refused.says}\n", refused.status, dict(refused.more))
            await answer(scope, receive, safely)
        elif scope["path"] == EVENTS:
            await self._events(scope, receive, safely)
        else:
            await self._app(scope, receive, safely)

    async def _events(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != METHODS[0]:
            await Response(media_type="text/event-stream")(scope, receive, send)
        elif self._streams >= STREAMS:
            answer = PlainTextResponse("too many pages are open\n", 503, {"Retry-After": "10"})
            await answer(scope, receive, send)
        else:
            self._streams += 1
            try:
                await Events(self._hub).send(receive, send)
            finally:
                self._streams -= 1

    async def _file(self, request: Request) -> Response:
        file = self._files[request.url.path]
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers={"etag": file.tag})
        head = {"content-type": file.kind, "etag": file.tag, "vary": "Accept-Encoding"}
        if re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", request.headers.get("accept-encoding", "")):
            return Response(file.packed, headers={**head, "content-encoding": "gzip"})
        return Response(file.data, headers=head)

    async def _history(self, request: Request) -> Response:
        id = request.path_params["id"]
        answer = await self._asking.hour(int(id)) if re.fullmatch("[0-9]{1,15}", id) else None
        if answer is None:
            raise HTTPException(404)
        numbers = array("f")
        numbers.frombytes(answer.body)
        shown = [float(f"{one:.7g}") if one == one else None for one in numbers]  # NaN: no reading; 7 digits are kept
        width = len(shown) // 3
        head = {key: answer.head[key] for key in ("id", "step", "start")}
        low, high, last = (shown[at : at + width] for at in (0, width, 2 * width))
        return JSONResponse({**head, "low": low, "high": high, "last": last})

    async def _configuration(self, request: Request) -> Response:
        return PlainTextResponse(hidden(self._path))

    async def _capture(self, request: Request) -> Response:
        board = request.path_params["board"]
        answer = await self._asking.capture(board)
        if answer is None:
            raise HTTPException(404)
        text = capture.written(answer.head["about"], answer.body, self._version)
        disposition = f'attachment; filename="{capture.named(board)}"'
        return Response(text, media_type="application/jsonl", headers={"content-disposition": disposition})

    async def _metrics(self, request: Request) -> Response:
        return Response(exposed(await self._asking.snapshot()), headers={"content-type": TYPE})

    async def _healthz(self, request: Request) -> Response:
        moves = await self._asking.moves()
        return PlainTextResponse("ok\n" if moves else "not ok\n", 200 if moves else 503)

    async def _readyz(self, request: Request) -> Response:
        try:
            lacks = missing((await self._asking.snapshot())["gateway"])
        except Silent:
            lacks = {"gateway": "it does not answer"}
        return JSONResponse({"ready": not lacks, "missing": lacks}, 503 if lacks else 200)

    async def _login(self, request: Request) -> Response:
        return HTMLResponse(FORM.format(""))

    async def _logged_in(self, request: Request) -> Response:
        address = _address(request.scope)
        if self._attempts.too_many(address):
            return HTMLResponse(FORM.format(f"{WAIT[0].upper()}{WAIT[1:]}."), 429, {"retry-after": "60"})
        token = parse_qs((await request.body()).decode(errors="replace")).get("token", [""])[0]
        if not right(self._rules, token):
            self._attempts.wrong(address, token)
            return HTMLResponse(FORM.format("This is not the token."), 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._rules.cookie, self._rules.session, httponly=True, samesite="strict", max_age=30 * 86400)
        return answer


def _address(scope: Scope) -> str:
    """Of whoever asks, by his connection; what headers say of it anybody can write."""
    client = scope.get("client")
    return client[0] if client else ""


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(NONE if error.status_code == 404 else f"{error.detail}\n", error.status_code)


async def _silent(request: Request, error: Exception) -> Response:
    return PlainTextResponse("the gateway does not answer\n", 503)


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # to nobody: whoever asked has left before all was said
