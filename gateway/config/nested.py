"""Tables within a value of the configuration: their keys checked one by one, all that is wrong told with its place."""

from collections.abc import Callable, Mapping
from typing import Any

from .words import Inside, Unfit, nearest

Check = Callable[[Any], Any]
Parts = list[tuple[tuple[str | int, ...], str]]


def table(found: Mapping[str, object], keys: Mapping[str, Check], needed: Mapping[str, str]) -> dict[str, Any]:
    """The checked values of a table with these keys. needed: those that must be there, and what each is.

    Raises Inside with all that is wrong.
    """
    made: dict[str, Any] = {}
    wrong: Parts = []
    for key, value in found.items():
        if key not in keys:
            near = nearest(key, keys) or "; there are " + ", ".join(keys)
            wrong.append(((key,), f"no such key{near}"))
            continue
        try:
            made[key] = keys[key](value)
        except Unfit as error:
            wrong += parts((key,), error)
    wrong += [((key,), f"is missing; {what} is needed") for key, what in needed.items() if key not in found]
    if wrong:
        raise Inside(wrong)
    return made


def each(values: list[Any], check: Check) -> tuple[Any, ...]:
    """The checked values of a list. Raises Inside with all that is wrong."""
    made: list[Any] = []
    wrong: Parts = []
    for place, value in enumerate(values):
        try:
            made.append(check(value))
        except Unfit as error:
            wrong += parts((place,), error)
    if wrong:
        raise Inside(wrong)
    return tuple(made)


def parts(place: tuple[str | int, ...], error: Unfit) -> Parts:
    """What is wrong at `place`, and where in it."""
    if isinstance(error, Inside):
        return [((*place, *inside), clause) for inside, clause in error.parts]
    return [(place, str(error))]
