"""A query as InfluxQL: the one language that InfluxDB 1.x, 2.x and 3 all read.

One statement a channel and span, always with both time bounds, grouped by the series' tags.
Names need no escape: `telemetry.names` lets nothing in that would, and `Query` checks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.stores.lineprotocol import TIME_MAX
from collector.stores.query import HOUR, ROLLED, Aggregate, Query, Source, Span, Wanted
from collector.stores.rows import FLAG, SUSPECT

if TYPE_CHECKING:
    from collections.abc import Sequence

TAGS = '"agent", "device", "profile"'

FIELD_KEYS = "SHOW FIELD KEYS"
SERIES = "SHOW SERIES"


def raw_points(query: Query, span: Span, measurement: str, channel: str) -> str:
    """Rows of (time, value) or, where doubted ones are wanted, (time, value, doubted, flag)."""
    beside = (channel + SUSPECT, channel + FLAG) if query.quality is Wanted.ALL else ()
    chosen = ", ".join(f'"{name}"' for name in (channel, *beside))
    where = _where(query, span.start, span.end)
    return f'SELECT {chosen} FROM "{measurement}" {where} GROUP BY {TAGS} LIMIT {query.limit}'  # noqa: S608 - checked names


def parts(query: Query, span: Span, measurement: str, field: str) -> str:
    """Rows of (time, count, value) that `query.merged` joins into buckets.

    `field` is a channel, or the field of its doubted values.
    """
    assert query.aggregate is not None  # noqa: S101 - the caller's part of the contract
    where = _where(query, span.start, span.end)
    if span.source is Source.HOURLY:
        value = _rolled_value(query.aggregate, field)
        chosen = f'"{field}__count" AS n, {value} AS x'
        return f'SELECT {chosen} FROM "{measurement}" {where} GROUP BY {TAGS}'  # noqa: S608 - checked names
    chosen = f'count("{field}") AS n, {query.aggregate}("{field}") AS x'
    bucket = (
        "" if query.every is None else f"time({query.every}ms, {query.offset % query.every}ms), "
    )
    return (
        f'SELECT {chosen} FROM "{measurement}" {where}'  # noqa: S608 - checked names
        f" GROUP BY {bucket}{TAGS} fill(none) LIMIT {query.limit}"
    )


def roll_up(measurement: str, channels: Sequence[str], start: int, end: int) -> str:
    """Rows of (time, then for each channel its `ROLLED`), an hour each."""
    chosen = ", ".join(
        f'{kept}("{channel}") AS "{channel}__{kept}"' for channel in channels for kept in ROLLED
    )
    return (
        f'SELECT {chosen} FROM "{measurement}" WHERE time >= {start}ms AND time < {end}ms'  # noqa: S608 - checked names
        f" GROUP BY time({HOUR}ms), {TAGS} fill(none)"
    )


def seen(measurement: str, start: int, end: int) -> str:
    """The series of a measurement that said something; for servers without SHOW SERIES."""
    where = f"WHERE time >= {start}ms AND time < {end}ms"
    return f'SELECT count(*) FROM "{measurement}" {where} GROUP BY {TAGS}'  # noqa: S608 - checked names


def _where(query: Query, start: int, end: int) -> str:
    tags = {"agent": query.agent, "device": query.device, "profile": query.profile}
    bounds = f"WHERE time >= {min(start, TIME_MAX)}ms AND time < {min(end, TIME_MAX)}ms"
    return bounds + "".join(f" AND \"{tag}\" = '{name}'" for tag, name in tags.items() if name)


def _rolled_value(aggregate: Aggregate, field: str) -> str:
    if aggregate is Aggregate.SUM:
        return f'"{field}__mean" * "{field}__count"'
    return f'"{field}__{aggregate}"'
