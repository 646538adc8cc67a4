"""What the log and a board's faults are told as it comes, goes and misbehaves: an event at the start and at the end."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .faults import Faults
from .shown import shown
from .status import BoardLook

SHEDDING = "more comes from this board than the broker or this machine takes, so its oldest readings are dropped"
SHED_OVER = 5.0  # s without shedding after which it is over
JUDGED = 20  # frames on which a judgement of a board's lines rests; or, after JUDGED_AFTER seconds,
JUDGED_AFTER, FEW, FLOOD = 3.0, 3, 500  # so few frames, or so many bytes: at a wrong baud rate hardly a line ends


@dataclass(slots=True)
class Shedding:
    """Readings of a board are being dropped."""

    before: int  # readings shed before it began
    began: float  # s, monotonic
    latest: float


@dataclass(slots=True)
class Lines:
    """How a board's lines have been since the last judgement."""

    at: float = 0.0  # s, monotonic
    bytes: int = 0
    frames: int = 0
    decoded: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    bad_since: float | None = None
    bad_from: int = 0  # frames refused before that


class Told:
    """What was told of one board. event: the log; faults: the board's own."""

    def __init__(self, event: Callable[..., None], faults: Faults) -> None:
        self.faults = faults
        self._event = event
        self._state, self._since = "", 0.0
        self._shed = 0
        self._shedding: Shedding | None = None
        self._lines = Lines()
        self._format = ""

    def tell(self, board: BoardLook, now: float) -> None:
        """Compares a look with what was told. now: s, monotonic."""
        self._tell_link(board, now)
        self._tell_format(board)
        self._tell_lines(board, now)
        self._tell_shedding(board, now)

    def _tell_link(self, board: BoardLook, now: float) -> None:
        self.faults.tell("link", None if board.state == "online" else board.reason)
        before, since = self._state, self._since
        if board.state == before or (not before and board.state == "offline" and board.reason is None):
            return  # nothing new, or not tried yet
        self._state = board.state
        if before not in ("silent", "offline") or board.state == "online":
            self._since = now
        if board.state == "online" and not before:
            self._event("board.online", board=board.name, port=board.port, baud=board.baud)
        elif board.state == "online":
            self._event("board.recovered", board=board.name, port=board.port, after_s=round(now - since, 1))
        else:
            self._event(f"board.{board.state}", board=board.name, port=board.port, why=board.reason)

    def _tell_format(self, board: BoardLook) -> None:
        if self._format == "auto" and board.format != "auto":
            self._event("board.format", board=board.name, format=board.format)
        self._format = board.format

    def _tell_lines(self, board: BoardLook, now: float) -> None:
        """Judges the lines since the last judgement: bad when hardly any is a reading, good again when most are."""
        account, last = board.account, self._lines
        size, frames = account.bytes - last.bytes, account.frames - last.frames
        if frames < JUDGED and (now - last.at < JUDGED_AFTER or (frames < FEW and size < FLOOD)):
            return
        decoded = account.decoded - last.decoded
        refused = {
            why: n - last.refused.get(why, 0) for why, n in account.refused.items() if n > last.refused.get(why, 0)
        }
        worst = max(refused, key=refused.__getitem__, default="no_end_of_line")
        bad, total = sum(refused.values()), account.refused.total()
        seen = (account.bytes, account.frames, account.decoded, dict(account.refused))
        self._lines = Lines(now, *seen, last.bad_since, last.bad_from)
        if bad > frames / 2 or not frames:
            if last.bad_since is None:
                self._lines.bad_since, self._lines.bad_from = now, total - bad
                self._event(
                    "board.refusing",
                    board=board.name,
                    why=worst,
                    refused=bad,
                    frames=frames,
                    sample=account.last_refused,
                )
            self.faults.tell("refusing", _unread(board, bad, frames, size, worst))
        elif last.bad_since is not None and decoded > frames / 2:
            self._lines.bad_since = None
            self.faults.tell("refusing", None)
            away = round(now - last.bad_since, 1)
            self._event("board.accepting", board=board.name, refused=total - last.bad_from, after_s=away)

    def _tell_shedding(self, board: BoardLook, now: float) -> None:
        """Shedding begins with the first reading shed, and is over when none was for a while."""
        shed, going_on = board.account.dropped["shed"], self._shedding
        if shed > self._shed:
            if going_on is None:
                self._shedding = Shedding(self._shed, now, now)
                self._event("street.shedding", board=board.name, waiting=board.in_flight)
                self.faults.tell("shedding", SHEDDING)
            else:
                going_on.latest = now
            self._shed = shed
        elif going_on is not None and now - going_on.latest > SHED_OVER:
            self._shedding = None
            self.faults.tell("shedding", None)
            away = round(now - going_on.began, 1)
            self._event("street.recovered", board=board.name, shed=shed - going_on.before, after_s=away)


def _unread(board: BoardLook, bad: int, frames: int, size: int, worst: str) -> str:
    """The sentence for lines that are no readings."""
    ask = f"is the baud rate right (now {board.baud}), and the format (now {board.format})?"
    if not frames:
        return f"{size} bytes came without an end of line: {ask}"
    sample = shown(board.account.last_refused.decode(errors="replace"), 32)
    return f"{bad} of the last {frames} lines are no readings, mostly {worst}, such as '{sample}': {ask}"
