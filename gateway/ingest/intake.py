"""The bytes of one board become samples, and each frame and each value is counted. No port, no loop, no clock."""

from collections.abc import Callable

from ..ledger import Account
from ..model import BadValue, Board, Chunk, Decoded, Format, Noise, Refusal, Sample, Take, Why
from .framing import Lines

SHOWN = 64  # bytes of a refused frame that are kept for whoever has to find out


class Intake:
    """Feeds one board's bytes through framing and format, and keeps its account. take: gets a chunk's samples at once.

    `failed` has the sensors whose last value did not hold, with the reason; `changed` is called when it changes. A
    board may name `board.max_sensors` sensors: the values of any further name are refused, and nothing is kept of them.
    """

    def __init__(
        self, board: Board, decoder: Format, take: Take, account: Account, changed: Callable[[], None]
    ) -> None:
        self.failed: dict[str, Why] = {}
        self._board, self._decode, self._take, self._account = board, decoder.decode, take, account
        self._changed = changed
        self._known: set[str] = set()
        self._lines = Lines(board.max_line)

    def feed(self, data: bytes, at: Chunk, *, settling: bool = False) -> int:
        """Takes bytes that arrived at `at`, all noise while the board settles. Gives the number of frames."""
        account, decode, failed = self._account, self._decode, self.failed
        account.bytes += len(data)
        items = self._lines.feed(data)
        account.frames += len(items)
        if settling:
            account.noise += len(items)
            return len(items)
        samples: list[Sample] = []
        decoded = noise = 0
        for item in items:
            result = decode(item) if type(item) is bytes else item
            if type(result) is Decoded:
                decoded += 1
                samples += result.samples
                if failed:
                    self._recover(result.samples)
                if result.bad:
                    self._fail(result.bad)
            elif type(result) is Noise:
                noise += 1
            elif type(result) is Refusal:
                account.refused[result.why] += 1
                account.last_refused = result.data[:SHOWN]
        account.decoded += decoded
        account.noise += noise
        account.values += len(samples)
        if not self._known.issuperset([sample.sensor for sample in samples]):
            samples = self._admitted(samples)
        account.readings += len(samples)
        if samples:
            self._take(self._board.name, samples, at)
        return len(items)

    def gap(self) -> None:
        """The stream broke: its half line is noise, and so is what comes before the next line's start."""
        half = self._lines.lost()
        if half is not None:
            self._account.frames += 1
            self._account.noise += 1
        self._lines = Lines(self._board.max_line)

    def _admitted(self, samples: list[Sample]) -> list[Sample]:
        """The samples whose sensors are known, or find room; the others are counted."""
        kept = [sample for sample in samples if self._has_room(sample.sensor)]
        if len(kept) < len(samples):
            self._account.refused_values[Why.TOO_MANY_SENSORS] += len(samples) - len(kept)
        return kept

    def _has_room(self, sensor: str) -> bool:
        if sensor in self._known:
            return True
        if len(self._known) >= self._board.max_sensors:
            return False
        self._known.add(sensor)
        return True

    def _fail(self, bad: list[BadValue]) -> None:
        self._account.values += len(bad)
        for sensor, why in bad:
            self._account.refused_values[why] += 1
            if self._has_room(sensor) and self.failed.get(sensor) is not why:
                self.failed[sensor] = why
                self._changed()

    def _recover(self, samples: list[Sample]) -> None:
        for sample in samples:
            if self.failed.pop(sample.sensor, None) is not None:
                self._changed()
