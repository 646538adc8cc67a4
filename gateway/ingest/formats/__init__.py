"""The formats, by the names that a board's `format` takes. docs/formats.md says how to add one."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import cast

from ...model import Format, FormatOptions

NAMES = ("auto", "block", "csv", "json", "kv", "nmea", "plain", "regex", "struct")


class _Formats(Mapping[str, Callable[[FormatOptions], Format]]):
    """`kv` is Kv in kv.py. A file is imported when a board has its format: most gateways have one or two."""

    def __getitem__(self, name: str) -> Callable[[FormatOptions], Format]:
        if name not in NAMES:
            raise KeyError(name)
        made = getattr(import_module(f".{name}", __name__), name.capitalize())
        return cast(Callable[[FormatOptions], Format], made)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


FORMATS = _Formats()


def decoder(name: str, options: FormatOptions) -> Format:
    """A fresh format, a key of FORMATS, for a board with these options."""
    from .ended import Ended
    from .fields import Fields, in_columns

    made = FORMATS[name](in_columns(name, options))
    if options.fields and name != "struct":
        made = Fields(made, options)
    return Ended(made, options.line_end) if options.line_end else made
