"""Series out of the SQLite store, by a connection that can only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.stores import SeriesName, query_sql
from collector.stores.query import Part, Point, Query, Series, Source, Span, merged, spans
from collector.stores.rows import SeriesKey, channels
from collector.stores.sqlite_schema import columns, measurements
from telemetry.sample import Flag

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator


def read_catalogue(connection: sqlite3.Connection) -> list[SeriesName]:
    """Every series, with its measurement's channels."""
    held = {name: tuple(channels(columns(connection, name))) for name in measurements(connection)}
    return [SeriesName(*key, held[key.measurement]) for _, key in _series(connection, None)]


def read_series(connection: sqlite3.Connection, query: Query, raw_from: int) -> list[Series]:
    """Every series and channel that the query matches and that has points."""
    answer = []
    for series, key in _series(connection, query):
        reading = _Reading(connection, query, series, key.measurement)
        for channel in reading.channels():
            points = (
                reading.raw(channel)
                if query.aggregate is None
                else reading.buckets(channel, spans(query, raw_from))
            )
            if points:
                answer.append(Series(*key, channel, points))
    return answer


def _series(connection: sqlite3.Connection, query: Query | None) -> list[tuple[int, SeriesKey]]:
    """The series that a query's names match, with their ids; all for None."""
    wanted = (
        {}
        if query is None
        else {name: getattr(query, name) for name in SeriesKey._fields if getattr(query, name)}
    )
    where = " AND ".join(["1", *(f"{name} = :{name}" for name in wanted)])
    found = connection.execute(
        f"SELECT id, agent, device, profile, measurement FROM _series WHERE {where}"  # noqa: S608 - our own names
        " ORDER BY agent, device, profile, measurement",
        wanted,
    )
    return [(series, SeriesKey(*key)) for series, *key in found]


class _Reading:
    """One query on one series."""

    def __init__(
        self, connection: sqlite3.Connection, query: Query, series: int, measurement: str
    ) -> None:
        self._connection = connection
        self._query = query
        self._series = series
        self._measurement = measurement
        self._columns = columns(connection, measurement)
        self._hourly = columns(connection, measurement + query_sql.HOURLY)

    def channels(self) -> Iterator[str]:
        """The channels asked for which this measurement has, and to which the aggregate applies."""
        for name, kind in channels(self._columns).items():
            if self._query.selects(name, kind):
                yield name

    def raw(self, channel: str) -> list[Point]:
        """Every value, and what was told about it."""
        statement = query_sql.raw_points(self._query, self._measurement, channel, self._columns)
        rows = self._run(statement, self._query.start, self._query.end)
        return [
            Point(at, doubted if good is None else good, None if flag is None else Flag.parse(flag))
            for at, good, doubted, flag in rows
        ]

    def buckets(self, channel: str, pieces: list[Span]) -> list[Point]:
        """Every bucket that has values."""
        return merged(self._query, (part for span in pieces for part in self._parts(channel, span)))

    def _parts(self, channel: str, span: Span) -> Iterator[Part]:
        if span.source is Source.HOURLY and f"{channel}__count" not in self._hourly:
            return
        statement = query_sql.parts(
            self._query, span.source, self._measurement, channel, self._columns
        )
        for at, count, value, *_ in self._run(statement, span.start, span.end):
            yield Part(at, count, value)

    def _run(self, statement: str, start: int, end: int) -> sqlite3.Cursor:
        bound = {"series": self._series, "start": start, "end": end, "limit": self._query.limit}
        return self._connection.execute(statement, bound)
