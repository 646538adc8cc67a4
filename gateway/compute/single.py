"""numpy with one thread: a worker is one core's work. The fork server imports this before numpy."""

import os


def one_thread() -> None:
    """Tells numpy, which looks once, when it is imported."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


one_thread()
