"""The formats, by the names that a board's `format` takes. docs/formats.md says how to add one."""

from collections.abc import Callable

from ...model import Format, FormatOptions
from .auto import Auto
from .csv import Csv
from .json import Json
from .kv import Kv
from .plain import Plain

FORMATS: dict[str, Callable[[FormatOptions], Format]] = {
    "auto": Auto,
    "csv": Csv,
    "json": Json,
    "kv": Kv,
    "plain": Plain,
}
