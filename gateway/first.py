"""`gateway init`: a first configuration, from the boards that are found; never over a file that is there."""

import sys
from pathlib import Path

from .config import OWN, host_id, load, presets, starting_configuration, warnings
from .ends import DONE, failed, print_json
from .ingest.identity import board_name, serial_ports


def first(target: str, as_json: bool = False) -> int:
    """Writes it to the file `target`, or prints it where that is "-"; gives the exit code."""
    found = [(board_name(port.path), port.path, port.description) for port in serial_ports() if port.usb]
    text = starting_configuration(found, host_id(), sorted(presets(Path(target).parent / OWN)[0]))
    if as_json:
        print_json({"file": None if target == "-" else target, "boards": [list(one) for one in found], "text": text})
    elif target == "-":
        sys.stdout.write(text)
    if target == "-":
        return DONE
    try:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        with open(target, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return failed(
            f"{target} is there already and stays as it is; `gateway check` reads it, `-o FILE` writes another"
        )
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
