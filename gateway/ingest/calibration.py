"""How a sensor's values are calibrated: by points, then by gain, then by offset, all in the board's unit. Pure.

    true |            . (100.1, 100.0)
         |          .
         |   . (0.4, 0.0)
         +---------------------- raw

Between two points counts the line through them; before the first and behind the last the end segment goes on. One point
alone moves all values by what is wrong there.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence

from ..model import Treatment

Step = Callable[[float], float]
"""A value in, a value out; what overflows comes out as an infinity or as NaN."""


def calibration(treatment: Treatment) -> Step | None:
    """What `treatment` does with a value, in the board's unit; None when that is nothing.

    points: as Treatment has them, `raw` strictly increasing.
    """
    gain, offset = treatment.gain, treatment.offset
    scaled = (gain, offset) != (1.0, 0.0)
    if not treatment.points:
        return (lambda value: value * gain + offset) if scaled else None
    through = _through(treatment.points)
    return (lambda value: through(value) * gain + offset) if scaled else through


def _through(points: Sequence[tuple[float, float]]) -> Step:
    """The broken line through `points`, exact at each of them."""
    raw, true = [one for one, _ in points], [one for _, one in points]
    last = len(raw) - 1
    slopes = [(true[i + 1] - true[i]) / (raw[i + 1] - raw[i]) for i in range(last)] or [1.0]
    slopes.append(slopes[-1])

    def step(value: float) -> float:
        at = max(0, bisect_right(raw, value) - 1)
        return true[at] + (value - raw[at]) * slopes[at]

    return step
