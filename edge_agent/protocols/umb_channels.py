"""What a UMB device says of its channels: a status, the channel, a type, the value.

23: ⟨status⟩ ⟨channel⟩ ⟨type⟩ ⟨value⟩
2F: ⟨status⟩ ⟨count⟩, then for each ⟨length⟩ ⟨status⟩ ⟨channel⟩ ⟨type⟩ ⟨value⟩
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from edge_agent.protocols.floats import little_endian
from telemetry.sample import BAD_REPLY, DEVICE_ERROR, ILLEGAL_ADDRESS, OVERFLOW, Flag, Quality

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from telemetry.sample import Value

CHANNELS = range(0x10000)

STATUS = {
    0x24: ILLEGAL_ADDRESS,
    0x28: Flag(Quality.BAD, "not_ready"),
    0x50: OVERFLOW,
    0x51: Flag(Quality.BAD, "underflow"),
    0x52: Flag(Quality.BAD, "over_range"),
    0x53: Flag(Quality.BAD, "under_range"),
    0x54: Flag(Quality.BAD, "data_error"),
    0x55: Flag(Quality.BAD, "not_measurable"),
}
"""What a status says of one channel (WS500-UMB manual, §18.3.5; MARWIS manual, §20.3.8)."""

_INTEGERS = {0x10: "<B", 0x11: "<b", 0x12: "<H", 0x13: "<h", 0x14: "<I", 0x15: "<i"}
_FLOATS = {0x16: 4, 0x17: 8}
_CHANNEL_AT, _TYPE_AT, _VALUE_AT = 1, 3, 4


def reading(payload: bytes) -> Mapping[int, Value | Flag]:
    """The one channel of an answer to command 23, or of a part of one to 2F."""
    if len(payload) < _TYPE_AT:
        return {}
    channel = int.from_bytes(payload[_CHANNEL_AT:_TYPE_AT], "little")
    if payload[0]:
        return {channel: STATUS.get(payload[0], DEVICE_ERROR)}
    return {channel: _value(payload[_TYPE_AT:_VALUE_AT], payload[_VALUE_AT:])}


def readings(payload: bytes) -> Mapping[int, Value | Flag]:
    """The channels of an answer to command 2F."""
    return {channel: value for part in _parts(payload) for channel, value in reading(part).items()}


def _parts(payload: bytes) -> Iterator[bytes]:
    count = payload[1] if len(payload) > 1 else 0
    at = 2
    for _ in range(count):
        end = at + 1 + (payload[at] if at < len(payload) else len(payload))
        if end > len(payload):
            return
        yield payload[at + 1 : end]
        at = end


def _value(kind: bytes, data: bytes) -> Value | Flag:
    code = kind[0] if kind else 0
    if _FLOATS.get(code) == len(data):
        return little_endian(data)
    form = _INTEGERS.get(code)
    if form is None or struct.calcsize(form) != len(data):
        return BAD_REPLY
    value: int = struct.unpack(form, data)[0]
    return value
