"""What can still be read of a damaged outbox."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from edge_agent.delivery.outbox_tables import COLUMNS
from telemetry.receipt import checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def salvage(path: Path) -> Iterator[tuple[object, ...]]:
    """The batches' rows whose checksum is right, from both ends up to the damage; some twice."""
    for order in ("ASC", "DESC"):
        query = f"SELECT {COLUMNS} FROM batches ORDER BY seq {order}"  # noqa: S608 - constants
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as db:
                for row in db.execute(query):
                    if checksum(row[-1]) == row[-2]:
                        yield row
                return
        except (sqlite3.Error, TypeError):
            continue


def set_aside(path: Path, stamp: str) -> Path:
    """Move the file and its write-ahead log away; returns where the file is now."""
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    path.rename(aside)
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        wal.rename(aside.with_name(aside.name + "-wal"))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return aside
