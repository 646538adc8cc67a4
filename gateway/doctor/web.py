"""The page: whether its address can be had, who has it instead, and whether a gateway that runs answers there."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..config import Web
from ..listening import claimed, written
from .finding import FINE, WRONG, Finding

PATIENCE = 5.0  # s for an answer
ANSWERS = {
    (200, b"ok\n"): (FINE, "answers, and is well"),
    (503, b"not ok\n"): (WRONG, "answers that its readings stand still"),
    (503, b"the gateway does not answer\n"): (WRONG, "answers that the gateway itself does not"),
}
"""What /healthz says, and what that means."""
HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class WebFacts:
    """where: the address. taken: why it cannot be had, None: it is free. answer: what /healthz says, where a gateway's
    page answers there."""

    where: str
    taken: str | None = None
    answer: tuple[int, bytes] | None = None


def web_facts(web: Web) -> WebFacts | None:
    """Looks whether somebody listens there, and asks; None where no page is wanted."""
    if web.listen is None:
        return None
    host, port = web.listen
    where = written(host, port)
    try:
        claimed(host, port, "web.listen")
    except OSError as error:
        return WebFacts(where, str(error), _asked(HERE.get(host, host), port))
    return WebFacts(where)


def _asked(host: str, port: int) -> tuple[int, bytes] | None:
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        answer = connection.getresponse()
        found = answer.status, answer.read(100)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return found if found in ANSWERS else None


def web(facts: WebFacts | None, *, runs: bool) -> Iterator[Finding]:
    """What is to be said of it. runs: whether a gateway does, with this configuration."""
    if facts is None:
        return
    if runs and facts.answer is not None:
        state, says = ANSWERS[facts.answer]
        yield Finding("web", facts.where, state, says, "" if state == FINE else "journalctl -u gateway -n 50")
    elif facts.taken is not None:
        orphan = re.search(r"gateway-web \(pid (\d+)\)", facts.taken)
        if orphan is not None and not runs:
            says = f"a page without a gateway has it (pid {orphan[1]})"
            yield Finding("web", facts.where, WRONG, says, f"sudo kill -9 {orphan[1]}")
        else:
            yield Finding("web", facts.where, WRONG, facts.taken.removeprefix("web.listen: "))
    elif runs:
        says = "the gateway runs, and nobody listens there: it has another configuration, or the fault `web` says why"
        yield Finding("web", facts.where, WRONG, says, "sudo systemctl reload gateway; journalctl -u gateway -n 20")
    else:
        yield Finding("web", facts.where, FINE, "is free for the page")
