"""Where the program starts. Nothing of ours is imported here: a worker process may come by."""

import io
import os
import sys


def main() -> int:
    """Runs one command; gives its exit code."""
    _open_what_is_closed()
    _write_what_is_strange()
    _leave_out_the_working_directory()
    from .cli import run

    return run()


def _open_what_is_closed() -> None:
    """Whoever starts us with `>&-` gets what `>/dev/null` gives. Else the next port or socket that is opened would be
    our standard output, and whatever is printed would go there."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free, so this one
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _write_what_is_strange() -> None:
    """Output that knows no ° (LANG=de_DE.ISO-8859-1, PYTHONIOENCODING=ascii) has an escape in its place."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


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
