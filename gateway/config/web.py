"""What [web] must be together with the rest, the file of its token, and what of it is unwise."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..extras import WEB, WEB_COMES, without
from . import password
from .checked import Web
from .keys import listen as place
from .values import address
from .words import Unfit, quoted

SHORTEST = 16  # characters of a token
FEWEST = 6  # different ones: sixteen that come by chance, as `openssl` makes them, have more


def conflicts(data: Mapping[str, Any], local: Callable[[str], bool]) -> Iterator[str]:
    """What of the tables [web] and [mqtt] does not go together. local: whether only this machine reaches a host."""
    web, mqtt = (one if isinstance(one := data.get(name), dict) else {} for name in ("web", "mqtt"))
    try:
        where = address(place(web.get("listen") or "127.0.0.1:1"))
        broker = address(place(mqtt.get("listen", "127.0.0.1:1883")))
    except Unfit:  # told by its own key
        return
    if not local(where[0]) and not web.get("token_file"):
        yield (
            f"web.listen: {quoted(where[0])} is open to the network, and so needs a token; "
            'give token_file, or listen on "127.0.0.1:8080"'
        )
    if web.get("listen") and mqtt.get("url") == "embedded" and where == broker:
        yield f"web.listen: {web['listen']} is where the embedded broker listens (mqtt.listen); set another port"


def problems(path: Path) -> list[str]:
    """Why the file of a token will not do, a clause each; what is in it is never repeated."""
    if found := password.problems(path, "token"):
        return found
    token = password.read(path)
    if len(token) < SHORTEST or not re.fullmatch(r"[!-~]+", token):
        return [
            f"a token of at least {SHORTEST} letters, digits and signs, without a space, was expected; "
            "`openssl rand -hex 16` makes one"
        ]
    if len(set(token)) < FEWEST:
        return [
            f"a token of at least {FEWEST} different letters, digits and signs was expected, as this one is soon "
            "guessed; `openssl rand -hex 16` makes one"
        ]
    return []


def warnings(web: Web, *, local: bool) -> Iterator[str]:
    """What is unwise. local: only this machine reaches it."""
    if web.listen is None:
        return
    if without(WEB):
        yield f"web.listen: the libraries of the page are not installed, so there will be none; {WEB_COMES}"
    if not local:
        yield (
            f"web.listen: whoever reaches {web.listen[0]} can try to log in, and what they see crosses the network "
            "unencrypted; 127.0.0.1 is for this machine alone, and docs/web.md says how to see it from elsewhere"
        )
    if web.token_file is not None:
        yield from (f"web.token_file: {text}" for text in password.warnings(web.token_file))
