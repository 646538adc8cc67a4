"""Where the time of the gateway's own process goes, function by function.

    python -m tests.profile [--rate HZ] [--seconds S] [--boards N] [--sensors N] [--rows N] [--file FILE]

The street of `gateway bench street` with the gateway under cProfile; --rate 0 is full speed. cProfile makes small
functions look dearer than they are: compare shares, not seconds. FILE is for snakeviz and the like.
"""

import argparse
import asyncio
import pstats
import sys
import tempfile
from pathlib import Path

from gateway.bench.whole import Phase, street
from tests.scaling import Case


async def profile(rate: float, seconds: float, case: Case, file: Path) -> Phase:
    """One phase; the profile is in `file` when it returns."""
    carrier = case.carrier(("cProfile", "-o", str(file), "-m", "gateway"))
    async with street(case.boards, carrier, case.talk()) as whole:
        return await whole.phase(rate, seconds)


def main() -> int:
    """The command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.profile", description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--boards", type=int, default=4)
    parser.add_argument("--sensors", type=int, default=0, help="of each board, by name; 0: one without a name")
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        file = given.file or Path(folder, "gateway.prof")
        phase = asyncio.run(profile(given.rate, given.seconds, Case("", given.boards, given.sensors), file))
        pstats.Stats(str(file)).sort_stats("tottime").print_stats(given.rows)
    took = f"{phase.seconds:.1f} s, {phase.cpu:.2f} CPU s with the profiler"
    print(f"{phase.received} readings in {took}, {phase.lost} lost")
    return 1 if phase.lost else 0


if __name__ == "__main__":
    sys.exit(main())
