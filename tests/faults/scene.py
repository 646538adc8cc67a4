"""A scene: a street of real processes in which a fault happens.

boards (pseudo-terminals) -> gateway run -> (proxy) -> mosquitto -> the judge, joined to the broker directly

scene.steady(); with scene.fault(): do it, prove it, hold, undo it; scene.back(within=5); scene.over(…)
"""

import contextlib
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from simulators import Board
from tests.brokers import Mosquitto
from tests.faults import rules, tree
from tests.faults.judge import Judge, share
from tests.faults.proxy import Proxy
from tests.faults.rows import FAST, FLOODS, TIER, lasting
from tests.street import ROOT, Gateway, until

KINDS = ("json", "csv-header")  # boards that number their readings
LOOK = 0.02  # s between two looks at a condition
MEMORY = 0.2  # s between two readings of memory
PROOF = 2.0  # s in which a fault shows
RATE = 50.0 if TIER == "full" else 25.0  # lines/s of a board: shorter runs leave cores to the tests beside them
WINDOW = "2s"  # full before the memory of a steady street is read: what grows after that is kept, and should not be
UNDER_WAY = 0.3  # s; what was written that shortly before the fault may be caught by it
KEEPS = ("persistence true", "max_inflight_messages 20", "max_queued_messages 10000000")
"""Of mosquitto's configuration: sessions outlive a restart; the usual Receive Maximum; nothing is dropped for who is
away. Not 0, which means no limit too, but has mosquitto 2.0.21 cut the line at each message that it refuses."""


class Scene:
    """See the module.

    boards: names, or names with options of Board. broker: lines of mosquitto's configuration. A row's own gateway.toml:
    url, mqtt, gateway (keys of those tables), each (of every board), extra. timers, clock: see launch.py. environment,
    prefix: of the gateway's process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        boards: Sequence[str] | dict[str, dict[str, Any]] = ("bench", "attic", "cellar"),
        sensors: int = 4,
        rate: float = RATE,
        baud: int = 115_200,
        broker: Sequence[str] = KEEPS,
        proxy: bool = False,
        url: str = "",
        mqtt: str = "",
        gateway: str = "",
        each: str = "",
        extra: str = "",
        timers: dict[str, float] | None = None,
        clock: Path | None = None,
        environment: dict[str, str] | None = None,
        prefix: Sequence[str] = (),
        topics: Sequence[str] = (),
        start: bool = True,
    ) -> None:
        self.folder = folder
        self.seed = int(os.environ.get("GATEWAY_SEED", random.randrange(1_000_000)))
        self.dice = random.Random(self.seed)
        self.stack = contextlib.ExitStack()
        own = boards if isinstance(boards, dict) else {name: dict[str, Any]() for name in boards}
        speeds = [each.get("sensors", sensors) * each.get("rate", rate) for each in own.values()]
        test = re.split(r"[^\w]", os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2])[0]
        assert sum(speeds) < FAST or test in FLOODS, "a fast street: say floods=True in the row"
        self.broker = Mosquitto(folder, broker)
        self.broker.start()
        self.stack.callback(self.broker.kill)
        self.judge = Judge(folder, self.broker.port, topics=topics)
        self.stack.callback(self.judge.close)
        self.proxy = Proxy(self.broker.port) if proxy else None
        if self.proxy is not None:
            self.stack.callback(self.proxy.close)
        self.boards: dict[str, Board] = {}
        for place, name in enumerate(boards):
            usual: dict[str, Any] = {
                "kind": KINDS[place % len(KINDS)], "sensors": sensors, "rate": rate, "baud": baud, "boot": 0.05,
                "seed": self.seed, "log": self.judge.written,
            }  # fmt: skip
            self.boards[name] = self.stack.enter_context(Board(name=name, **usual | own[name]))
        place = self.proxy.port if self.proxy is not None else self.broker.port
        state = f'state_dir = "{folder / "state"}"\n'
        tables = "".join(
            f'\n[[boards]]\nname = "{name}"\nport = "{board.path}"\nbaud = {board.baud}\n{each}\n'
            for name, board in self.boards.items()
        )
        features = "" if "[features]" in extra else f'[features]\nwindow = "{WINDOW}"\n'
        self.text = (
            f'[gateway]\nid = "gw"\n{state}{gateway}\n[mqtt]\nurl = "{url or f"mqtt://127.0.0.1:{place}"}"\n'
            f"{mqtt}\n{features}{tables}\n{extra}\n"
        )
        self._timers, self._environment, self._prefix = timers or {}, environment or {}, prefix
        self._clock = clock
        self.gateway: Gateway
        self.proofs: list[str] = []
        self.began = self.healed = self.calm = 0.0  # monotonic: the fault, its end, when all is well again
        self.steady_from = self.steady_to = 0.0
        self.baseline: dict[str, int] = {}
        self.highest = 0  # bytes in memory, of the family
        self.told: dict[str, float] = {}  # for the report: s
        self._over = threading.Event()
        self._idle = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.lag", str(folder / "idle.lag")], cwd=ROOT, stdin=subprocess.PIPE
        )
        self.stack.callback(self._end_idle)
        if start:
            self.start()

    # the gateway

    def start(self) -> None:
        """Starts the gateway (again)."""
        self.gateway = self.another(self.folder)
        threading.Thread(target=self._watch, args=(self.gateway.process.pid,), name="memory", daemon=True).start()

    def another(self, folder: Path, text: str | None = None) -> Gateway:
        """One more gateway, with its files in `folder`; it is killed at the end if nobody has stopped it."""
        folder.mkdir(exist_ok=True)
        program = ["tests.faults.launch", "--lag", str(folder / "gateway.lag")]
        for name, seconds in self._timers.items():
            program += ["--timer", f"{name}={seconds}"]
        program += ["--clock", str(self._clock)] if self._clock is not None else []
        for name in filter(None, os.environ.get("GATEWAY_WITHOUT", "").split(",")):
            program += ["--without", name]
        one = Gateway(folder, text or self.text, program=program, environment=self._environment, prefix=self._prefix)
        self.stack.callback(one.kill)
        return one

    @property
    def pid(self) -> int:
        """The gateway's process id."""
        return self.gateway.process.pid

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of that event in the gateway's log; `mono` is their monotonic time."""
        shift = time.monotonic() - time.time()
        found = [event for event in self.gateway.events() if event["event"] == name]
        return [event | {"mono": datetime.fromisoformat(event["time"]).timestamp() + shift} for event in found]

    def times(self, name: str) -> int:
        """How often that event was told, with those that its lines hold."""
        return sum(1 + event.get("held", 0) for event in self.events(name))

    def status(self, board: str = "") -> dict[str, Any]:
        """The newest document of the gateway, or of a board; {} while there is none."""
        self.judge.listen()
        heard = self.judge.documents.get(f"gateway/gw/{board}/status" if board else "gateway/gw/status")
        return heard[-1].document if heard else {}

    # the course of a row

    def steady(self, full: float = 5.0) -> None:
        """All boards arrive; so it stays for a while, and what that looks like is noted."""
        since = time.monotonic()
        self.arrive(since, 20, "readings of all boards")
        self.steady_from = time.monotonic()
        self.spend(lasting(full, 1.5, 1.0))
        self.steady_to = time.monotonic() - UNDER_WAY
        self.baseline = self.reading()

    def spend(self, seconds: float) -> None:
        """Lets time pass while the street runs."""
        time.sleep(seconds)

    def hold(self, full: float, ci: float | None = None, fast: float | None = None) -> None:
        """Lets the fault last: so many seconds in each tier; 10 and 1.5 at most where nothing is said."""
        self.spend(lasting(full, ci, fast))

    @contextlib.contextmanager
    def fault(self) -> Iterator[None]:
        """Within it the fault happens, and is proven to."""
        self.began = time.monotonic()
        yield
        self.healed = time.monotonic()

    def prove(self, fact: Any, what: str) -> None:
        """`fact`, or what it gives, shows that the fault has happened. Without one the row is an error."""
        deadline = time.monotonic() + PROOF
        while not (fact() if callable(fact) else fact):
            if time.monotonic() > deadline or not callable(fact):
                raise RuntimeError(f"the fault did not happen: {what}")
            time.sleep(0.01)
        self.proofs.append(what)

    def until(self, condition: Callable[[], Any], what: str, within: float) -> float:
        """Waits for `condition`, listening meanwhile; fails with `what`. Gives the seconds that it took."""
        since = time.monotonic()
        until(lambda: self.judge.listen() or condition(), what, within, LOOK)
        return time.monotonic() - since

    def noticed(self, event: str, within: float, times: int = 1) -> dict[str, Any]:
        """The event is in the log, `within` s of the fault's begin. Gives it."""
        left = max(0.0, self.began + within - time.monotonic())
        self.until(lambda: self.times(event) >= times, f"{event} within {within:g} s of the fault", left)
        found = self.events(event)[-1]
        self.told[f"{event} after"] = round(found["mono"] - self.began, 2)
        assert found["mono"] <= self.began + within + 0.2, f"{event} is told, but {self.told[f'{event} after']} s late"
        return found

    def arrive(self, since: float, within: float, what: str, boards: Sequence[str] = ()) -> float:
        """Readings written after `since` (monotonic) arrive, of each board. Gives the seconds that it took."""
        names = boards or list(self.boards)
        return self.until(lambda: all(self.judge.newest.get(name, 0.0) > since for name in names), what, within)

    def back(self, within: float, boards: Sequence[str] = ()) -> float:
        """Readings written after the heal arrive, of each board, `within` s of it. Gives the seconds."""
        healed = self.healed
        left = max(0.0, healed + within - time.monotonic())
        self.arrive(healed, left, f"back within {within:g} s: fresh readings", boards)
        names = boards or list(self.boards)
        fresh = {
            name: min(
                heard[0].at
                for key, heard in self.judge.readings.items()
                if key[0] == name and self.judge.written.sent.get(key, (0, 0))[1] > healed
            )
            for name in names
        }
        self.told["back after"] = took = round(max(fresh.values()) - healed, 2)
        assert took <= within, f"back, but after {took} s and not {within:g}"
        return took

    def over(self, **promised: Any) -> dict[str, Any]:
        """After the storm, and the five rules: see rules.py. Gives the last document of the gateway."""
        try:
            return rules.after_the_storm(self, **promised)
        finally:
            self.report()

    def pause_boards(self, seconds: float) -> None:
        """The boards say nothing for so long."""
        for board in self.boards.values():
            board.fault("stall", seconds)

    # readings

    def reading(self) -> dict[str, int]:
        """Memory of the family; descriptors and threads of the gateway itself."""
        pid = self.pid
        return {"resident": tree.resident(pid), "fds": tree.descriptors(pid), "threads": tree.threads(pid)}

    def _watch(self, pid: int) -> None:
        while not self._over.wait(MEMORY) and tree.state(pid) not in ("", "Z"):
            self.highest = max(self.highest, tree.resident(pid))

    def report(self) -> None:
        """Prints what was measured, and appends it where GATEWAY_FAULTS_REPORT says."""
        latencies = self.judge.latencies(set(self.boards), self.steady_from, self.steady_to)
        found = {
            "test": os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[-1].split(" ")[0],
            "seed": self.seed,
            "sent": len(self.judge.written.sent),
            "lost": len(self.judge.missing()),
            "highest_mb": round(self.highest / 1e6, 1),
            "steady_p99_ms": round(1e3 * share(latencies, 0.99), 1),
            **self.told,  # of a row that gives some up, what is lost beside those
        }
        print(json.dumps(found))
        if file := os.environ.get("GATEWAY_FAULTS_REPORT"):
            with open(file, "a") as out:
                out.write(json.dumps(found) + "\n")

    def _end_idle(self) -> None:
        assert self._idle.stdin is not None
        self._idle.stdin.close()
        self._idle.wait(5)

    def close(self) -> None:
        """Ends everything that is left."""
        self._over.set()
        self.stack.close()
