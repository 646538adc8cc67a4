"""The formats, by the names that a board's `format` takes. docs/formats.md says how to add one."""

from collections.abc import Callable

from ...model import Format, FormatOptions
from .auto import Auto
from .block import Block
from .csv import Csv
from .ended import Ended
from .fields import Fields, in_columns
from .json import Json
from .kv import Kv
from .nmea import Nmea
from .plain import Plain
from .regex import Regex
from .struct import Struct

FORMATS: dict[str, Callable[[FormatOptions], Format]] = {
    "auto": Auto,
    "block": Block,
    "csv": Csv,
    "json": Json,
    "kv": Kv,
    "nmea": Nmea,
    "plain": Plain,
    "regex": Regex,
    "struct": Struct,
}


def decoder(name: str, options: FormatOptions) -> Format:
    """A fresh format, a key of FORMATS, for a board with these options."""
    made = FORMATS[name](in_columns(name, options))
    if options.fields and name != "struct":
        made = Fields(made, options)
    return Ended(made, options.line_end) if options.line_end else made
