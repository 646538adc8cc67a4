"""The streams of all sensors, made as each is first heard; and what is retained of them: the newest reading, the alarm.

Of a sensor that is there no more, since its board has gone or it is called otherwise, both are taken back.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..model import Features
from ..sending import Sending
from .alarm import CLEAR, Told
from .documents import Documents
from .lane import Piece
from .naming import Naming
from .stream import Stream

Sensor = tuple[str, str]  # (board, sensor)
Spoke = Callable[[str, str, str, tuple[str, ...]], None]  # of each `last`: board, sensor, unit, features
NONE: Mapping[str, str] = {}
AT_ONCE = 500  # alarms that are said again in one go: some ms, where nobody else has the loop


@dataclass(frozen=True, slots=True)
class OfSensors:
    """What holds for sensors now: the tags of a board; how (board, sensor) is sent, and whether it is read."""

    tags: Callable[[str], dict[str, str]]
    sending: Callable[[str, str], Sending]
    read: Callable[[str, str], bool] = lambda board, sensor: True


class Streams:
    """documents: where retained ones are put. spoke: is told of each `last`."""

    def __init__(self, naming: Naming, of: OfSensors, documents: Documents) -> None:
        self.spoke: Spoke = lambda board, sensor, unit, keys: None
        self._naming, self._of, self._documents = naming, of, documents
        self._streams: dict[Sensor, Stream] = {}
        self._retained: set[Sensor] = set()  # of which something lies at the broker, or is on its way there
        self._due: list[Sensor] = []  # whose alarm is to be said again
        self.changes = 0  # of what is retained
        self._alarms: dict[str, dict[str, Told]] = {}  # those that are on, by board and sensor

    def alarms(self, board: str) -> Mapping[str, str]:
        """The sensors of `board` whose alarm is on, and what it says."""
        on = self._alarms.get(board)
        return {sensor: told.word for sensor, told in on.items()} if on else NONE

    def raised(self, board: str) -> Mapping[str, Told]:
        """The same with value and unit."""
        return dict(self._alarms.get(board, {}))

    def of(self, features: Features) -> Stream:
        """The stream of these readings."""
        key = board, sensor = features.board, features.sensor
        stream = self._streams.get(key)
        if stream is None:
            identity = (self._naming.gateway, board, sensor, self._naming.run)
            base, how = self._naming.sensor(board, sensor), self._of.sending(board, sensor)
            stream = self._streams[key] = Stream(base, identity, self._of.tags(board), how)
        return stream

    def take(self, features: Features) -> tuple[Piece | None, int]:
        """What is to be sent of live readings, if anything, and how many are condensed."""
        stream = self.of(features)
        before = stream.told
        sent = stream.condense(features)
        last = stream.last(features, "unsynced" if features.unset else None)
        if last is None and stream.told is before:
            return sent
        key = features.board, features.sensor
        if not self._of.read(*key):  # it was on its way when its board was let go
            stream.forget()
            return sent
        if key not in self._retained:
            self._retained.add(key)
            self.changes += 1
        if last is not None:
            self._documents.put(stream.last_topic, last, behind=True)
            self.spoke(*key, features.unit, features.keys)
        if stream.told is not None and stream.told is not before:
            self._tell(key, stream, stream.told)
        return sent

    def _tell(self, key: Sensor, stream: Stream, told: Told) -> None:
        self._documents.put(stream.alarm_topic, told.document(None))
        board, sensor = key
        if told.state == CLEAR:
            self._off(board, sensor)
        else:
            self._alarms.setdefault(board, {})[sensor] = told

    def retained(self) -> Iterator[tuple[str, str, bool]]:
        """Of what something is retained: (board, sensor), and whether there is an alarm among it."""
        return ((*key, self._streams[key].watched) for key in self._retained)

    def again(self, clock: float | None) -> bool:
        """What the alarms' topics should say is said again: somebody else may have written there, or the broker forgot.

        clock: as Told.document takes it. Gives whether there are more, to be said before long.
        """
        if not self._due:
            self._sweep()
            self._due = list(self._retained)
        part, self._due = self._due[-AT_ONCE:], self._due[:-AT_ONCE]
        for stream in [self._streams[key] for key in part if key in self._retained]:
            if stream.told is not None and not self._documents.waits([stream.alarm_topic]):
                self._documents.put(stream.alarm_topic, stream.told.document(clock), behind=True)
        return bool(self._due)

    def renew(self) -> None:
        """Asks anew for what holds."""
        self.changes += 1
        for key, stream in self._streams.items():
            told = stream.told
            stream.renew(self._of.tags(key[0]), self._of.sending(*key))
            if told is not None and stream.told is None:
                self._no_alarm(key, stream)
        self._sweep()

    def _sweep(self) -> None:
        """Lets go sensors that are not read any more; for what of them still goes out a stream is made anew."""
        for key in [key for key in self._streams if not self._of.read(*key)]:
            self._let_go(key)

    def _let_go(self, key: Sensor) -> None:
        """One that owes is kept: should its sensor be back, what was left out before is counted then."""
        if key in self._retained:
            self._take_back(key)
        if not self._streams[key].owes:
            del self._streams[key]

    def _take_back(self, key: Sensor) -> None:
        self._retained.remove(key)
        self.changes += 1
        stream = self._streams[key]
        self._documents.put(stream.last_topic, b"")
        if stream.told is not None:
            self._no_alarm(key, stream)
        stream.forget()

    def _no_alarm(self, key: Sensor, stream: Stream) -> None:
        self._documents.put(stream.alarm_topic, b"")
        self._off(*key)

    def _off(self, board: str, sensor: str) -> None:
        on = self._alarms.get(board, {})
        on.pop(sensor, None)
        if not on:
            self._alarms.pop(board, None)

    def opened(self) -> None:
        """There is a new connection; the broker may have forgotten."""
        self._due = []
        for stream in self._streams.values():
            stream.forget_last()

    def forget(self, board: str) -> None:
        """Lets go those of a board that is not read any more."""
        for key in [key for key in self._streams if key[0] == board]:
            self._let_go(key)
        self._alarms.pop(board, None)
