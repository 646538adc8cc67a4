"""Features of one's own, as docs/custom.md explains them. This file stands beside gateway.toml."""

import numpy as np

AHEAD = 300.0  # s


def ahead(times, values, new):
    """Where each new reading is heading: the window's straight line, five minutes on."""
    out = np.full(new, np.nan)  # NaN: no value, null in the message
    for k in range(new):
        end = len(values) - new + k + 1  # behind the reading that is asked for
        t, v = times[:end] - times[end - 1], values[:end]
        if np.ptp(t) > 0:
            slope, now = np.polyfit(t, v, 1)
            out[k] = now + AHEAD * slope
    return out


def swing(times, values, new):
    """Two features at once: how far above and below the window's middle its readings go."""
    middle = np.median(values)
    return {"swing_up": np.full(new, values.max() - middle), "swing_down": np.full(new, middle - values.min())}
