"""Where the program starts. Nothing of ours is imported here: a worker process may come by."""

import os
import sys


def main() -> int:
    """Runs one command; gives its exit code."""
    _leave_out_the_working_directory()
    from .cli import run

    return run()


def _leave_out_the_working_directory() -> None:
    """`python -m`, and the fork server by itself, look for modules where they were started: whoever can write there
    could have us run code. Not so in a source tree, where the program itself is in the working directory."""
    try:
        here = os.getcwd()
    except OSError:  # it is gone
        here = ""
    if os.path.dirname(os.path.dirname(os.path.abspath(__file__))) != here:
        os.environ["PYTHONSAFEPATH"] = "1"
        if sys.path[:1] in ([""], [here]):
            del sys.path[0]


if __name__ == "__main__":
    raise SystemExit(main())
