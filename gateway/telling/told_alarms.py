"""What the log is told of sensors' alarms: that one has begun, and that it has ended."""

from collections.abc import Callable

from .status import BoardLook

MOST = 20  # of a board at one look: a thousand may come at once, and the log has room for few lines a second


class AlarmsTold:
    """What was told of one board. event: the log."""

    def __init__(self, event: Callable[..., None]) -> None:
        self._event = event
        self._told: dict[str, tuple[str, float]] = {}  # by sensor: the state, and since when (s, monotonic)

    def tell(self, board: BoardLook, now: float) -> None:
        """Compares a look with what was told; what finds no room is told with a later one, as it is then."""
        if not (board.alarms or self._told):
            return
        room = MOST
        for sensor, (state, since) in list(self._told.items()):
            if room and sensor not in board.alarms:
                room -= 1
                del self._told[sensor]
                self._event(
                    "alarm.cleared", board=board.name, sensor=sensor, state=state, after_s=round(now - since, 1)
                )
        for sensor, raised in board.alarms.items():
            if room and self._told.get(sensor, ("", 0.0))[0] != raised.word:
                room -= 1
                self._told[sensor] = raised.word, now
                value, unit = raised.value, raised.unit
                self._event("alarm.raised", board=board.name, sensor=sensor, state=raised.word, value=value, unit=unit)
