"""What an outbox's file holds: its tables, and the totals that survive restarts."""

from __future__ import annotations

from dataclasses import dataclass

FORMAT = 1
"""`PRAGMA user_version` of files that this module understands."""

SCHEMA = f"""
BEGIN;
CREATE TABLE batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, samples INTEGER NOT NULL,
  crc INTEGER NOT NULL, payload BLOB NOT NULL
) STRICT;
CREATE TABLE quarantine (
  seq INTEGER PRIMARY KEY, stream TEXT NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, samples INTEGER NOT NULL,
  crc INTEGER NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1), stream TEXT NOT NULL, machine TEXT NOT NULL,
  batches INTEGER NOT NULL, samples INTEGER NOT NULL, bytes INTEGER NOT NULL,
  delivered INTEGER NOT NULL, refused INTEGER NOT NULL,
  dropped_batches INTEGER NOT NULL, dropped_samples INTEGER NOT NULL
) STRICT;
PRAGMA user_version = {FORMAT};
COMMIT;
"""
"""A new file."""

COLUMNS = "seq, stream, first_at, last_at, samples, crc, payload"
"""Of a batch's row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the file holds, and what became of what it held; it survives restarts.

    `delivered`, `dropped_samples` count samples; `refused` and `dropped_batches` batches.
    """

    batches: int = 0
    samples: int = 0
    bytes: int = 0
    delivered: int = 0
    refused: int = 0
    dropped_batches: int = 0
    dropped_samples: int = 0
