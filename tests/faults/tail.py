"""Starts a program whose log goes through a pipe that is read here: `python -m tests.faults.tail PIDFILE PROGRAM …`.

The program keeps this process's id; who reads its log is a child, whose id is in PIDFILE: stop it, or end it. The pipe
holds 4 kB, so that it is full soon.
"""

import fcntl
import os
import sys


def main(pid_file: str, *program: str) -> None:
    """Never returns."""
    theirs, ours = os.pipe()
    fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, 4096)
    if (pid := os.fork()) == 0:
        os.close(ours)
        while data := os.read(theirs, 65_536):
            os.write(1, data)
        os._exit(0)
    os.close(theirs)
    with open(pid_file, "w") as file:
        file.write(str(pid))
    os.dup2(ours, 1)
    os.dup2(ours, 2)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(*sys.argv[1:])
