"""The token, given once by whoever opens the page from elsewhere; and how often somebody may be wrong."""

import time
from collections.abc import Callable

WRONG, WITHIN = 10, 60.0  # so many wrong tokens of an address are looked at in so many seconds
MOST = 1_000  # addresses that are remembered
FORM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Gateway</title>
<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/page.css"></head>
<body class="login"><main><h1>Gateway</h1>
<form method="post" action="/login"><p><label for="token">Token</label></p>
<p><input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button></p></form><p>{}</p></main></body></html>
"""


class Attempts:
    """Wrong tokens are few: who guesses has to wait, and nobody else has. clock: s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, dict[int, float]] = {}  # by address, whose wrong was last at the end: what, and when

    def too_many(self, address: str) -> bool:
        """Whether no token of this address is looked at now."""
        return len(self._lately(address)) >= WRONG

    def wrong(self, address: str, token: str) -> None:
        """A token was wrong. The same one again is no guess, but a program that nobody has told of the new one."""
        lately = self._lately(address)
        lately.setdefault(hash(token), self._clock())
        self._wrong.pop(address, None)
        self._wrong[address] = lately
        if len(self._wrong) > MOST:
            del self._wrong[next(iter(self._wrong))]

    def _lately(self, address: str) -> dict[int, float]:
        now = self._clock()
        return {what: at for what, at in self._wrong.get(address, {}).items() if now - at < WITHIN}
