"""Series out of an InfluxDB server, by InfluxQL; and hours of raw samples as lines to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collector.stores import SeriesName, query_influxql
from collector.stores.influx_answers import field_types, key_of, read_series_name, typed
from collector.stores.lineprotocol import encode
from collector.stores.query import (
    HOUR,
    Part,
    Point,
    Query,
    Series,
    Source,
    Span,
    Wanted,
    merged,
    spans,
)
from collector.stores.rows import SUSPECT, Field, SeriesKey, channels
from telemetry.sample import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.stores.influx_server import InfluxServer

STATEMENTS = 50
"""Most statements a request: a long range on InfluxDB 3 makes hundreds."""

LONGEST_RANGE = 72 * HOUR
"""What InfluxDB 3 Core reads in one query: 432 files of ten minutes each."""

Kind = type[Field] | None
Measurements = dict[str, dict[str, Kind]]


def read_measurements(server: InfluxServer) -> Measurements:
    """Every measurement's channels, those that are left in roll-ups only too."""
    fields: dict[str, dict[str, type[Field]]] = {}
    (raw,) = server.query(Source.RAW, query_influxql.FIELD_KEYS)
    for measurement, name, kind in field_types(raw):
        fields.setdefault(measurement, {})[name] = kind
    (hourly,) = server.query(Source.HOURLY, query_influxql.FIELD_KEYS)
    for measurement, name, kind in field_types(hourly):
        if name.endswith("__last"):
            fields.setdefault(measurement, {}).setdefault(name.removesuffix("__last"), kind)
    return {measurement: channels(held) for measurement, held in fields.items()}


def read_catalogue(server: InfluxServer) -> list[SeriesName]:
    """Every series that the server remembers."""
    names = {
        read_series_name(name)
        for source in Source
        for series in server.query(source, query_influxql.SERIES)[0]
        for (name,) in series["values"]
    }
    return _named({name for name in names if name is not None}, read_measurements(server))


def read_recent(server: InfluxServer, now: int) -> list[SeriesName]:
    """Every series of the last 72 hours: InfluxDB 3 has no SHOW SERIES."""
    held = read_measurements(server)
    statements = [query_influxql.seen(name, now - LONGEST_RANGE, now) for name in held]
    return _named(
        {
            key_of(series)
            for statement in statements
            for series in server.query(Source.RAW, statement)[0]
        },
        held,
    )


def read_series(
    server: InfluxServer, query: Query, raw_from: int, longest: int | None
) -> list[Series]:
    """Every series and channel that the query matches and that has points."""
    answer: list[Series] = []
    for measurement, held in read_measurements(server).items():
        if query.measurement not in (None, measurement):
            continue
        for channel, kind in held.items():
            if query.selects(channel, kind):
                reading = _Reading(server, query, measurement, channel, kind)
                found = (
                    reading.raw(longest)
                    if query.aggregate is None
                    else reading.buckets(spans(query, raw_from, longest))
                )
                answer += [Series(*key, channel, points) for key, points in found.items()]
    return sorted(answer, key=lambda s: (s.agent, s.device, s.profile, s.measurement, s.channel))


def rolled_lines(server: InfluxServer, measurement: str, start: int, end: int) -> list[bytes]:
    """The roll-ups of these hours, as lines."""
    held = read_measurements(server).get(measurement, {})
    numeric = [channel for channel, kind in held.items() if kind in (float, int)]
    if not numeric:
        return []
    statement = query_influxql.roll_up(measurement, numeric, start, end)
    lines = []
    for series in server.query(Source.RAW, statement)[0]:
        for hour, *values in series["values"]:
            row = dict(zip(series["columns"][1:], values, strict=True))
            fields = _rolled_fields(row, held)
            if fields:
                lines.append(encode(key_of(series), fields, hour))
    return lines


def _rolled_fields(row: dict[str, Any], held: dict[str, Kind]) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for name, value in row.items():
        channel, _, kept = name.partition("__")
        if row[f"{channel}__count"] and value is not None:
            fields[name] = typed(value, float if kept == "mean" else held[channel])
    return fields


def _named(keys: set[SeriesKey], held: Measurements) -> list[SeriesName]:
    return [
        SeriesName(*key, tuple(held[key.measurement]))
        for key in sorted(keys)
        if key.measurement in held
    ]


class _Reading:
    """One query on one channel, of every series that has it."""

    def __init__(
        self, server: InfluxServer, query: Query, measurement: str, channel: str, kind: Kind
    ) -> None:
        self._server = server
        self._query = query
        self._measurement = measurement
        self._channel = channel
        self._kind = kind

    def raw(self, longest: int | None) -> dict[SeriesKey, list[Point]]:
        """Every value, and what was told about it."""
        query, found = self._query, dict[SeriesKey, list[Point]]()
        statements = [
            query_influxql.raw_points(query, span, self._measurement, self._channel)
            for span in spans(query, query.start, longest)
        ]
        for key, row in self._rows(Source.RAW, statements):
            found.setdefault(key, []).append(self._point(*row))
        return {key: points[: query.limit] for key, points in found.items()}

    def buckets(self, pieces: list[Span]) -> dict[SeriesKey, list[Point]]:
        """Every bucket that has values."""
        parts: dict[SeriesKey, list[Part]] = {}
        for source in (Source.HOURLY, Source.RAW):
            statements = [
                query_influxql.parts(self._query, span, self._measurement, field)
                for span in pieces
                if span.source is source
                for field in self._value_fields()
            ]
            for key, (at, count, value) in self._rows(source, statements):
                if count:
                    part = Part(at, count, typed(value, self._kind))
                    parts.setdefault(key, []).append(part)
        return {key: merged(self._query, found) for key, found in parts.items()}

    def _value_fields(self) -> list[str]:
        doubted = [self._channel + SUSPECT] if self._query.quality is Wanted.ALL else []
        return [self._channel, *doubted]

    def _point(self, at: int, *told: float | str | None) -> Point:
        good, doubted, flag = (*told, None, None)[:3]
        value = doubted if good is None else good
        return Point(
            at,
            None if value is None else typed(value, self._kind),
            None if flag is None else Flag.parse(str(flag)),
        )

    def _rows(self, source: Source, statements: list[str]) -> Iterator[tuple[SeriesKey, list[Any]]]:
        for first in range(0, len(statements), STATEMENTS):
            text = ";\n".join(statements[first : first + STATEMENTS])
            for answer in self._server.query(source, text):
                for series in answer:
                    key = key_of(series)
                    for row in series["values"]:
                        yield key, row
