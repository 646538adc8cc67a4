"""A user's own features in this very process, which is nobody's but theirs: for readings that are all there already.

What goes wrong is counted and leaves no value, as in the lane. Nobody waits for an answer, so they have long.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model import Plan
from .checked import Unfit, columns
from .work import Function, imported, raised

PATIENCE = 60.0  # s for a call
CALL = 4096  # readings of one, as a batch has them at most

Floats = NDArray[np.float64]


class Overdue(BaseException):
    """A call takes too long. No function that catches what it raises itself takes it for that."""


class Own:
    """features: "module:function". folder: where their modules are. keys: what each is known to answer.

    missed: of each the calls that came to nothing, and why the first of them did. Raises NoFeature.
    """

    def __init__(self, features: Sequence[str], folder: Path, keys: Mapping[str, Sequence[str]]) -> None:
        self.missed: dict[str, dict[str, Any]] = {}
        self._folder, self._keys = str(folder.resolve()), keys
        self._functions: dict[str, Function] = {}
        for feature in features:
            module, _, function = feature.partition(":")
            order = {"module": module, "function": function, "folder": self._folder}
            self._functions[feature] = imported(order)

    def columns(self, plan: Plan, t: Floats, v: Floats, new: int) -> dict[str, Floats]:
        """The columns of all of the plan's features for the newest `new` of these readings, oldest first."""
        out: dict[str, Floats] = {}
        for feature in plan.custom:
            keys = self._keys.get(feature, ())
            made = {key: np.full(new, np.nan) for key in keys}
            for first in range(0, new, CALL):
                last, many = min(first + CALL, new), min(CALL, new - first)
                end = len(t) - new + last
                begin = _begin(plan, t, end - many)
                for key, column in self._asked(feature, t[begin:end], v[begin:end], many).items():
                    if key in made:
                        made[key][first:last] = column
            out |= {key: column for key, column in made.items() if key not in out}
        return out

    def _asked(self, feature: str, t: Floats, v: Floats, new: int) -> dict[str, Floats]:
        name = feature.partition(":")[2]
        try:
            with _in_time():
                keys, numbers = columns(self._functions[feature](t.copy(), v.copy(), new), name, new)
        except Unfit as error:
            self._miss(feature, str(error))
            return {}
        except KeyboardInterrupt:
            raise
        except Overdue:
            self._miss(feature, f"did not answer within {PATIENCE:.0f} s")
            return {}
        except BaseException as error:  # whatever a user's code can raise, SystemExit too
            self._miss(feature, raised(error, self._folder))
            return {}
        return dict(zip(keys, np.frombuffer(numbers).reshape(len(keys), new), strict=True))

    def _miss(self, feature: str, why: str) -> None:
        missed = self.missed.setdefault(feature, {"calls": 0, "why": why})
        missed["calls"] += 1


def _begin(plan: Plan, t: Floats, new: int) -> int:
    """Where the window of the reading at `new` begins."""
    begin = max(0, new + 1 - plan.window_n)
    if plan.window_s is not None:
        begin = max(begin, int(np.searchsorted(t[:new], t[new] - plan.window_s, side="right")))
    return begin


@contextmanager
def _in_time() -> Iterator[None]:
    def over(number: int, frame: FrameType | None) -> None:
        raise Overdue

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
