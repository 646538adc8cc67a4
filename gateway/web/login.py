"""The token, given once by whoever opens the page from elsewhere."""

import time
from collections import deque
from collections.abc import Callable

WRONG, WITHIN = 10, 60.0  # so many wrong tokens are looked at in so many seconds
FORM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Gateway</title>
<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/page.css"></head>
<body class="login"><main><h1>Gateway</h1>
<form method="post" action="/login"><p><label for="token">Token</label></p>
<p><input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Open</button></p></form><p>{}</p></main></body></html>
"""


class Attempts:
    """Wrong tokens are few: who guesses has to wait. clock: s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: deque[float] = deque(maxlen=WRONG)

    @property
    def too_many(self) -> bool:
        """Whether no token is looked at now."""
        return len(self._wrong) == WRONG and self._clock() - self._wrong[0] < WITHIN

    def wrong(self) -> None:
        """One was wrong."""
        self._wrong.append(self._clock())
