"""What the log and a board's faults are told as it comes, goes and misbehaves: an event at the start and at the end.

What is told of its lines is in told_lines.py, of messages that are too large in told_large.py, of alarms in
told_alarms.py.
"""

from collections.abc import Callable

from .episode import Episode
from .faults import Faults
from .status import BoardLook
from .told_alarms import AlarmsTold
from .told_large import LargeTold
from .told_lines import LinesTold

SHEDDING = "more comes from this board than this machine computes or has room for, so readings of it are dropped"
OVERRUN = (
    "bytes of this board were lost, as nobody fetched them in time, and lines around a loss are refused: "
    "is this machine overloaded, or the baud rate too high for it?"
)


class Told:
    """What was told of one board. event: the log; faults: the board's own."""

    def __init__(self, event: Callable[..., None], faults: Faults) -> None:
        self.faults = faults
        self._event = event
        self._state, self._since = "", 0.0
        self._shed, self._overrun = Episode(), Episode()
        self._torn = 0  # frames refused for an overrun before it began
        self._shared: tuple[float, int] | None = None  # since when (s, monotonic), and frames refused for it before
        self._lines, self._large = LinesTold(event, faults), LargeTold(event, faults)
        self._alarms = AlarmsTold(event)
        self._format = ""
        self._restarts = 0
        self._note: str | None = None

    def tell(self, board: BoardLook, now: float) -> None:
        """Compares a look with what was told. now: s, monotonic."""
        self._tell_link(board, now)
        self._tell_format(board)
        self._tell_sharing(board, now)
        self._lines.tell(board, now)
        self._tell_overruns(board, now)
        self._tell_shedding(board, now)
        self._large.tell(board, now)
        self._alarms.tell(board, now)
        self._tell_restarts(board)
        for fault, text in board.naming.items():
            self.faults.tell(fault, text)

    def _tell_link(self, board: BoardLook, now: float) -> None:
        self.faults.tell("link", board.reason if board.state in ("silent", "offline") else None)
        self.faults.tell("lent", board.reason if board.overdue else None)
        if board.note != self._note and board.note is not None:
            self._event("port.note", board=board.name, port=board.port, note=board.note)
        self._note = board.note
        before, since = self._state, self._since
        if board.state == before or (board.state == "offline" and board.reason is None):
            return  # nothing new, or not tried yet: at the start, or as a reload has it opened anew
        self._state = board.state
        if before not in ("silent", "offline", "lent") or board.state == "online":
            self._since = now
        if board.state == "online" and not before:
            self._event("board.online", board=board.name, port=board.port, baud=board.baud or "auto")
        elif board.state == "online":
            self._event("board.recovered", board=board.name, port=board.port, after_s=round(now - since, 1))
        else:
            self._event(f"board.{board.state}", board=board.name, port=board.port, why=board.reason)

    def _tell_format(self, board: BoardLook) -> None:
        if self._format == "auto" and board.format != "auto":
            self._event("board.format", board=board.name, format=board.format)
        self._format = board.format

    def _tell_sharing(self, board: BoardLook, now: float) -> None:
        """Another program has the board's port open."""
        refused = board.account.refused["shared"]
        if board.sharer is not None:
            if self._shared is None:
                self._shared = now, refused
                self._event("board.shared", board=board.name, port=board.port, program=board.sharer)
            self.faults.tell("shared", _shared(board.sharer, board.port))
        elif self._shared is not None:
            since, before = self._shared
            self._shared = None
            self.faults.tell("shared", None)
            away = round(now - since, 1)
            self._event("board.unshared", board=board.name, port=board.port, refused=refused - before, after_s=away)

    def _tell_overruns(self, board: BoardLook, now: float) -> None:
        """The kernel loses bytes of it; over when none were lost for a while."""
        going_on, refused = self._overrun, board.account.refused["overrun"]
        turn = going_on.step(board.account.overruns, now)
        name, port, lost = board.name, board.port, going_on.count - going_on.before
        if turn:
            self._event("board.overrun", board=name, port=port, overruns=lost)
            self.faults.tell("overrun", OVERRUN)
        elif turn is False:
            self.faults.tell("overrun", None)
            torn, away = refused - self._torn, going_on.end(now)
            self._event("board.keeping_up", board=name, port=port, overruns=lost, refused=torn, after_s=away)
        if going_on.began is None:
            self._torn = refused

    def _tell_shedding(self, board: BoardLook, now: float) -> None:
        """Shedding begins with the first reading shed, and is over when none was for a while."""
        going_on = self._shed
        match going_on.step(board.account.dropped["shed"], now):
            case True:
                self._event("street.shedding", board=board.name, waiting=board.in_flight)
                self.faults.tell("shedding", SHEDDING)
            case False:
                self.faults.tell("shedding", None)
                shed = going_on.count - going_on.before
                self._event("street.recovered", board=board.name, shed=shed, after_s=going_on.end(now))

    def _tell_restarts(self, board: BoardLook) -> None:
        if board.account.restarts > self._restarts:
            self._event("board.restarted", board=board.name, restarts=board.account.restarts)
        self._restarts = board.account.restarts


def _shared(program: str, port: str) -> str:
    return (
        f"{program} has {port} open too, and each of the two gets part of the bytes, so no line is taken: "
        "stop it, or give the board another port"
    )
