"""From arrivals to rows: which field a value goes to, and which samples no store could hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from collector.stores import Rejected
from telemetry.envelope import TIME_MAX
from telemetry.names import AGENT, CHANNEL, DEVICE, RESERVED_CHANNELS, are_channels, is_name
from telemetry.sample import TEXT_MAX, is_storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from collector.arrival import Arrival
    from collector.stores.settings import Retention
    from telemetry.envelope import Device
    from telemetry.sample import Sample

SUSPECT = "__suspect"
FLAG = "__flag"

Field = float | int | str


class SeriesKey(NamedTuple):
    """What makes two samples one series."""

    agent: str
    device: str
    profile: str
    measurement: str


class Row(NamedTuple):
    """A sample as stores take it."""

    arrival: Arrival
    sample: Sample
    key: SeriesKey
    fields: dict[str, Field]


class _Unstorable(Exception):
    """Why a sample makes no row."""


def rows_of(arrivals: Iterable[Arrival], retention: Retention) -> tuple[list[Row], list[Rejected]]:
    """Every sample as a row, or rejected with the reason; one that says nothing is neither."""
    rows: list[Row] = []
    rejected: list[Rejected] = []
    for arrival in arrivals:
        devices = {device.id: device for device in arrival.envelope.devices}
        oldest = retention.raw_from(arrival.at)
        for sample in arrival.envelope.samples:
            try:
                key = _key(arrival, sample, devices)
                _check_time(sample.at, oldest, retention)
                fields = _fields(sample)
            except _Unstorable as reason:
                rejected.append(Rejected(arrival, sample, str(reason)))
                continue
            if fields:
                rows.append(Row(arrival, sample, key, fields))
    return rows, rejected


def _key(arrival: Arrival, sample: Sample, devices: dict[str, Device]) -> SeriesKey:
    device = devices.get(sample.device)
    if device is None:
        raise _Unstorable(f"device {sample.device!r} is not in the envelope's table")
    key = SeriesKey(arrival.agent, device.id, device.profile, device.measurement)
    for pattern, name in zip((AGENT, DEVICE, DEVICE, CHANNEL), key, strict=True):
        if not is_name(pattern, name):
            raise _Unstorable(f"{name!r} is no name")
    return key


def _check_time(at: int, oldest: int, retention: Retention) -> None:
    if not 0 <= at <= TIME_MAX:
        raise _Unstorable(f"time {at} has no date")
    if at < oldest:
        raise _Unstorable(f"time {at} is older than the {retention.raw} days that are kept")


def _fields(sample: Sample) -> dict[str, Field]:
    flags = sample.flags
    _check_channels(sample.values.keys() | flags.keys())
    fields: dict[str, Field] = {}
    for name, value in sample.values.items():
        if not is_storable(value):
            raise _Unstorable(
                f"{name} is not finite, not 64 bits, or no text of {TEXT_MAX} characters"
            )
        fields[name + SUSPECT if name in flags else name] = (
            int(value) if value is True or value is False else value
        )
    for name, flag in flags.items():
        fields[name + FLAG] = str(flag)
    return fields


def _check_channels(names: set[str]) -> None:
    for name in RESERVED_CHANNELS & names:
        raise _Unstorable(f"channel {name!r} would collide with the stores' own")
    if not are_channels(names):
        wrong = min(name for name in names if not is_name(CHANNEL, name))
        raise _Unstorable(f"{wrong!r} is no channel name")


def channels(fields: dict[str, type[Field]]) -> dict[str, type[Field] | None]:
    """The channels that these fields are of, with their stored type (None: never had a value)."""
    names = {name.removesuffix(SUSPECT).removesuffix(FLAG) for name in fields}
    return {
        name: fields.get(name, fields.get(name + SUSPECT))
        for name in sorted(names)
        if "__" not in name
    }


def by_measurement(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Rows a measurement, in their order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.key.measurement, []).append(row)
    yield from groups.items()
