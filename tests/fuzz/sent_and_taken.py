"""What boards have sent and the broker has taken, as a test knows it: against this the ledger is held."""

from collections import Counter


class Model:
    """What must be true of the street: every reading has a number, and is somewhere."""

    def __init__(self):
        self.frames = Counter()  # by board, in this run
        self.refused = Counter()  # by board and reason, in this run
        self.readings = Counter()  # by board, in this run
        self.made = {}  # number -> what the board and the street have called it
        self.taken = {}  # number -> message, of those that the broker took
        self.lost = Counter()  # by board: what a kill may have cost
        self.dropped = Counter()  # by board: counted in runs before, dropped or condensed

    def reading(self, number, board, sensor, value, run):
        """A board has sent it whole."""
        seq = 1 + sum(1 for one in self.made.values() if one[:2] == (board, sensor) and one[4] == run)
        self.made[number] = board, sensor, value, seq, run
        self.readings[board] += 1

    def take(self, message):
        """The broker has it, perhaps again."""
        number = message["count"]
        assert self.made[number] == tuple(message[key] for key in ("board", "sensor", "value", "seq", "run"))
        self.taken.setdefault(number, message)

    def gone(self, board):
        """Readings of a board that have not come to the broker."""
        return sum(1 for number, made in self.made.items() if made[0] == board and number not in self.taken)

    def killed(self, account, board, in_memory):
        """The run is over. in_memory: readings that were on no disk."""
        self.lost[board] += in_memory
        self.dropped[board] += account.condensed + account.dropped.total()
        self.frames[board] = self.readings[board] = 0
        self.refused = Counter({key: count for key, count in self.refused.items() if key[0] != board})
