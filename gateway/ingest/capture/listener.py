"""Who hears a port that is taken down: a board that speaks by itself, or those that are asked, as by the gateway.

What is heard is read only as far as that decides what is asked next; no value goes anywhere.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...ledger import Account
from ...model import Board, Frame, Noise
from ..asking.party import Party
from ..intake import Intake
from ..reader import Reader
from .lines import Heard
from .tape import Tape, TapedHearing, TapedTalk


class Unread:
    """The format of what is not decoded here."""

    name = "none"
    binary = True  # whether it is text matters to nobody

    def decode(self, frame: Frame) -> Noise:
        """Nothing is asked for."""
        return Noise(frame[:64])


@dataclass(frozen=True, slots=True)
class Listener:
    """parties: of the boards that are asked; of one that speaks by itself none, and nothing is ever written to it."""

    reader: Reader
    tape: Tape
    parties: Sequence[Party]


def listener(
    boards: Sequence[Board], tell: Callable[[Heard], None], start: float, changed: Callable[[], None]
) -> Listener:
    """For the boards of one port, which is not read yet. tell, start: see Tape; changed: see Reader and Party."""
    # opened anew in a silence, as the gateway does it; but no pulse on DTR
    quiet = replace(boards[0], on_silence=tuple(one for one in boards[0].on_silence if one == "reopen"))
    tape = Tape(tell, start, lambda: reader.reason, lambda: reader.sharer)
    if not quiet.asked:
        account = Account()
        intake = Intake(quiet, Unread(), _nowhere, account, changed)
        reader = Reader(quiet, TapedHearing(tape, quiet, intake, account), changed)
        return Listener(reader, tape, ())
    talk = TapedTalk(tape, quiet.port)
    reader = Reader(quiet, talk, changed)
    for board in boards:
        talk.join(Party(board, _nowhere, Account(), changed), time.monotonic())
    return Listener(reader, tape, talk.parties)


def _nowhere(*_: object) -> None:
    """Takes samples."""
