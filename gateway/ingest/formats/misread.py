"""Columns that a configuration names so shortly that they may be misread, for `gateway check`."""

from ...model import FormatOptions
from ...patterns import Pattern
from ..asked_for import Asked
from ..quantities import quantity
from .text import ROLES


def misread(options: FormatOptions) -> list[tuple[str, str]]:
    """Columns of one or two letters that may be meant as temperatures and are none: name, what it is taken for.

    Without names in `columns` those of the fields that have no unit, or of the pattern's groups.
    """
    asked = Asked(options)
    fields = tuple(field.name for field in options.fields if not field.unit)
    columns = options.columns or fields or Pattern(options.pattern).groups
    return [
        (name, quantity(name))
        for place, name in enumerate(columns)
        if 0 < len(name) <= 2
        and name.casefold() not in ROLES
        and quantity(name)
        and asked.unit(name, "", place) is None
    ]
