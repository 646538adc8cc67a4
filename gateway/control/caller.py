"""Asks a running gateway for something, and waits for the answer."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .place import NAME, short
from .protocol import ANSWER, NotAsked, answered, written

PATIENCE = 30.0  # s for the answer


class Unheard(Exception):
    """Nobody answers, or it cannot be: one sentence."""


class Nobody(Unheard):
    """No gateway listens."""


def ask(folders: Sequence[Path], request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the gateway whose socket is in the first of `folders` that has one. Blocks. Raises Unheard."""
    for folder in folders:
        try:
            with short(folder) as path, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
                caller.settimeout(PATIENCE)
                caller.connect(path)
                caller.sendall(written(request))
                said = answered(_line(caller))
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            continue
        except PermissionError:
            group = f"`sudo -g gateway gateway …`, or as root; `sudo usermod -aG gateway {_user()}` lets you do it"
            raise Unheard(f"this user may not ask the gateway at {folder / NAME}: run {group}") from None
        except TimeoutError:
            raise Unheard(f"the gateway at {folder / NAME} has not answered within {PATIENCE:.0f} s") from None
        except (OSError, NotAsked) as error:
            raise Unheard(f"the gateway at {folder / NAME} cannot be asked: {error}") from None
        if not said["ok"]:
            raise Unheard(str(said.get("error", "it gives no reason")))
        return said
    places = ", ".join(str(folder / NAME) for folder in folders)
    raise Nobody(f"no gateway is running that could be asked (nobody listens at {places}); is it, and with this file?")


def _line(caller: socket.socket) -> bytes:
    heard = bytearray()
    while not heard.endswith(b"\n") and len(heard) <= ANSWER:
        if not (data := caller.recv(65_536)):
            break
        heard += data
    return bytes(heard)


def _user() -> str:
    return os.environ.get("USER", "$USER")
