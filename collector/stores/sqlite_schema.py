"""The SQLite store's file: how it is opened, and which tables, columns and series it has.

    _series                        id, agent, device, profile, measurement
    <measurement>                  _series, _at, a column a field; a row a sample
    <measurement>__1h              _series, _at, six columns a numeric channel; a row an hour

Names that begin with an underscore or hold two are ours: no channel or measurement can have them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from collector.stores import StoreUnavailable
from collector.stores.query import ROLLED
from collector.stores.query_sql import HOURLY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from collector.stores.rows import Field, SeriesKey

SCHEMA_VERSION = 1

MAX_CHANNELS = 300
"""Most channels a measurement: six columns each in its roll-ups; SQLite takes 2,000 a table."""

_TYPES: dict[str, type[Field]] = {"REAL": float, "INTEGER": int, "TEXT": str}
_NAMES = {kind: name for name, kind in _TYPES.items()}


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes; makes the file if there is none, for its owner only.

    Raises:
        StoreUnavailable: if it is a later version's.
        sqlite3.Error: if it cannot be opened.
        OSError: likewise.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=512
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -32768")  # the newest pages of 5,000 series stay
        connection.execute("PRAGMA journal_size_limit = 67108864")
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can only read, beside the writer's, from this process or another.

    It never checkpoints: SQLite before 3.51.3 can lose pages when two connections do.

    Raises:
        sqlite3.Error: if there is no such file.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it, durably, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk may have rolled it back already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def measurements(connection: sqlite3.Connection) -> list[str]:
    """Every measurement that has a table."""
    found = connection.execute("SELECT DISTINCT measurement FROM _series ORDER BY measurement")
    return [name for (name,) in found]


def columns(connection: sqlite3.Connection, table: str) -> dict[str, type[Field]]:
    """A table's columns with the type that each holds; empty if there is no such table."""
    found = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    return {name: _TYPES[kind] for name, kind in found if not name.startswith("_")}


class Tables:
    """What the file has, remembered by its writer; forgotten when a transaction fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._series: dict[SeriesKey, int] = {}
        self._columns: dict[str, dict[str, type[Field]]] = {}

    def forget(self) -> None:
        """Ask the file again, because what was made may have been rolled back."""
        self._series.clear()
        self._columns.clear()

    def columns(self, measurement: str) -> dict[str, type[Field]]:
        """The columns of a measurement's table, which is made if there is none."""
        known = self._columns.get(measurement)
        if known is None:
            self._connection.execute(_table(measurement))
            known = self._columns[measurement] = columns(self._connection, measurement)
        return known

    def add_column(self, measurement: str, name: str, kind: type[Field]) -> None:
        """A column for a field that was not seen before."""
        self._connection.execute(f'ALTER TABLE "{measurement}" ADD COLUMN "{name}" {_NAMES[kind]}')
        self._columns[measurement][name] = kind

    def series(self, key: SeriesKey) -> int:
        """The id of a series, which is made if there is none."""
        known = self._series.get(key)
        if known is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO _series (agent, device, profile, measurement)"
                " VALUES (?, ?, ?, ?)",
                key,
            )
            found = self._connection.execute(
                "SELECT id FROM _series"
                " WHERE agent = ? AND device = ? AND profile = ? AND measurement = ?",
                key,
            )
            known = self._series[key] = int(found.fetchone()[0])
        return known


def make_hourly(connection: sqlite3.Connection, measurement: str, numeric: list[str]) -> None:
    """The roll-ups' table of a measurement, with columns for these channels."""
    table = measurement + HOURLY
    connection.execute(_table(table))
    present = columns(connection, table)
    types = columns(connection, measurement)
    for channel in numeric:
        for kept in ROLLED:
            name = f"{channel}__{kept}"
            if name not in present:
                kind = {"mean": float, "count": int}.get(kept, types[channel])
                connection.execute(f'ALTER TABLE "{table}" ADD COLUMN "{name}" {_NAMES[kind]}')


def _table(name: str) -> str:
    return (
        f'CREATE TABLE IF NOT EXISTS "{name}" (_series INTEGER NOT NULL, _at INTEGER NOT NULL,'
        " PRIMARY KEY (_series, _at)) WITHOUT ROWID"
    )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreUnavailable(
            f"{path} has schema {version}; this version knows {SCHEMA_VERSION}", misconfigured=True
        )
    with transaction(connection):
        connection.execute(
            "CREATE TABLE IF NOT EXISTS _series (id INTEGER PRIMARY KEY, agent TEXT NOT NULL,"
            " device TEXT NOT NULL, profile TEXT NOT NULL, measurement TEXT NOT NULL,"
            " UNIQUE (agent, device, profile, measurement))"
        )
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
