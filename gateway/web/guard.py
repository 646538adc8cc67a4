"""Who may ask for what: the host that was called, the site that asks, the method, the token. Pure: headers in.

A browser can be led to ask anything of this machine. So a name that is not ours is refused (a page of another site that
has its own name lead here), and so is what another site's page asks, whatever its name; nothing that is asked for
changes anything.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

METHODS = ("GET", "HEAD")
LOGIN, EVENTS = "/login", "/events"
OPEN = ("/healthz", LOGIN, "/page.css", "/icon.svg")
"""What needs no token: it tells nothing."""
WAIT = "too many wrong tokens came from this address; wait a minute"
LONGEST_HEAD = 16_384  # bytes, of a request
LONGEST_BODY = 4096  # bytes, of the login's form


@dataclass(frozen=True, slots=True)
class Rules:
    """names: by which we are called, in small letters. anywhere: by any address too. token: None: none is needed.

    secret: what this machine alone knows, so that nobody makes a cookie of a token that he guesses.
    """

    names: frozenset[str]
    anywhere: bool
    token: str | None
    cookie: str
    secret: bytes

    @property
    def session(self) -> str:
        """What the cookie of somebody who has given the token holds; it says nothing of the token."""
        return hmac.digest(self.secret, f"the session of a gateway's page: {self.token}".encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class No:
    """A refusal. more: headers."""

    status: int
    says: str
    more: Mapping[str, str]


def judged(rules: Rules, method: str, path: str, headers: Mapping[str, str], *, waits: bool = False) -> No | None:
    """Why a request is refused, or None. headers: names in small letters. waits: no token of his is looked at now."""
    if len(path) + sum(len(name) + len(text) for name, text in headers.items()) > LONGEST_HEAD:
        return _no(431, "this head is longer than any that is taken here", Connection="close")
    host = headers.get("host", "")
    if not _ours(rules, host):
        return _no(421, "this is not the host that was called; web.names of the configuration lists further names")
    if not _same_site(host, headers):
        return _no(403, "a page of another site may not ask for this")
    if method not in METHODS and not (method == "POST" and path == LOGIN and rules.token is not None):
        allowed = "GET, HEAD, POST" if path == LOGIN and rules.token is not None else "GET, HEAD"
        return _no(405, "nothing here takes that", Allow=allowed)
    length = headers.get("content-length", "0")
    most = LONGEST_BODY if method == "POST" else 0
    if "transfer-encoding" in headers or not length.isdecimal() or int(length) > most:
        return _no(413, "this is longer than anything that is taken here", Connection="close")
    if rules.token is None or path in OPEN or _logged_in(rules, headers):
        return None
    token = offered(headers)
    if token is not None and waits:
        return _no(429, WAIT, **{"Retry-After": "60"})
    if token is None or not right(rules, token):
        return _no(401, "a token is needed", **{"WWW-Authenticate": 'Bearer realm="gateway"'})
    return None


def offered(headers: Mapping[str, str]) -> str | None:
    """The token that a program gives, right or wrong; None where it gives none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def right(rules: Rules, token: str) -> bool:
    """Whether it is the token; takes as long whatever it is."""
    return rules.token is not None and hmac.compare_digest(_digest(token), _digest(rules.token))


def _no(status: int, says: str, **more: str) -> No:
    return No(status, says, more)


def _ours(rules: Rules, host: str) -> bool:
    """Whether we are meant. The port may be another one: that of a tunnel."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@\s]+)(?::\d{1,5})?", host)
    if found is None:
        return False
    name = found[1].lower().removesuffix(".")
    if name in rules.names:
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return rules.anywhere or address.is_loopback


def _same_site(host: str, headers: Mapping[str, str]) -> bool:
    """Whether a page of ours asks, or somebody who has typed, or followed a link to, the address."""
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        return False
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
    led_here = mode == "navigate" and headers.get("sec-fetch-dest", "document") == "document"
    return site in ("none", "same-origin") or led_here


def _logged_in(rules: Rules, headers: Mapping[str, str]) -> bool:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(rules.cookie)
    except CookieError:
        return False
    return cookie is not None and hmac.compare_digest(_digest(cookie.value), _digest(rules.session))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
