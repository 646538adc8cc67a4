"""What the log and a board's faults are told of its lines: that hardly any is a reading, and that they are again."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..model import Why
from ..shown import shown
from .faults import Faults
from .status import BoardLook

JUDGED = 20  # frames on which a judgement of a board's lines rests; or, after JUDGED_AFTER seconds,
JUDGED_AFTER, FEW, FLOOD = 3.0, 3, 500  # so few frames, or so many bytes: at a wrong baud rate hardly a line ends


@dataclass(slots=True)
class Lines:
    """How a board's lines have been since the last judgement."""

    at: float = 0.0  # s, monotonic
    bytes: int = 0
    frames: int = 0
    decoded: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    garbage: bool = False


class LinesTold:
    """What was told of one board's lines. event: the log; faults: the board's own."""

    def __init__(self, event: Callable[..., None], faults: Faults) -> None:
        self._event, self._faults = event, faults
        self._last = Lines()
        self._bad_since: float | None = None
        self._bad_from = 0  # frames refused before that
        self._was_garbage = False  # since the trouble began

    def tell(self, board: BoardLook, now: float) -> None:
        """Judges the lines since the last judgement: bad when hardly any is a reading, good again when most are.

        Garbage is bad at once, and a judgement begins where it ends. While the rate is looked for, none is made.
        """
        if not board.baud:
            return
        account, last = board.account, self._last
        size, frames = account.bytes - last.bytes, account.frames - last.frames
        turned = board.garbage is not last.garbage
        few = frames >= FEW and (self._was_garbage or now - last.at >= JUDGED_AFTER)
        if not (turned or frames >= JUDGED or few or (size >= FLOOD and now - last.at >= JUDGED_AFTER)):
            return
        decoded = account.decoded - last.decoded
        refused = {
            why: n - last.refused.get(why, 0) for why, n in account.refused.items() if n > last.refused.get(why, 0)
        }
        bad = sum(refused.values())
        self._last = Lines(
            now, account.bytes, account.frames, account.decoded, dict(account.refused), garbage=board.garbage
        )
        if board.garbage or (not turned and (bad > frames / 2 or not frames)):
            worst = max(refused, key=refused.__getitem__, default="no_end_of_line")
            self._refusing(board, worst, bad, frames, size, now)
        elif self._bad_since is not None and not turned and decoded > frames / 2:
            self._accepting(board, self._bad_since, now)

    def _refusing(self, board: BoardLook, worst: str, bad: int, frames: int, size: int, now: float) -> None:
        account = board.account
        if self._bad_since is None:
            self._bad_since, self._bad_from = now, account.refused.total() - bad
            sample = account.last_refused
            self._event("board.refusing", board=board.name, why=worst, refused=bad, frames=frames, sample=sample)
        self._was_garbage = self._was_garbage or board.garbage
        self._faults.tell("refusing", board.reason or _unread(board, bad, frames, size, worst))

    def _accepting(self, board: BoardLook, since: float, now: float) -> None:
        self._bad_since, self._was_garbage = None, False
        self._faults.tell("refusing", None)
        refused = board.account.refused.total() - self._bad_from
        self._event("board.accepting", board=board.name, refused=refused, after_s=round(now - since, 1))


def _unread(board: BoardLook, bad: int, frames: int, size: int, worst: str) -> str:
    """The sentence for lines that are no readings."""
    sample = shown(board.account.last_refused.decode(errors="replace"), 32)
    if worst == Why.BAD_NAME:
        return (
            f"{bad} of the last {frames} lines are no readings, as a name in them holds what nobody sees (a control "
            f"character, a mark without a width), such as '{sample}': have the board give names without it"
        )
    ask = f"is the baud rate right (now {board.baud}), and the format (now {board.format})?"
    known = "garbage, wrong baud? " if board.garbage else ""
    if not frames:
        return f"{known}{size} bytes came without an end of line: {ask}"
    return f"{known}{bad} of the last {frames} lines are no readings, mostly {worst}, such as '{sample}': {ask}"
