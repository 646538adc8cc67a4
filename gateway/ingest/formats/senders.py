"""Whose a record is, where one board passes on what several devices send, for auto: their ids tell them apart.

{"model":"TX141","id":168,"temperature_C":21.5}      168: a model and an id say that there are others
node=11 temp=21.5 · node=12 temp=4.0 · node=11 …     the first is the board's own as long as no other comes; then
                                                     all are told apart, each from its second record on
id=1 · id=2 · id=3 · …                               a number of the record, when eight in turn have risen
room=bath temp=21.4 · room=attic temp=4.0            a place tells them apart as well, where it is a word: room=21.4 is
                                                     a value
"""

from collections.abc import Mapping

from .text import is_numberish

_WORDS = (
    "id ident address addr serial sn mac device rom node channel station name deviceid devid nodeid sensorid stationid "
    "unitid probeid"
)
_PLACES = "room loc location zone dev probe tag label chan slot topic src source sensorname"
DEVICES = frozenset(_WORDS.split())
"""Keys that name a device, in lower case and in one word."""
PLACES = frozenset(_PLACES.split())
"""Those that do so by a word alone, where no key of DEVICES does: a number there is a value, or says nothing."""
VALUES = frozenset(("value", "val", "v"))
"""Keys of a value of which other keys of its record say what it is: `name` does, too, and not whose it is."""
COUNTERS = frozenset(("id", "ident"))
"""Those of them that may number the records instead."""
MODELS = frozenset(("model", "brand"))
"""Keys of what is sent by devices of many makes."""
MOST = 64
"""Devices; what more of them send is refused."""
STEPS = 8
"""New numbers in turn, each more than the one before, that only a counter has."""
LONGEST = 64
"""Characters of a name."""


def is_device(key: str) -> bool:
    """Whether a key names a device: "id", "nodeId", "sensor_id"."""
    word = _word(key)
    return word in DEVICES or word in PLACES


def _word(key: str) -> str:
    return key.casefold().replace("_", "").replace("-", "")


def device_of(record: Mapping[str, object]) -> str | None:
    """The key that names the device of a record, by a text or a whole number; None when there is none."""
    for key, item in record.items():
        if key.casefold() == "name" and not VALUES.isdisjoint(record):
            continue
        if _word(key) in DEVICES and type(item) in (int, str) and 0 < len(str(item)) <= LONGEST:
            return key
    return None


def _place_of(record: Mapping[str, object], numbers: set[str]) -> str | None:
    """The key that does so by a word; to `numbers` are added, and left out, the keys where numbers have stood."""
    found = None
    for key, item in record.items():
        if (word := _word(key)) not in PLACES:
            continue
        if type(item) is not str or is_numberish(item):
            numbers.add(word)
        elif word not in numbers and found is None and 0 < len(item) <= LONGEST:
            found = key
    return found


class Senders:
    """The devices that one board has passed on."""

    def __init__(self) -> None:
        self.several = False
        self.counts = False
        self._seen: set[str] = set()
        self._numbers: set[str] = set()  # of PLACES those where numbers have stood
        self._last = ""
        self._steps = 0

    def whose(self, record: Mapping[str, object]) -> str | None:
        """Whose a record is: "" for the board's own, the device's name, or None when that is not known yet."""
        if self.counts or (key := device_of(record) or _place_of(record, self._numbers)) is None:
            return ""
        who, last = str(record[key]), self._last
        self._last = who
        if not MODELS.isdisjoint(map(str.casefold, record)):
            self.several = True
        elif who in self._seen:
            self.several = self.several or who != last or self._steps > 0
            self._steps = 0
        elif last:
            rises = key.casefold() in COUNTERS and last.isdecimal() and who.isdecimal() and int(who) > int(last)
            self._steps = self._steps + 1 if rises else 0
            self.counts = self._steps >= STEPS
            self.several = not self.counts and (self.several or not rises)
            self._add(who)
            return "" if self.counts else None
        self._add(who)
        if not self.several:
            return ""
        return who if who in self._seen else None

    def _add(self, who: str) -> None:
        if len(self._seen) < MOST:
            self._seen.add(who)
