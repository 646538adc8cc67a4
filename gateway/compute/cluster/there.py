"""What runs on a worker of the cluster: our arithmetic in its own process, a user's own feature in a child of it.

The bridge names a function, and the worker finds it in its own gateway, which has to be of the same version.
"""

from __future__ import annotations

import importlib
from pickle import loads

from ... import __version__
from ..tasks import Result
from .letters import badly, packed


def hello() -> str:
    """The version of the gateway that is installed here; what it computes with is loaded then."""
    importlib.import_module("gateway.compute.batch")
    return __version__


def batch(task: bytes) -> bytes:
    """A batch's results, see letters.py. Raises RuntimeError with the traceback of one that cannot be computed."""
    from ..batch import answer  # numpy comes with it

    results = loads(answer(task))
    if isinstance(results, str):
        raise RuntimeError(results)
    return packed([Result(*result) for result in results])


def prepared(place: str, order: str, modules: bytes) -> str:
    """Has a process import a user's own feature here. Gives what is wrong with that, a clause; "" when nothing is.

    place: the worker's own directory, for the modules.
    """
    from . import kept

    return kept.prepared(place, order, modules)


def called(address: str, order: str, mark: str, call: bytes) -> bytes:
    """What the feature answers, see custom/answers.py. address: of this worker. mark: of the feature's modules.

    letters.badly where it has raised, crashed or hung; letters.UNPREPARED where its modules are not here any more.
    """
    from . import kept

    answer = kept.called(order, mark, call)
    return badly(address, answer[2:]) if answer[:1] == b"!" else answer
