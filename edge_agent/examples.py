"""A profile's examples, held against what decoding makes of their bytes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from device_profiles.model import ModbusProfile
from device_profiles.registers import Type
from edge_agent.bus.plan import Request, decode_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_profiles.evidence import RegisterExample
    from device_profiles.model import Profile, RegisterChannel
    from telemetry.sample import Value

TOLERANCE = {Type.F16: 1e-3, Type.F32: 1e-6}
"""How far (relative) a value may be off what these types hold, so that 230.1 may be written."""


def mismatches(profile: Profile) -> list[str]:
    """What the examples say and the channels do not, ready to be shown; empty if all is well."""
    if not isinstance(profile, ModbusProfile):
        return []
    return [
        f"examples[{index}] ({example.source}): {problem}"
        for index, example in enumerate(profile.examples)
        for problem in _differences(profile, example)
    ]


def _differences(profile: ModbusProfile, example: RegisterExample) -> Iterator[str]:
    named = {*example.values, *example.flags}
    channels = tuple(channel for channel in profile.channels if channel.id in named)
    request = Request(
        example.table,
        example.address,
        len(example.words),
        channels,
        beside=tuple(_beside(profile, example, named)),
    )
    values, flags = decode_reply(request, example.words)
    for channel in channels:
        expected, value = example.values.get(channel.id), values.get(channel.id)
        if not _is_same(channel, expected, value):
            yield f"channel {channel.id!r} should be {expected!r}, and is {value!r}"
        flag = str(flags.get(channel.id, ""))
        if flag != example.flags.get(channel.id, ""):
            wanted = example.flags.get(channel.id, "good")
            yield f"channel {channel.id!r} should be {wanted}, and is {flag or 'good'}"


def _beside(
    profile: ModbusProfile, example: RegisterExample, named: set[str]
) -> Iterator[RegisterChannel]:
    """What else is within the bytes: a scale factor, a condition."""
    for channel in profile.channels:
        inside = example.address <= channel.address and channel.end <= example.end
        if channel.table is example.table and inside and channel.id not in named:
            yield channel


def _is_same(channel: RegisterChannel, expected: Value | None, value: Value | None) -> bool:
    if isinstance(expected, float | int) and isinstance(value, float) and not channel.is_scaled:
        return math.isclose(expected, value, rel_tol=TOLERANCE.get(channel.type, 0.0))
    return expected == value and isinstance(expected, bool) == isinstance(value, bool)
