"""The broker as we know it: where it is, what it takes, and why it refuses; in our words, not in a library's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..tls import Tls

TAKEN_OVER, WRONG_VERSION, ADMINISTRATIVE = 0x8E, 0x84, 0x98
OF_NO_MESSAGE = {0x89, 0x8B, 0x8D, TAKEN_OVER, ADMINISTRATIVE, 0x9C, 0x9D}
"""Why a broker ends a connection for no message's sake: it is busy, stops, has not heard us, has another, moves."""
NO_RETAIN, NO_QOS = 0x9A, 0x9B
TOO_LARGE = 0x95
OF_A_WILL = {0x80, 0x83, 0x87, 0x90, TOO_LARGE, 0x99}
"""Refusals of a connection that may be meant for its will; 3.1.1 says 0x87 also of one that is too large."""
SENTENCES = {
    WRONG_VERSION: "it does not speak this version of MQTT",
    0x85: "it does not accept the client id; set another gateway.id",
    0x86: "the user name or password is wrong; see mqtt.username and mqtt.password_file",
    0x87: "the user name or password is wrong, or may not connect; see mqtt.username and mqtt.password_file",
    0x88: "it is not available now",
    0x89: "it is busy",
    0x8A: "it has banned this client",
    NO_RETAIN: "it does not keep retained messages",
    NO_QOS: "it takes nothing beyond QoS 0",
    0x9F: "it allows no more connections now",
}

STALLING = (
    "the broker is connected and acknowledges nothing, so that readings wait on the disk: is it stopped, or its disk?"
)


class Refused(Exception):
    """No connection. code: the broker's reason, or None when it gave none; early: it closed the connection instead.

    away: nobody answered, or the network says so. absent: that was said at once, by the machine that nobody listens or
    by this one that it has no file left, so that to ask again costs next to nothing.
    """

    def __init__(
        self, why: str, code: int | None = None, *, early: bool = False, away: bool = False, absent: bool = False
    ) -> None:
        super().__init__(why)
        self.code, self.early, self.away, self.absent = code, early, away, absent


@dataclass(frozen=True, slots=True)
class Where:
    """The broker, and who connects to it. mark: of the files of `tls`, as `tls.mark` gives it."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    v5: bool = True
    tls: Tls | None = None
    mark: str = ""

    @property
    def text(self) -> str:
        """For a person."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says when this connection breaks.

    brief: what it shall say where it does not take so many bytes; whole: of one that is brief, what it stands for.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True
    brief: bytes | None = None
    whole: bytes | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the broker stated as it connected, or has shown."""

    receive: int | None = None  # packets under way; None: not stated
    packet: int | None = None  # bytes
    qos: int = 1
    retain: bool = True
    will: bool = True
    listen: bool = True

    @property
    def lacking(self) -> str | None:
        """One sentence on what does not work with this broker, or None."""
        lacks = (
            (self.qos, "takes QoS 0 only, so that nothing is acknowledged"),
            (
                self.retain,
                "keeps no retained messages, so that status and last values reach only who listens at the time",
            ),
            (self.will, "does not take our last will, so that nobody is told when this gateway is lost"),
            (
                self.listen,
                "ends the connection when it is asked what others write, so that it is not asked: let this user read "
                "what docs/operations.md lists, then reload",
            ),
        )
        found = [text for has, text in lacks if not has]
        return f"the broker {'; it '.join(found)}" if found else None


def less(will: Will, error: Refused, *, v5: bool) -> Will | None:
    """The will to try next after a refusal that may be its fault, None for no will; raises `error` if it cannot be.

    5 says what it does not like; 3.1.1 calls it a wrong password, or just closes the connection, and its broker's
    limits are found by trying.
    """
    if error.code == NO_RETAIN and will.retain:
        return replace(will, retain=False)
    if error.code == NO_QOS and will.qos:
        return replace(will, qos=0)
    if error.code not in OF_A_WILL and not error.early:
        raise error
    if will.brief is not None and (not v5 or error.early or error.code == TOO_LARGE):
        return replace(will, payload=will.brief, brief=None, whole=will.payload)
    if will.whole is not None:  # it was not its size
        will = replace(will, payload=will.whole, whole=None)
    if v5 or not error.early or not (will.qos or will.retain):
        return None
    return replace(will, retain=False) if will.retain and will.qos else replace(will, qos=0, retain=not will.retain)
