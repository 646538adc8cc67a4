"""The tables of the spool's file, and how a block is read from them."""

VERSION = 1  # of the tables
TABLES = """
CREATE TABLE lanes (id INTEGER PRIMARY KEY, board TEXT NOT NULL, sensor TEXT NOT NULL, UNIQUE (board, sensor));
CREATE TABLE sources (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, text TEXT NOT NULL UNIQUE);
CREATE TABLE blocks (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, source INTEGER NOT NULL, rows INTEGER NOT NULL,
    wall REAL NOT NULL, mono REAL NOT NULL, data BLOB NOT NULL);
CREATE INDEX by_lane ON blocks (lane, id, rows)
"""
BLOCK = "SELECT b.id, s.text, b.rows, b.wall, b.mono, b.data FROM blocks b JOIN sources s ON s.id = b.source "
