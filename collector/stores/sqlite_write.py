"""Rows into the SQLite store: fast when they are new, careful when some were there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.stores import Rejected
from collector.stores.rows import SUSPECT, Field, Row, by_measurement, channels
from collector.stores.sqlite_schema import MAX_CHANNELS, Tables

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

_CALLED = {float: "float", int: "int or bool", str: "text"}


def write_rows(
    connection: sqlite3.Connection, tables: Tables, rows: Iterable[Row]
) -> tuple[list[Rejected], int]:
    """Write rows within the caller's transaction; return the rejected ones, and the conflicts."""
    rejected: list[Rejected] = []
    conflicts = 0
    for measurement, group in by_measurement(rows):
        taken: list[Row] = []
        for row in group:
            reason = _admit(tables, measurement, row.fields)
            if reason is None:
                taken.append(row)
            else:
                rejected.append(Rejected(row.arrival, row.sample, reason))
        if taken:
            conflicts += _write_group(connection, tables, measurement, taken)
    return rejected, conflicts


def _admit(tables: Tables, measurement: str, fields: dict[str, Field]) -> str | None:
    """Make room for these fields, or say why they cannot be taken."""
    if measurement.startswith("sqlite_"):
        return f"measurement {measurement!r}: names that begin with sqlite_ are SQLite's own"
    held = tables.columns(measurement)
    fresh = [name for name in fields if name not in held]
    reason = _clash(held, measurement, fields) or _overflow(held, measurement, fresh)
    if reason is None:
        for name in fresh:
            tables.add_column(measurement, name, type(fields[name]))
    return reason


def _clash(held: dict[str, type[Field]], measurement: str, fields: dict[str, Field]) -> str | None:
    """A channel's stored type is permanent, beside as within its column."""
    for name, value in fields.items():
        if held.get(name) is type(value):
            continue
        twin = name.removesuffix(SUSPECT) if name.endswith(SUSPECT) else name + SUSPECT
        kind = held.get(name) or held.get(twin) or type(value)
        if kind is not type(value):
            return f"{measurement}.{name} holds {_CALLED[kind]}, not {_CALLED[type(value)]}"
    return None


def _overflow(held: dict[str, type[Field]], measurement: str, fresh: list[str]) -> str | None:
    if fresh and len(channels(held | dict.fromkeys(fresh, float))) > MAX_CHANNELS:
        return f"{measurement} would have more than {MAX_CHANNELS} channels: {', '.join(fresh)}"
    return None


def _write_group(
    connection: sqlite3.Connection, tables: Tables, measurement: str, rows: Sequence[Row]
) -> int:
    names = list(dict.fromkeys(name for row in rows for name in row.fields))
    keyed = [(tables.series(row.key), row.sample.at, row.fields) for row in rows]
    before = connection.total_changes
    connection.executemany(
        _insert(measurement, names),
        [(series, at, *map(fields.get, names)) for series, at, fields in keyed],
    )
    if connection.total_changes - before == len(rows):
        return 0
    return sum(_overwrite(connection, measurement, *row) for row in keyed)


def _insert(measurement: str, names: Sequence[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    return f'INSERT OR IGNORE INTO "{measurement}" (_series, _at, {listed}) VALUES (?, ?, {marks})'  # noqa: S608 - checked names


def _overwrite(
    connection: sqlite3.Connection, measurement: str, series: int, at: int, fields: dict[str, Field]
) -> int:
    """Make the row hold these fields; return how many held another value."""
    listed = ", ".join(f'"{name}"' for name in fields)
    where = "WHERE _series = ? AND _at = ?"
    select = f'SELECT {listed} FROM "{measurement}" {where}'  # noqa: S608 - checked names
    held = connection.execute(select, (series, at)).fetchone()
    changed = {
        name: value for (name, value), old in zip(fields.items(), held, strict=True) if old != value
    }
    if not changed:
        return 0
    assigned = ", ".join(f'"{name}" = ?' for name in changed)
    update = f'UPDATE "{measurement}" SET {assigned} {where}'  # noqa: S608 - checked names
    connection.execute(update, (*changed.values(), series, at))
    return sum(old is not None and name in changed for name, old in zip(fields, held, strict=True))
