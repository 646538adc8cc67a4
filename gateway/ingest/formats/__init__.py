"""The formats, by the names that a board's `format` takes. docs/formats.md says how to add one."""

from collections.abc import Callable

from gateway.ingest.formats.auto import Auto
from gateway.ingest.formats.csv import Csv
from gateway.ingest.formats.json import Json
from gateway.ingest.formats.kv import Kv
from gateway.ingest.formats.plain import Plain
from gateway.model import Format, FormatOptions

FORMATS: dict[str, Callable[[FormatOptions], Format]] = {
    "auto": Auto,
    "csv": Csv,
    "json": Json,
    "kv": Kv,
    "plain": Plain,
}
