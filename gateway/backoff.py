"""How long to wait before trying again. Pure: no clock, no dice of its own."""

STABLE = 10.0  # s; what held for so long was no flapping


def delay(attempt: int, chance: float, *, most: float = 5.0, first: float = 0.25) -> float:
    """Seconds to wait before attempt `attempt` (0: at once), full jitter, at most `most`.

    chance: in [0, 1), drawn anew each time. chance * min(most, first * 2**(attempt - 1)): "full jitter" of
    Brooker, Exponential Backoff and Jitter.
    """
    if attempt <= 0:
        return 0.0
    return chance * min(most, first * 2.0 ** min(attempt - 1, 30))


def attempts_after(attempts: int, held: float) -> int:
    """How many attempts in a row count as failed, after a connection that held for `held` seconds was lost."""
    return 0 if held >= STABLE else attempts + 1
