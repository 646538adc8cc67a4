"""Whom a spool of a test tells, and readings that are brought to it."""

from collections import Counter

from gateway.publish.spool.filing import Saved
from gateway.publish.spool.spool import Spool
from tests.made import features


class Told:
    """Whom a spool tells."""

    def __init__(self):
        self.inherited, self.dropped, self.events = Counter(), Counter(), []

    def make(self, folder, limit=1_000_000, age=1e9):
        def inherited(board, readings):
            self.inherited[board] += readings

        def dropped(board, reason, readings):
            self.dropped[board, reason] += readings

        def event(name, **fields):
            self.events.append((name, fields))

        return Spool(
            folder, limit, age, "boot", inherited=inherited, dropped=dropped, clock_set=lambda: True, event=event
        )


def saved(*seq):
    """Readings of one sensor."""
    return Saved(features(seq), {}, "run", {})
