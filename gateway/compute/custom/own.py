"""A user's own features for readings that are all there already: each in its process, as in the lane, and waited for.

What goes wrong is counted and leaves no value. One that twice does not leave its process as it was (it hangs, crashes,
uses up its memory) is not asked any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model import Plan
from .answers import Answer
from .asked import Asked, Missed
from .pieces import Custom, ordered
from .quarantine import MOST
from .work import NoFeature

CALL = 4096  # readings of one, as a batch has them at most
UNASKED = ", and is not asked any more"

Floats = NDArray[np.float64]


class Own:
    """custom: the features. keys: what each is known to answer.

    missed: of each the calls that came to nothing, and why the first of them did, or the one after which it was not
    asked any more. Raises NoFeature, by name.
    """

    def __init__(self, custom: Custom, keys: Mapping[str, Sequence[str]]) -> None:
        self.missed: dict[str, dict[str, Any]] = {}
        self._keys = keys
        self._processes: dict[str, Asked] = {}
        self._lost: Counter[str] = Counter()  # processes, by feature
        for name in custom.names:
            try:
                self._processes[name] = Asked(ordered(name, custom))
            except NoFeature as error:
                self.close()
                raise NoFeature(f"{name} {error}") from None

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

    def close(self) -> None:
        """Ends all processes."""
        for process in self._processes.values():
            process.end()

    def _asked(self, feature: str, t: Floats, v: Floats, new: int) -> dict[str, Floats]:
        if self._lost[feature] >= MOST:
            self.missed[feature]["calls"] += 1
            return {}
        try:
            answer = self._processes[feature].ask(t.tobytes(), v.tobytes(), new)
        except Missed as error:
            answer = Answer((), [], str(error), True)
        if answer.why:
            self._miss(feature, answer)
        return {key: np.array(column) for key, column in zip(answer.keys, answer.columns, strict=True)}

    def _miss(self, feature: str, answer: Answer) -> None:
        missed = self.missed.setdefault(feature, {"calls": 0, "why": answer.why})
        missed["calls"] += 1
        self._lost[feature] += answer.worn
        if answer.worn and self._lost[feature] == MOST:
            missed["why"] = answer.why + UNASKED


def _begin(plan: Plan, t: Floats, new: int) -> int:
    """Where the window of the reading at `new` begins."""
    begin = max(0, new + 1 - plan.window_n)
    if plan.window_s is not None:
        begin = max(begin, int(np.searchsorted(t[:new], t[new] - plan.window_s, side="right")))
    return begin
