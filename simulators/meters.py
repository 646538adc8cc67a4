"""Thermometers on one Modbus line, for the program's `--kind modbus`: asked, they answer; else they are silent.

Each unit has its temperature in tenths of a degree in input register 1, and a humidity in register 2, as XY-MD02 have.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from simulators.modbus import Unit, modbus_line
from simulators.temperatures import temperatures

EVERY = 1.0  # s between two measurements
MOST = 247
"""Units on one line, by the specification."""


def serve(many: int, *, baud: int, seed: int, link: Path | None, as_json: bool, over: Callable[[], bool]) -> None:
    """Says where the line is, and has `many` units answer on it, from 1 on, until `over` says so.

    baud: the only rate at which it is understood. Raises OSError when there is no pseudo-terminal.
    """
    measured = {unit: temperatures(Random(f"{seed} {unit}"), EVERY, 0.1) for unit in range(1, many + 1)}
    units = {unit: Unit(input={1: 0, 2: 450}) for unit in measured}
    with modbus_line(units, baud=baud, link=link) as line:
        where = {"name": "modbus-1", "kind": "modbus", "port": line.path, "baud": baud, "sensors": many}
        due = 0.0
        while not over():
            if time.monotonic() >= due:
                due = time.monotonic() + EVERY
                for unit, values in measured.items():
                    units[unit].input[1] = round(10 * next(values))
            if where:
                print(
                    json.dumps({"boards": [where]}) if as_json else f"modbus-1         modbus       {line.path}",
                    flush=True,
                )
                where = {}
            time.sleep(0.05)
        questions = len(line.questions)
        print(
            json.dumps({"questions": questions}) if as_json else f"modbus-1         questions {questions}", flush=True
        )
