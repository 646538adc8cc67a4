"""How one look at a board is taken: from its reader, its sensors and its account to what status.py writes of it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from ..ledger import Account
from ..model import Board
from .status import BoardLook, FormerLook, Raised, SensorLook

NO_ALARMS: Mapping[str, Raised] = {}


class Latest(Protocol):
    """A sensor's newest reading."""

    @property
    def wall(self) -> float:
        """S since 1970."""
        ...

    @property
    def t(self) -> float:
        """S, on the clock of `now`."""
        ...

    @property
    def unit(self) -> str:
        """As published."""
        ...


class SeenSensor(Protocol):
    """What a look needs of a sensor."""

    name: str
    seq: int

    @property
    def latest(self) -> Latest | None:
        """None before its first reading has left for a worker."""
        ...

    def silent(self, now: float) -> bool:
        """Whether it has not been heard for too long. now: s, on the clock of Latest.t."""
        ...


class SeenReader(Protocol):
    """What a look needs of a board's reader."""

    board: Board

    @property
    def since(self) -> float:
        """When `state` became what it is."""
        ...

    @property
    def port(self) -> str:
        """Its stable path, once it was seen."""
        ...

    @property
    def baud(self) -> int:
        """Bits a second; 0: not known yet."""
        ...

    @property
    def reason(self) -> str | None:
        """One sentence, where there is something to say."""
        ...

    @property
    def note(self) -> str | None:
        """What one should know of the port."""
        ...

    @property
    def garbage(self) -> bool:
        """Whether what comes is no text."""
        ...

    @property
    def sharer(self) -> str | None:
        """Another program that has the port open, as text."""
        ...

    @property
    def state(self) -> str:
        """online | silent | offline | lent."""
        ...

    @property
    def overdue(self) -> bool:
        """Whether it is lent for longer than was said."""
        ...

    @property
    def format(self) -> str:
        """Its name."""
        ...

    @property
    def failed(self) -> Collection[str]:
        """Sensors whose value does not hold."""
        ...


class SeenNames(Protocol):
    """What a look needs to know of what a board's sensors are called."""

    def hardware(self, name: str) -> str:
        """The board's own name for the sensor that is published as `name`."""
        ...

    def gone(self, name: str) -> bool:
        """Whether the sensor that had this name is called otherwise now."""
        ...

    def trouble(self) -> Mapping[str, str | None]:
        """What is wrong with names and units, a sentence each."""
        ...


def board_look(
    reader: SeenReader,
    sensors: Iterable[SeenSensor],
    names: SeenNames,
    account: Account,
    in_flight: int,
    spooled: int,
    now: float,
    alarms: Mapping[str, Raised] = NO_ALARMS,
) -> BoardLook:
    """One board at this moment. now: s, on the clock of the sensors' readings. alarms: those that are on, by sensor."""
    state, bad = reader.state, reader.failed
    known = {
        sensor.name: SensorLook(
            "failed" if sensor.name in bad else "silent" if state != "online" or sensor.silent(now) else "ok",
            sensor.seq,
            latest.wall if (latest := sensor.latest) else None,
            latest.unit if latest else "",
            names.hardware(sensor.name),
            raised.word if (raised := alarms.get(sensor.name)) else None,
        )
        for sensor in sensors
        if not names.gone(sensor.name)
    }
    failed = {name: SensorLook("failed", 0, None, "", names.hardware(name)) for name in bad if name not in known}
    return BoardLook(
        name=reader.board.name,
        state=state,
        since=reader.since,
        port=reader.port,
        baud=reader.baud,
        format=reader.format,
        reason=reader.reason,
        account=account,
        in_flight=in_flight,
        spooled=spooled,
        sensors=known | failed,
        garbage=reader.garbage,
        sharer=reader.sharer,
        note=reader.note,
        naming=names.trouble(),
        overdue=reader.overdue,
        alarms=alarms,
    )


def former(
    accounts: Mapping[str, Account],
    readers: Collection[str],
    in_flight: Callable[[str], int],
    spooled: Callable[[str], int],
) -> tuple[FormerLook, ...]:
    """The boards that have an account and no reader: closed by a reload, or only the spool had readings of theirs."""
    return tuple(
        FormerLook(name, account, in_flight(name), spooled(name))
        for name, account in accounts.items()
        if name not in readers
    )
