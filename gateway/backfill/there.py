"""On a worker of a Dask cluster: whether it has what a backfill needs, and a chain worked off by a process of its own.

Dask's threads cannot be ended, and a process can: whatever becomes of the worker or of the command, it ends too.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .crew import Hand, Heard, environment
from .journal import FOLDER

LOOK = 0.5  # s between two questions whether it is still wanted, and between two words of how far it is
UNWANTED = "was not wanted any more"  # by the worker that retires, or by whoever has asked
TRIAL = 120.0  # s for the custom features to be tried
SEEN = "seen+"  # what the file begins with by which a worker sees that it has the same folder; no journal's does


def digest(file: Path) -> str:
    """A mark of its bytes. Raises OSError."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def fit(check: str) -> str:
    """What is wrong with this worker, a clause; "" when nothing is. check: see afar.py."""
    asked = json.loads(check)
    if importlib.util.find_spec("pyarrow") is None:
        return "has no pyarrow; pip install 'serial-edge-gateway[parquet]' brings it there"
    try:
        for name, mark in asked["files"].items():
            if digest(Path(name)) != mark:
                return f"has another {name} than this machine"
        for name, size in asked["captures"].items():
            if Path(name).stat().st_size < size:
                return f"has less of {name} than this machine"
        folder = Path(asked["root"]) / FOLDER
        if (folder / (SEEN + asked["seen"])).read_text() != asked["seen"]:
            return f"has another {asked['root']} than this machine"
        with tempfile.NamedTemporaryFile(prefix=SEEN, dir=folder):
            pass
    except OSError as error:
        at = error.filename or asked["root"]
        return f"cannot use {at} ({(error.strerror or str(error)).lower()}), which has to be the same folder there"
    return _tried(asked["features"], asked["keys"]) if asked["features"] else ""


def _tried(orders: object, keys: object) -> str:
    """What is wrong with the user's own features here, a clause; "" when they answer what they answer elsewhere."""
    command = [sys.executable, "-P", "-m", "gateway.backfill.trial"]
    try:
        done = subprocess.run(
            command, input=json.dumps(orders), capture_output=True, text=True, env=environment(), timeout=TRIAL
        )
        said = json.loads((done.stdout.splitlines() or [""])[-1])
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"cannot try the custom features ({type(error).__name__})"
    if "why" in said:
        return f"cannot compute the custom features: {said['why']}"
    return "" if said["keys"] == keys else "answers other keys for the custom features than this machine"


def worked(say: Callable[[str], None], wanted: Callable[[], bool], number: str, order: str, chain: str) -> str:
    """Works off a chain. Gives "", or how its process ended, a clause. number: stands before all that is said.

    order, chain: see worker.py, as JSON.
    """
    said: Heard = queue.Queue()
    hand = Hand(json.loads(order), said)
    at, readings, told, looked = 0, 0, 0.0, 0.0

    def tell(what: object) -> None:
        say(f"{number} {json.dumps(what)}")

    try:
        hand.give(json.loads(chain))
        while True:
            if time.monotonic() - looked > LOOK:
                if not wanted():
                    return UNWANTED
                looked = time.monotonic()
            try:
                _, what = said.get(timeout=LOOK)
            except queue.Empty:
                continue
            if what is None:
                return hand.how()
            if "at" in what:  # not each of them: all go through the scheduler
                at, readings = what["at"], readings + what["readings"]
                if time.monotonic() - told < LOOK:
                    continue
                what, readings, told = {"at": at, "readings": readings}, 0, time.monotonic()
            elif "done" in what:
                what["done"]["left"] += readings
                readings = 0
            tell(what)
            if "end" in what:
                return ""
    finally:
        hand.end()
