"""The SQLite store: one thread writes, another reads, so that a long query delays no receipt."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from collector.stores import StoreUnavailable, Written, query_sql
from collector.stores.query import HOUR
from collector.stores.rows import channels, rows_of
from collector.stores.sqlite_read import read_catalogue, read_series
from collector.stores.sqlite_schema import (
    Tables,
    columns,
    make_hourly,
    open_reader,
    open_writer,
    transaction,
)
from collector.stores.sqlite_write import write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from collector.arrival import Arrival
    from collector.stores import SeriesName
    from collector.stores.query import Query, Series
    from collector.stores.settings import Retention, SqliteSettings

T = TypeVar("T")

SLICE = 5_000
"""Most rows that one step of expiry deletes: tens of ms, for which a write may have to wait."""


class SqliteStore:
    """A `Store` in one file.

    Args:
        settings: where it is, and how long it keeps what.
        now: the time, in ms since the epoch.
    """

    def __init__(
        self,
        settings: SqliteSettings,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._settings = settings
        self._now = now
        self._writing = ThreadPoolExecutor(1, "sqlite-store-write")
        self._reading = ThreadPoolExecutor(1, "sqlite-store-read")
        self._writer: _Writer | None = None
        self._reader: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file (again); make it if there is none."""
        await self._let_go()
        await _run(self._writing, self._open_writer)
        await _run(self._reading, self._open_reader)

    async def write(self, arrivals: Sequence[Arrival]) -> Written:
        """Store samples in one durable transaction."""
        return await _run(self._writing, partial(self._opened_writer().write, arrivals))

    async def read(self, query: Query) -> list[Series]:
        """What was stored, as the query wants it."""
        raw_from = self._settings.retention.raw_from(self._now())
        return await _run(
            self._reading, partial(read_series, self._opened_reader(), query, raw_from)
        )

    async def catalogue(self) -> list[SeriesName]:
        """Every series that was ever stored."""
        return await _run(self._reading, partial(read_catalogue, self._opened_reader()))

    async def roll_up(self, measurement: str, hours: Sequence[int]) -> None:
        """Compute hours anew, but those of which raw samples were forgotten already."""
        raw_from = self._settings.retention.raw_from(self._now())
        for hour in sorted(set(hours)):
            if hour >= raw_from:
                await _run(self._writing, partial(self._opened_writer().roll_up, measurement, hour))

    async def expire(self, now: int) -> None:
        """Forget old rows, a slice at a time."""
        retention = self._settings.retention
        for measurement, series in await _run(self._writing, self._opened_writer().list_series):
            for table, before in (
                (measurement, retention.raw_from(now)),
                (measurement + query_sql.HOURLY, retention.hourly_from(now)),
            ):
                while await self._forget(table, series, before):
                    pass

    async def close(self) -> None:
        """Close the file."""
        await self._let_go()
        self._reading.shutdown()
        self._writing.shutdown()

    async def _forget(self, table: str, series: int, before: int) -> bool:
        forget = partial(self._opened_writer().forget, table, series, before)
        return await _run(self._writing, forget)

    async def _let_go(self) -> None:
        reader, self._reader = self._reader, None
        writer, self._writer = self._writer, None
        if reader is not None:
            await _run(self._reading, reader.close)
        if writer is not None:
            await _run(self._writing, writer.connection.close)

    def _open_writer(self) -> None:
        self._writer = _Writer(open_writer(self._settings.path), self._settings.retention)

    def _open_reader(self) -> None:
        self._reader = open_reader(self._settings.path)

    def _opened_writer(self) -> _Writer:
        if self._writer is None:
            raise StoreUnavailable("sqlite: not open yet")
        return self._writer

    def _opened_reader(self) -> sqlite3.Connection:
        if self._reader is None:
            raise StoreUnavailable("sqlite: not open yet")
        return self._reader


class _Writer:
    """What the writing thread does."""

    def __init__(self, connection: sqlite3.Connection, retention: Retention) -> None:
        self.connection = connection
        self._retention = retention
        self._tables = Tables(connection)

    def write(self, arrivals: Sequence[Arrival]) -> Written:
        rows, rejected = rows_of(arrivals, self._retention)
        with self._changing():
            refused, conflicts = write_rows(self.connection, self._tables, rows)
        return Written((*rejected, *refused), conflicts)

    def roll_up(self, measurement: str, hour: int) -> None:
        held = columns(self.connection, measurement)
        numeric = [name for name in channels(held) if held.get(name) in (int, float)]
        if not numeric:
            return
        with self._changing():
            make_hourly(self.connection, measurement, numeric)
            statement = query_sql.roll_up(measurement, numeric)
            for name, series in self.list_series():
                if name == measurement:
                    span = {"series": series, "start": hour, "end": hour + HOUR}
                    self.connection.execute(statement, span)

    def list_series(self) -> list[tuple[str, int]]:
        return self.connection.execute("SELECT measurement, id FROM _series").fetchall()

    def forget(self, table: str, series: int, before: int) -> bool:
        """Delete one slice; return whether there may be another."""
        if not columns(self.connection, table):
            return False
        oldest = f'SELECT _at FROM "{table}" WHERE _series = :series AND _at < :before'  # noqa: S608 - checked names
        with self._changing():
            deleted = self.connection.execute(
                f'DELETE FROM "{table}" WHERE _series = :series'  # noqa: S608 - checked names
                f" AND _at IN ({oldest} ORDER BY _at LIMIT {SLICE})",
                {"series": series, "before": before},
            )
        return deleted.rowcount == SLICE

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            with transaction(self.connection):
                yield
        except BaseException:
            self._tables.forget()
            raise


async def _run(executor: ThreadPoolExecutor, job: Callable[[], T]) -> T:
    """`job` on that thread; what SQLite and the file system refuse means: come again."""
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, job)
    except (sqlite3.OperationalError, OSError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise  # a statement that SQLite does not understand: a bug of ours
        raise StoreUnavailable(f"sqlite: {error}") from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise StoreUnavailable(f"sqlite: {error}", misconfigured=True) from error
