"""Who may ask the web process for what: hosts, sites, methods, bodies, tokens. Pure."""

import pytest

from gateway.web.guard import LONGEST_BODY, Rules, judged, right
from gateway.web.login import MOST, WITHIN, WRONG, Attempts

HERE = Rules(frozenset({"localhost", "127.0.0.1"}), anywhere=False, token=None, cookie="gateway-8080", secret=b"x")
TOKEN = "0123456789abcdef"
NAMES = frozenset({"localhost", "0.0.0.0", "edge", "edge.local", "gw.example.com"})
OPEN = Rules(NAMES, True, TOKEN, "gateway-8080", b"x")


def status(rules=HERE, method="GET", path="/", **headers):
    """What a request comes to: None where it is let through. host: localhost:8080 unless given."""
    given = {"host": "localhost:8080"} | {name.replace("_", "-"): text for name, text in headers.items()}
    no = judged(rules, method, path, given)
    return no.status if no else None


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:9", "localhost.:1", "127.9.9.9"]
)
def test_this_machine_is_known_by_any_port(host):
    """Loopback by name or address is ours, also behind a tunnel with a port of its own."""
    assert status(host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.5",
        "", " ", "localhost:8080:1", "user@localhost", "localhost/x", "[::1", "local host", "[]", "0x7f.1",
        "2130706433",
        "localhost, localhost", "localhost:999999", "[localhost]",
    ],
)  # fmt: skip
def test_another_host_is_refused(host):
    """A name that leads here and is not ours is another site's trick."""
    assert status(host=host) == 421


@pytest.mark.parametrize(("host", "found"), [("192.168.1.5:8080", None), ("edge.local", None), ("evil.example", 421)])
def test_from_elsewhere_addresses_and_own_names_are_ours(host, found):
    """An address cannot be given to another site; a name can."""
    assert status(OPEN, path="/healthz", host=host) == found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"origin": "http://localhost:8080"}, None),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:8081"}, 403),
        ({"origin": "http://localhost:8080.evil.example"}, 403),
        ({"origin": ""}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"}, 403),
        ({"sec_fetch_site": "same-site", "sec_fetch_mode": "cors"}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, None),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, 403),
        ({"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"}, None),
        ({"sec_fetch_site": "none", "sec_fetch_mode": "navigate"}, None),
    ],
)
def test_another_site_may_lead_here_and_not_ask(headers, found):
    """A link may be followed; what a page of another site fetches, embeds or posts is refused."""
    assert status(**headers) == found


@pytest.mark.parametrize("path", ["/", "/events", "/history/1", "/configuration", "/capture/x", "/metrics", "/login"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "X"])
def test_nothing_takes_what_changes_something(path, method):
    """There is GET and HEAD, and nothing else without a token to give."""
    assert status(method=method, path=path) == 405


def test_a_token_is_posted_to_the_login_alone():
    """With a token there is one address that takes a POST."""
    assert status(OPEN, "POST", "/login") is None
    assert status(OPEN, "POST", "/") == 405
    assert status(OPEN, "PUT", "/login") == 405
    assert status(OPEN, "POST", "/login", origin="http://evil.example") == 403


@pytest.mark.parametrize(
    ("method", "headers", "found"),
    [
        ("GET", {"content_length": "0"}, None),
        ("GET", {"content_length": "1"}, 413),
        ("GET", {"transfer_encoding": "chunked"}, 413),
        ("GET", {"content_length": "-1"}, 413),
        ("POST", {"content_length": str(LONGEST_BODY)}, None),
        ("POST", {"content_length": str(LONGEST_BODY + 1)}, 413),
        ("POST", {"transfer_encoding": "chunked"}, 413),
    ],
)
def test_bodies_are_refused_before_they_come(method, headers, found):
    """Only a token has a body, and a short one."""
    assert status(OPEN, method, "/login", **headers) == found


def test_a_token_lets_in():
    """The right token by header, or the cookie of a login; nothing else."""
    assert status(OPEN, path="/metrics") == 401
    assert status(OPEN, path="/metrics", authorization=f"Bearer {TOKEN}") is None
    assert status(OPEN, path="/metrics", authorization=f"bearer  {TOKEN}") is None
    assert status(OPEN, path="/metrics", authorization=f"Basic {TOKEN}") == 401
    assert status(OPEN, path="/metrics", authorization="Bearer wrong") == 401
    assert status(OPEN, path="/metrics", authorization="Bearer ") == 401
    assert status(OPEN, cookie=f"a=b; gateway-8080={OPEN.session}") is None
    assert status(OPEN, cookie=f"gateway-8080={TOKEN}") == 401
    assert status(OPEN, cookie="gateway-8080=") == 401
    assert status(OPEN, cookie="\x00;;==") == 401
    assert TOKEN not in OPEN.session


def test_another_token_ends_all_logins():
    """A cookie is worth nothing after the token has changed, nor at another machine with the same one."""
    for token, secret in (("another-token-of-ours", b"x"), (TOKEN, b"y")):
        other = Rules(OPEN.names, True, token, OPEN.cookie, secret)
        assert status(other, cookie=f"gateway-8080={OPEN.session}") == 401


def test_who_was_wrong_too_often_is_not_looked_at():
    """A token of his is neither taken nor called wrong, right or not; without one he is asked for it, as is anybody.

    Who is logged in stays so: no cookie can be made of a token that was guessed.
    """

    def found(path="/metrics", **headers):
        no = judged(OPEN, "GET", path, {"host": "edge"} | headers, waits=True)
        return no.status if no else None

    assert found(authorization=f"Bearer {TOKEN}") == found(authorization="Bearer wrong") == 429
    assert found() == 401
    assert found("/healthz") is None
    assert found(cookie=f"gateway-8080={OPEN.session}", authorization="Bearer wrong") is None


def test_each_address_has_its_own_attempts():
    """Ten wrong tokens in a minute, and that one address has to wait until the first of them is a minute old."""
    now = 0.0
    attempts = Attempts(lambda: now)
    for number in range(WRONG):
        assert not attempts.too_many("10.0.0.1")
        now += 1.0
        attempts.wrong("10.0.0.1", f"guess {number}")
    assert attempts.too_many("10.0.0.1") and not attempts.too_many("10.0.0.2")
    now = 1.0 + WITHIN - 0.1
    assert attempts.too_many("10.0.0.1")
    now = 1.0 + WITHIN
    assert not attempts.too_many("10.0.0.1")
    attempts.wrong("10.0.0.1", "one more")
    assert attempts.too_many("10.0.0.1")


def test_the_same_wrong_token_again_is_no_guess():
    """A scraper that still has the token of yesterday keeps nobody beside it from logging in."""
    attempts = Attempts(lambda: 0.0)
    for _ in range(1000):
        attempts.wrong("10.0.0.1", "the token of yesterday")
    assert not attempts.too_many("10.0.0.1")


def test_whoever_has_many_addresses_fills_nothing():
    """So many are remembered, those that were wrong last."""
    attempts = Attempts(lambda: 0.0)
    for number in range(WRONG):
        attempts.wrong("10.0.0.1", str(number))
    for number in range(3 * MOST):
        attempts.wrong(f"fd00::{number:x}", "wrong")
        attempts.wrong("10.0.0.1", "0")
    assert attempts.too_many("10.0.0.1")
    assert len(attempts._wrong) == MOST and max(map(len, attempts._wrong.values())) == WRONG


def test_health_needs_no_token():
    """Whoever watches machines may see whether this one is well, and no more."""
    assert status(OPEN, path="/healthz") is None
    assert status(OPEN, path="/readyz") == 401


def test_no_token_is_ever_right_where_there_is_none():
    """Without a token no login succeeds."""
    assert not right(HERE, "")
    assert right(OPEN, TOKEN)
    assert not right(OPEN, TOKEN[:-1])
    assert not right(OPEN, "\ud800")
