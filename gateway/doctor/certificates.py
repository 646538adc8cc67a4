"""When the gateway's own certificate, and that of the CA, end: looked at before it comes to that."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..tls import Tls
from ..tls.validity import ends, several
from .finding import FINE, UNWISE, WRONG, Finding

SOON = 30 * 86_400  # s before a certificate ends


def certificate_facts(tls: Tls | None) -> list[tuple[str, Path, float]]:
    """(key, file, when its certificate ends, s since 1970) of these; of a file with many CAs nothing is said."""
    found = []
    for key, path in ((key, path) for key, path in (tls.files if tls else ()) if not key.endswith("key_file")):
        text = path.read_text(encoding="latin-1")
        at = None if key.endswith("ca_file") and several(text) else ends(text)
        found += [] if at is None else [(key, path, at)]
    return found


def certificates(facts: Iterable[tuple[str, Path, float]], now: float) -> Iterator[Finding]:
    """What is to be said of them."""
    for key, path, at in facts:
        day = time.strftime("%Y-%m-%d", time.gmtime(at))
        look = f"openssl x509 -noout -subject -issuer -dates -in {shlex.quote(str(path))}"
        if at <= now:
            yield Finding("certificate", key, WRONG, f"ended on {day}: have it renewed, and put it in its place", look)
        elif at - now < SOON:
            yield Finding("certificate", key, UNWISE, f"ends on {day}, in {(at - now) / 86_400:.0f} days", look)
        else:
            yield Finding("certificate", key, FINE, f"ends on {day}")
