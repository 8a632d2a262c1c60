"""A query as SQL for the SQLite store: one statement a channel, run once for each series.

Names need no escape: `telemetry.names` lets nothing in that would, and `Query` checks again.
Each statement takes `:series`, `:start`, `:end` and `:limit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.stores.query import ROLLED, Aggregate, Query, Source, Wanted
from collector.stores.rows import FLAG, SUSPECT

if TYPE_CHECKING:
    from collections.abc import Collection

HOURLY = "__1h"
"""What the roll-ups' table is called, after its measurement."""

_AGGREGATES = {
    Aggregate.MEAN: "avg({value})",
    Aggregate.MIN: "min({value})",
    Aggregate.MAX: "max({value})",
    Aggregate.SUM: "total({value})",
    Aggregate.COUNT: "count({value})",
    # With one min() or max(), SQLite takes the bare column from the row that has it:
    # https://www.sqlite.org/lang_select.html#bareagg
    Aggregate.FIRST: "{value}, min(_at)",
    Aggregate.LAST: "{value}, max(_at)",
}


def raw_points(query: Query, measurement: str, channel: str, columns: Collection[str]) -> str:
    """Rows of (at, value, doubted value, flag) of one channel; absent columns are null."""
    beside = (channel + SUSPECT, channel + FLAG)
    picked = [
        f'"{name}"'
        if name in columns and (name == channel or query.quality is Wanted.ALL)
        else None
        for name in (channel, *beside)
    ]
    present = " OR ".join(f"{name} IS NOT NULL" for name in picked if name) or "0"
    chosen = ", ".join(name or "NULL" for name in picked)
    return (
        f'SELECT _at, {chosen} FROM "{measurement}" WHERE {_RANGE} AND ({present})'  # noqa: S608 - checked names
        " ORDER BY _at LIMIT :limit"
    )


def parts(
    query: Query, source: Source, measurement: str, channel: str, columns: Collection[str]
) -> str:
    """Rows of (at, count, value, ...) that `query.merged` joins into buckets."""
    assert query.aggregate is not None  # noqa: S101 - the caller's part of the contract
    if source is Source.HOURLY:
        return _rolled_parts(query.aggregate, measurement, channel)
    value = _value(query, channel, columns)
    return (
        f"SELECT {_bucket(query)} AS bucket, count({value}),"  # noqa: S608 - checked names
        f" {_AGGREGATES[query.aggregate].format(value=value)}"
        f' FROM "{measurement}" WHERE {_RANGE} AND {value} IS NOT NULL'
        " GROUP BY bucket ORDER BY bucket LIMIT :limit"
    )


def roll_up(measurement: str, channels: Collection[str]) -> str:
    """Computes the roll-ups of `:series` from `:start` to `:end`, whole hours, anew."""
    names = [f'"{channel}__{kept}"' for channel in channels for kept in ROLLED]
    values = [value for channel in channels for value in _rolled(measurement, channel)]
    return (
        f'INSERT OR REPLACE INTO "{measurement}{HOURLY}" (_series, _at, {", ".join(names)})'  # noqa: S608 - checked names
        f" SELECT :series, _at / 3600000 * 3600000 AS hour, {', '.join(values)}"
        f' FROM "{measurement}" AS t WHERE {_RANGE} GROUP BY hour'
    )


_RANGE = "_series = :series AND _at >= :start AND _at < :end"


def _rolled_parts(aggregate: Aggregate, measurement: str, channel: str) -> str:
    match aggregate:
        case Aggregate.SUM:
            value = f'"{channel}__mean" * "{channel}__count"'
        case _:
            value = f'"{channel}__{aggregate}"'
    return (
        f'SELECT _at, "{channel}__count", {value} FROM "{measurement}{HOURLY}"'  # noqa: S608 - checked names
        f' WHERE {_RANGE} AND "{channel}__count" > 0 ORDER BY _at'
    )


def _bucket(query: Query) -> str:
    if query.every is None:
        return ":start"
    lead = query.every - query.offset % query.every  # keeps the division, which cuts, above zero
    return f"(_at + {lead}) / {query.every} * {query.every} - {lead}"


def _value(query: Query, channel: str, columns: Collection[str]) -> str:
    names = [channel, channel + SUSPECT] if query.quality is Wanted.ALL else [channel]
    held = [f'"{name}"' for name in names if name in columns]
    return held[0] if len(held) == 1 else f"coalesce({', '.join(held) or 'NULL, NULL'})"


def _rolled(measurement: str, channel: str) -> list[str]:
    value = f't."{channel}"'
    edge = (
        f'(SELECT e."{channel}" FROM "{measurement}" AS e WHERE e._series = :series'  # noqa: S608 - checked names
        f" AND e._at >= t._at / 3600000 * 3600000 AND e._at < t._at / 3600000 * 3600000 + 3600000"
        f' AND e."{channel}" IS NOT NULL ORDER BY e._at '
    )
    return [
        f"avg({value})",
        f"min({value})",
        f"max({value})",
        f"count({value})",
        f"{edge} LIMIT 1)",
        f"{edge} DESC LIMIT 1)",
    ]
