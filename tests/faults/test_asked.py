"""Faults of boards that are asked: no answer, a late one, another's, and a board that reads nothing."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator

from simulators.answering import Answering
from simulators.modbus import Unit, answer, requests
from tests.faults.rows import row
from tests.faults.scene import Scene

LATE = 0.55  # s; what comes later than three timeouts (of 0.4 s) cannot be told, and a loaded machine adds to this
FALSE = 30_000  # what no unit and no board ever has: a late answer of the wrong question would say so
TABLES = """
[[boards]]
name = "bus"
port = "{bus}"
baud = 9600
format = "modbus"
every = "100ms"
timeout = "400ms"
units = [{{ id = 1, name = "well" }}, {{ id = 2, name = "ill" }}]
registers = [{{ name = "t", kind = "input", at = 1 }}]
[[boards]]
name = "tank"
port = "{tank}"
baud = 9600
format = "kv"
ask = {{ question = "R\\r", every = "100ms", timeout = "400ms" }}
[[boards]]
name = "deaf"
port = "{deaf}"
format = "plain"
ask = {{ question = "{long}\\r", every = "0s", timeout = "50ms" }}
"""


class Asked:
    """Two units on a line and a board of text. What each says is numbered, and written down as boards' readings are."""

    def __init__(self) -> None:
        self.units = {1: Unit(), 2: Unit()}
        self.late = 0.0  # s, of the board of text
        self.written: Callable[[str, str, int], None] = lambda board, sensor, number: None
        self._numbers = {"bus-well": 0, "bus-ill": 0, "tank": 0}
        self.bus = Answering(self._unit, cut=requests, late=lambda request: self.units[request[0]].late)
        self.tank = Answering(self._line, late=lambda question: self.late)

    def _unit(self, request: bytes) -> bytes:
        unit = self.units[request[0]]
        good = not (unit.dead or unit.late or unit.named or unit.exception or unit.damaged)
        unit.input[1] = self._next("bus-well" if request[0] == 1 else "bus-ill", "t") if good else FALSE
        return answer(self.units, request)

    def _line(self, question: bytes) -> bytes:
        number = FALSE if self.late else self._next("tank", "T")
        return b"T=%d.0,count=%d\r" % (number, number)

    def _next(self, board: str, sensor: str) -> int:
        self._numbers[board] += 1
        self.written(board, sensor, self._numbers[board])
        return self._numbers[board]


@contextlib.contextmanager
def asked(scene: Callable[..., Scene]) -> Iterator[tuple[Scene, Asked]]:
    """A scene with boards that are asked, beside the usual ones; one of them never reads what it is sent."""
    boards = Asked()
    main, other = os.openpty()
    deaf = os.ttyname(other)
    os.close(other)
    try:
        with boards.bus, boards.tank:
            paths = {"bus": boards.bus.path, "tank": boards.tank.path, "deaf": deaf, "long": "Q" * 200}
            s = scene(extra=TABLES.format(**paths), start=False)
            sent = s.judge.written.sent
            boards.written = lambda board, sensor, number: sent.__setitem__(
                (board, sensor, number), (float(number), time.monotonic())
            )
            s.start()
            yield s, boards
    finally:
        os.close(main)


def reason(s: Scene, board: str) -> str:
    return s.status(board).get("reason") or ""


@row(
    "F15",
    field="A board that must be asked gives no answer, a late one, or another's; one reads nothing of what it is sent.",
    happens="On a Modbus line one unit of two is dead, then answers after its time, then as another, then refuses; "
    "a board of text answers after its time; a third board never reads.",
    promised="A late answer is never taken for the next question's. Each is refused with its reason (`timeout`, "
    "`wrong_answer`, `exception`), and the status says which unit and which code; the other unit goes on: a dead one "
    "costs its line a timeout, ever more rarely, and is asked again within 30 s. The loop never waits for a write.",
    full=150,
)
def test_f15_no_answer_or_a_late_one(scene):
    with asked(scene) as (s, boards):
        s.steady()
        ill = boards.units[2]
        s.until(
            lambda: s.status("deaf").get("refused", {}).get("timeout", 0) > 3, "the deaf board's timeouts count", 10
        )
        with s.fault():
            boards.late = LATE
            for field, value, why, said in (
                ("dead", True, "timeout", "unit 2 does not answer"),
                ("late", LATE, "timeout", "unit 2 does not answer"),
                ("named", 7, "wrong_answer", "unit 2 does not answer"),
                ("exception", 4, "exception", "unit 2 refuses input register 1 with exception 4 (it has failed)"),
            ):
                usual = getattr(ill, field)
                setattr(ill, field, value)
                before = s.status("bus-ill")["refused"].get(why, 0)
                s.until(lambda: s.status("bus-ill")["refused"].get(why, 0) > before, f"{why} counts", 70)  # noqa: B023
                s.until(lambda: said in reason(s, "bus-ill"), f"the status says that {said}", 70)  # noqa: B023
                s.arrive(time.monotonic(), 3, "the other unit goes on", ["bus-well"])
                setattr(ill, field, usual)
                s.until(lambda: not reason(s, "bus-ill"), "it answers again, and the status says so", 35)
            taken = [key for key in s.judge.readings if key[2] == FALSE]
            assert not taken, f"a late answer was taken for the next one's: {taken}"
            s.until(lambda: "answers nothing" in reason(s, "tank"), "the status says that the tank is silent", 10)
            s.prove(s.status("tank")["refused"]["timeout"] >= 3, "the board of text was late")
            s.prove(s.status("tank")["noise"] > 0, "its late answers came")
            boards.late = 0.0
        s.arrive(time.monotonic(), 32, "all that are asked answer again", ["bus-well", "bus-ill", "tank"])
        s.until(lambda: not reason(s, "bus-ill") and not reason(s, "tank"), "the status says so", 3)
        well = s.status("bus-well")
        assert sum(well["refused"].values()) <= well["decoded"] / 20, well
        s.over(bystanders=["bench", "attic", "cellar"], lost=3, staying=[])
