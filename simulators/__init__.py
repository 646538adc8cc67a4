"""Simulated sensor boards on real pseudo-terminals, for the demo and the tests; standard library only, Linux.

The line is honest: its baud rate bounds what a board can say, and who listens at another rate reads garbage.
"""

from simulators.board import Board
from simulators.faults import FAULTS
from simulators.kinds import KINDS

__all__ = ["FAULTS", "KINDS", "Board"]
