"""The envelope: samples as they travel, understood without anything else at hand.

A JSON document, deflated (zlib) unless asked otherwise; the payload's first byte tells which.

    {"v":1,"clock":"synced","devices":[
      {"id":"meter-1","profile":"eastron-sdm630","rev":1,"measurement":"electricity_meter",
       "channels":["voltage_l1","frequency"],
       "at":[1700000000000,1700000001000],
       "rows":[[230.1,50.0],[230.2,null]],
       "flags":[[1,1,"missing:no_reply"]]}]}

`rows` stand beside `at`, their columns beside `channels`. A null is *unchanged*, unless a flag
(row, column, flag) says why there is no value. Numbers keep their stored type: a float has a point.
"""

from __future__ import annotations

import reprlib
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from telemetry import codec
from telemetry.names import CHANNEL, DEVICE, are_channels, is_name
from telemetry.sample import INT_MAX, Flag, Sample, Value, is_storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

VERSION = 1

MAX_BYTES = 256 * 1024
"""Largest payload: a broker cuts the connection of who sends more than it takes, every time."""

MAX_UNPACKED = 8 * 1024 * 1024
"""Largest document that a payload may inflate to."""

_NoneType = type(None)
_ALWAYS_STORABLE = frozenset({float, bool, _NoneType})
"""Types that need no look at their value: JSON has no NaN and no infinity."""

TIME_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999: times beyond it have no date."""


class Clock(StrEnum):
    """What the agent knew about its clock when it stamped these samples."""

    SYNCED = "synced"
    HELD = "held"
    """Stamped later, from the monotonic clock, when the system clock became true."""
    UNKNOWN = "unknown"


_CLOCKS = frozenset(Clock)


class MalformedEnvelope(ValueError):
    """The payload is not an envelope of this version; the message says what is wrong with it."""


class EnvelopeTooLarge(ValueError):
    """These samples need more than one envelope."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a store must know of a device; permanent for a series, whatever is re-configured."""

    id: str
    profile: str
    revision: int
    measurement: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """Samples of one agent, with the devices that they are of."""

    clock: Clock
    devices: tuple[Device, ...]
    samples: tuple[Sample, ...]


def pack(envelope: Envelope, *, deflate: bool = True) -> bytes:
    """The envelope's bytes.

    Raises:
        EnvelopeTooLarge: if they are more than `MAX_BYTES`.
        ValueError: if a value is not storable, or a sample's device is not in the table.
    """
    payload = as_json(envelope)
    if len(payload) > MAX_UNPACKED:
        raise EnvelopeTooLarge(f"{len(payload)} bytes before compression")
    if deflate:
        payload = zlib.compress(payload, 6)
    if len(payload) > MAX_BYTES:
        raise EnvelopeTooLarge(f"{len(payload)} bytes; {MAX_BYTES} is the limit")
    return payload


def as_json(envelope: Envelope) -> bytes:
    """The envelope as JSON, of any size: what `pack` deflates, and what is kept readable.

    Raises:
        ValueError: if a value is not storable, or a sample's device is not in the table.
    """
    by_device: dict[str, list[Sample]] = {device.id: [] for device in envelope.devices}
    for sample in envelope.samples:
        if sample.device not in by_device:
            raise ValueError(f"device {sample.device!r} is not in the envelope's table")
        by_device[sample.device].append(sample)
    return codec.encode(
        {
            "v": VERSION,
            "clock": envelope.clock.value,
            "devices": [_pack_device(device, by_device[device.id]) for device in envelope.devices],
        }
    )


def unpack(payload: bytes) -> Envelope:
    """The envelope in `payload`.

    Raises:
        MalformedEnvelope: if there is none, whatever the bytes are.
    """
    document = _mapping(_document(payload), "envelope")
    version = document.get("v")
    if version != VERSION or isinstance(version, bool):
        raise MalformedEnvelope(f"version {reprlib.repr(version)} is not {VERSION}")
    clock = document.get("clock")
    if not isinstance(clock, str) or clock not in _CLOCKS:
        raise MalformedEnvelope(f"clock {reprlib.repr(clock)}")
    devices: list[Device] = []
    samples: list[Sample] = []
    seen: set[str] = set()
    for entry in _items(document.get("devices"), "devices"):
        device = _unpack_device(_mapping(entry, "device"))
        if device.id in seen:
            raise MalformedEnvelope(f"device {device.id!r} stands twice")
        seen.add(device.id)
        devices.append(device)
        samples.extend(_unpack_samples(device.id, entry))
    return Envelope(Clock(clock), tuple(devices), tuple(samples))


def _pack_device(device: Device, samples: Sequence[Sample]) -> dict[str, object]:
    channels = _columns(samples)
    column = {name: index for index, name in enumerate(channels)}
    entry: dict[str, object] = {
        "id": device.id,
        "profile": device.profile,
        "rev": device.revision,
        "measurement": device.measurement,
        "channels": channels,
        "at": [sample.at for sample in samples],
        "rows": [_pack_row(sample, channels) for sample in samples],
    }
    flags = [
        [row, column[name], str(flag)]
        for row, sample in enumerate(samples)
        for name, flag in sample.flags.items()
    ]
    if flags:
        entry["flags"] = flags
    return entry


def _columns(samples: Iterable[Sample]) -> list[str]:
    """Every channel that a value or a flag names, in the order of first mention."""
    names: dict[str, None] = {}
    for sample in samples:
        names.update(dict.fromkeys(sample.values))
        names.update(dict.fromkeys(sample.flags))
    return list(names)


def _pack_row(sample: Sample, channels: Sequence[str]) -> list[Value | None]:
    for name, value in sample.values.items():
        flag = sample.flags.get(name)
        if not is_storable(value) or (flag and not flag.quality.keeps_value):
            raise ValueError(f"{sample.device} {name}: {value!r} ({flag}) is no value to store")
    values = sample.values
    return [values.get(name) for name in channels]


def _document(payload: bytes) -> object:
    raw = payload if payload[:1] == b"{" else _inflate(payload)
    try:
        return codec.decode(raw)
    except codec.NotJson as error:
        raise MalformedEnvelope(f"not JSON: {error}") from error


def _inflate(payload: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(payload, MAX_UNPACKED)
    except zlib.error as error:
        raise MalformedEnvelope(f"not deflated: {error}") from error
    if inflater.unconsumed_tail:
        raise MalformedEnvelope(f"inflates to more than {MAX_UNPACKED} bytes")
    if not inflater.eof or inflater.unused_data:
        raise MalformedEnvelope("cut short, or followed by other bytes")
    return raw


def _unpack_device(entry: dict[str, Any]) -> Device:
    revision = entry.get("rev")
    if type(revision) is not int or not 0 <= revision <= INT_MAX:
        raise MalformedEnvelope(f"revision {reprlib.repr(revision)}")
    return Device(
        id=_name(entry.get("id"), DEVICE, "device"),
        profile=_name(entry.get("profile"), DEVICE, "profile"),
        revision=revision,
        measurement=_name(entry.get("measurement"), CHANNEL, "measurement"),
    )


def _unpack_samples(device: str, entry: dict[str, Any]) -> Iterator[Sample]:
    channels = _unpack_channels(device, _items(entry.get("channels"), device))
    times, rows = _items(entry.get("at"), device), _items(entry.get("rows"), device)
    if len(times) != len(rows):
        raise MalformedEnvelope(f"{device}: {len(times)} times for {len(rows)} rows")
    flags = _unpack_flags(device, entry.get("flags", []), len(rows), channels)
    for index, (at, row) in enumerate(zip(times, rows, strict=True)):
        if type(at) is not int or not 0 <= at <= TIME_MAX:
            raise MalformedEnvelope(f"{device}: time {reprlib.repr(at)}")
        values = _unpack_row(device, channels, row)
        row_flags = flags.get(index, {})
        for name, flag in row_flags.items():
            if name in values and not flag.quality.keeps_value:
                raise MalformedEnvelope(f"{device}: {name} is {flag} and has a value")
        yield Sample(device, at, values, row_flags)


def _unpack_channels(device: str, entries: list[Any]) -> list[str]:
    if not set(map(type, entries)) <= {str}:
        raise MalformedEnvelope(f"{device}: a channel's name is no text")
    names = set(entries)
    if len(names) != len(entries):
        raise MalformedEnvelope(f"{device}: a channel stands twice")
    if not are_channels(names):
        wrong = min(name for name in names if not is_name(CHANNEL, name))
        raise MalformedEnvelope(f"{device}: {reprlib.repr(wrong)} is no channel name")
    return entries


def _unpack_row(device: str, channels: list[str], row: object) -> dict[str, Value]:
    if not isinstance(row, list) or len(row) != len(channels):
        raise MalformedEnvelope(f"{device}: a row does not fit {len(channels)} channels")
    kinds = set(map(type, row))
    if not kinds <= _ALWAYS_STORABLE:
        for name, value in zip(channels, row, strict=True):
            if value is not None and not is_storable(value):
                raise MalformedEnvelope(f"{device}: {name} has no storable value")
    if _NoneType not in kinds:
        return dict(zip(channels, row, strict=True))
    return {name: value for name, value in zip(channels, row, strict=True) if value is not None}


def _unpack_flags(
    device: str, entries: object, rows: int, channels: list[str]
) -> dict[int, dict[str, Flag]]:
    flags: dict[int, dict[str, Flag]] = {}
    for entry in _items(entries, device):
        match entry:
            case [int(row), int(column), str(text)] if 0 <= row < rows and 0 <= column < len(
                channels
            ):
                try:
                    flag = Flag.parse(text)
                except ValueError as error:
                    raise MalformedEnvelope(f"{device}: no flag {reprlib.repr(text)}") from error
                if flags.setdefault(row, {}).setdefault(channels[column], flag) is not flag:
                    raise MalformedEnvelope(f"{device}: two flags for one value")
            case _:
                raise MalformedEnvelope(f"{device}: flag {reprlib.repr(entry)}")
    return flags


def _mapping(document: object, what: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise MalformedEnvelope(f"the {what} is no object")
    return document


def _items(document: object, what: str) -> list[Any]:
    if not isinstance(document, list):
        raise MalformedEnvelope(f"{what}: a list is missing")
    return document


def _name(text: object, pattern: Any, what: str) -> str:  # noqa: ANN401 - re.Pattern[str]
    if not isinstance(text, str) or not is_name(pattern, text):
        raise MalformedEnvelope(f"{reprlib.repr(text)} is no {what} name")
    return text
