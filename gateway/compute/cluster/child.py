"""The process of a user's own feature on a worker of the cluster: its warden, started as a program of its own.

A worker of Dask's is a daemon of multiprocessing's, which may have no children of that kind.
"""

import os
import socket
import sys

from ..custom.warden import serve
from ..worker import STDERR

if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), os.fdopen(os.dup(STDERR), "wb", 0))
