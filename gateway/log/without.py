"""Imports that leave an optional library out, though it is installed."""

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import cast


@contextlib.contextmanager
def without(name: str) -> Iterator[None]:
    """As if there were no library of that name, for what is imported here; not where it is loaded already."""
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    absent = name not in modules
    if absent:
        modules[name] = None
    try:
        yield
    finally:
        if absent:
            del modules[name]
