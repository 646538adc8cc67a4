"""`gateway init`: a first configuration, from the boards that are found; never over a file that is there."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..config import OWN, Probed, host_id, load, presets, starting_configuration, warnings
from ..ingest.identity import SerialPort, board_name, serial_ports
from .ends import DONE, failed, print_json, say


class Listening(NamedTuple):
    """That the ports are listened to. seconds: at most (None: as long as is usual); ask: quiet ones are asked."""

    seconds: float | None = None
    ask: bool = False


def first(target: str, as_json: bool = False, listening: Listening | None = None) -> int:
    """Writes it to the file `target`, or prints it where that is "-"; gives the exit code. listening: to the ports."""
    if target != "-" and Path(target).exists():  # before it is listened for long
        return _there(target)
    ports = [port for port in serial_ports() if port.usb]
    found = [(board_name(port.path), port.path, port.description) for port in ports]
    heard = _heard(ports, Path(target).parent, listening, quiet=as_json) if listening is not None else {}
    text = starting_configuration(found, host_id(), sorted(presets(Path(target).parent / OWN)[0]), heard)
    if as_json:
        document: dict[str, object] = {
            "file": None if target == "-" else target,
            "boards": [list(one) for one in found],
            "text": text,
        }
        if listening is not None:
            document["probed"] = {path: one.said for path, one in heard.items()}
        print_json(document)
    elif target == "-":
        sys.stdout.write(text)
    if target == "-":
        return DONE
    try:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        with open(target, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return _there(target)
    except OSError as error:
        return failed(
            f"{target} cannot be written: {(error.strerror or str(error)).lower()}; name another with `-o FILE`"
        )
    if not as_json:
        boards = (
            f"{len(found)} board{'s' * (len(found) != 1)}"
            if found
            else "no board yet: it takes each that is plugged in"
        )
        print(
            f"wrote {target} ({boards}); `gateway check -c {target}` says what it would do, "
            f"`gateway run -c {target}` runs it"
        )
        for advice in warnings(load(target)):
            print(f"warning: {advice}")
    return DONE


def _there(target: str) -> int:
    return failed(f"{target} is there already and stays as it is; `gateway check` reads it, `-o FILE` writes another")


def _heard(ports: Sequence[SerialPort], folder: Path, listening: Listening, *, quiet: bool) -> dict[str, Probed]:
    """What is on the ports, with progress on a terminal."""
    from ..ingest.asking.survey import UNITS
    from .probed import probed

    progress = say if sys.stderr.isatty() and not quiet else lambda text: None
    seconds = listening.seconds or (60.0 if listening.ask else 15.0)
    heard, wrong = probed(ports, folder, seconds, UNITS if listening.ask else 0, progress)
    for sentence in wrong:
        say(sentence)
    return heard
