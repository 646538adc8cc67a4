"""Whoever leaves in the middle of what he says is no matter for the log."""

from typing import Any, cast

from gateway.web.app import App
from gateway.web.asking import Asking
from gateway.web.guard import LOGIN, Rules
from gateway.web.hub import Hub

RULES = Rules(frozenset({"localhost"}), anywhere=False, token="0123456789abcdef", cookie="c", secret=b"x")


async def test_a_login_that_is_never_said_to_its_end_is_no_error(tmp_path):
    """Half a form and then nothing: nothing is raised, so no traceback of anybody's making gets into the log."""
    app = App(Hub(lambda on: None), cast(Asking, None), RULES, tmp_path / "gateway.toml", "1")
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": LOGIN, "raw_path": LOGIN.encode(),
        "root_path": "", "query_string": b"", "headers": [(b"host", b"localhost"), (b"content-length", b"9")],
    }  # fmt: skip
    heard: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"toke", "more_body": True}, {"type": "http.disconnect"}
    ]  # fmt: skip
    said: list[Any] = []

    async def receive():
        return heard.pop(0)

    async def send(message):
        said.append(message)

    await app(scope, receive, send)
    assert said[0]["status"] == 400
