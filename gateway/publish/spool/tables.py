"""The tables of the spool's file, and how a block is read from them, which may hold anything."""

from __future__ import annotations

import math
from typing import Any

from ...model import Drop
from .blocks import LARGEST, MOST_ROWS
from .nouns import Damaged, Source, Stored, lane_of

VERSION = 2  # of the tables
TABLES = (
    "CREATE TABLE lanes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE sources (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, text TEXT NOT NULL UNIQUE)",
    "CREATE TABLE blocks (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, source INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, wall REAL NOT NULL, mono REAL NOT NULL, data BLOB NOT NULL)",
    "CREATE INDEX by_lane ON blocks (lane, id, rows)",
    "CREATE TABLE dropped (reason TEXT PRIMARY KEY, readings INTEGER NOT NULL)",
)
SCHEMA = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"
NAMELESS = (  # lanes without a block, and sources of none, in this order
    "DELETE FROM lanes WHERE id NOT IN (SELECT lane FROM blocks INDEXED BY by_lane)",
    "DELETE FROM sources WHERE lane NOT IN (SELECT id FROM lanes)",
)
CROWDED = "SELECT lane FROM sources GROUP BY lane HAVING count(*) > 100"
REASONS = ", ".join(f"'{reason}'" for reason in Drop)
DROPPED = f"""SELECT reason, readings FROM dropped
    WHERE reason IN ({REASONS}) AND typeof(readings) = 'integer' AND readings BETWEEN 1 AND {2**53}"""
COUNT = """INSERT INTO dropped (reason, readings) VALUES (?, ?)
    ON CONFLICT (reason) DO UPDATE SET readings = readings + excluded.readings"""
UNUSED = "DELETE FROM sources WHERE lane = ? AND id NOT IN (SELECT source FROM blocks WHERE lane = ?)"
LAST_ID = 2**62
LONGEST_SOURCE = 1_000_000  # bytes
_FROM = "FROM blocks b JOIN sources s ON s.id = b.source JOIN lanes l ON l.id = b.lane "
_HEAD = f"SELECT b.id, l.name, CASE WHEN length(s.text) <= {LONGEST_SOURCE} THEN s.text END, b.rows, b.wall, b.mono"
BLOCK = f"{_HEAD}, CASE WHEN length(b.data) <= {LARGEST} THEN b.data END {_FROM}"
HEADER = f"{_HEAD}, x'' {_FROM}"
ODD = f"""SELECT (SELECT count(*) FROM blocks INDEXED BY by_lane WHERE typeof(rows) <> 'integer'
    OR typeof(lane) <> 'integer' OR rows NOT BETWEEN 1 AND {MOST_ROWS} OR id NOT BETWEEN 1 AND {LAST_ID})
    + (SELECT count(*) FROM dropped) - (SELECT count(*) FROM ({DROPPED}))"""


def stored(row: tuple[Any, ...]) -> Stored:
    """The block in a row of BLOCK, or without its data of HEADER. Raises Damaged."""
    number, name, text, rows, wall, mono, data = row
    if type(text) is not str or type(rows) is not int or not 0 < rows <= MOST_ROWS or type(data) is not bytes:
        raise Damaged(f"block {number} is none")
    if not all(type(t) is float and math.isfinite(t) for t in (wall, mono)):
        raise Damaged(f"block {number} has no time")
    source = Source.read(text)
    if source.lane != lane_of(name):
        raise Damaged(f"block {number} lies with those of another sensor")
    return Stored(number, source, rows, wall, mono, data)
