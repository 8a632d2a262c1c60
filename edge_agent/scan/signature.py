"""What tells a device model from others: its nameplate, a known register, values that fit.

A value that fits is worth as many bits as it is unlikely for other registers to fit: one of 1001
codes out of 65536 is worth 6. Zeros are worth nothing, and small codes little: every device has
them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.registers import ADDRESS_MAX
from edge_agent.bus.cost import Cost
from edge_agent.bus.plan import plan
from edge_agent.bus.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from device_profiles.channel import RegisterChannel
    from device_profiles.identify import KnownRegister, Nameplate
    from device_profiles.model import ModbusProfile
    from edge_agent.scan.sunspec import Model

MOST_BITS = 8.0
"""What one value is worth at the most: the high half of a wide number is zero in any device."""

CODE_BITS = 3.0
"""What a named code is worth at the most: 1 and 2 stand in the registers of any device."""

EXPONENTS = {16: 5, 32: 8, 64: 11}
"""Bits of the exponent of an IEEE 754 number, by its size."""

SMALLEST = 1e-3
"""Below it, a float other than 0 is hardly a measured value."""

LARGEST = 1e9
"""Above it likewise, where a channel has no range."""

MOST_CHANNELS = 12
"""How many channels are enough to tell a model, where its profile does not say which."""


PARTING = Cost(char_seconds=1e-3, overhead_seconds=0.0)
"""A price at which no gap is bridged: one that the device refuses would speak against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One model; all that is there must hold.

    Attributes:
        offset: where the registers of this device begin.
        register: the read that brings the known register.
        reads: those that bring the channels of the probe.
    """

    profile: ModbusProfile
    offset: int
    nameplate: Nameplate | None
    known: KnownRegister | None
    register: Request | None
    reads: tuple[Request, ...]


def signature(profile: ModbusProfile, offset: int = 0) -> Signature:
    """How its profile says that a model is recognised; else by the channels that tell most."""
    there = profile.moved(offset) if offset else profile
    identify, known = there.identify, there.known_register
    if identify is None:
        probe = _telling(there.channels)
    else:
        probe = tuple(channel for channel in there.channels if channel.id in identify.probe)
    return Signature(
        profile=profile,
        offset=offset,
        nameplate=None if identify is None else identify.fc43,
        known=known,
        register=None if known is None else Request.of([known.channel]),
        reads=plan(probe, profile.limits, PARTING),
    )


def in_chain(profile: ModbusProfile, models: Iterable[Model]) -> Iterator[Signature]:
    """The same for each place that it has among a device's SunSpec models."""
    for model in models:
        is_it = profile.addressing is not None and model.id == profile.addressing.sunspec
        if is_it and model.offset + profile.end <= ADDRESS_MAX + 1:
            yield signature(profile, model.offset)


def _telling(channels: Sequence[RegisterChannel]) -> tuple[RegisterChannel, ...]:
    """The channels whose value tells most; the first one if no value tells anything."""
    harmless = [c for c in channels if c.access.is_read and not c.resets and c.sf is None]
    by_worth = sorted(harmless, key=worth, reverse=True)
    return tuple(c for c in by_worth[:MOST_CHANNELS] if worth(c)) or tuple(harmless[:1])


def worth(channel: RegisterChannel) -> float:
    """How many bits it says for a model that a value of this channel is credible."""
    if channel.type.is_text or not channel.field_bits:
        return 0.0
    most = CODE_BITS if is_coded(channel) else MOST_BITS
    return max(0.0, min(most, channel.field_bits - math.log2(_fitting(channel))))


def is_coded(channel: RegisterChannel) -> bool:
    """Whether its values are codes rather than measured."""
    return bool(channel.enum or channel.flags)


def _fitting(channel: RegisterChannel) -> float:
    """How many raw codes decode to a credible value."""
    size = channel.field_bits
    if channel.enum:
        return len(channel.enum)
    if channel.flags:
        return 1 << len(channel.flags)
    if channel.type.is_float and size in EXPONENTS:
        return _fitting_floats(channel, size)
    if channel.range is None:
        return 2.0**size
    low, high = channel.range
    return min(2.0**size, abs((high - low) / float(channel.scale)) + 1)


def _fitting_floats(channel: RegisterChannel, size: int) -> float:
    low, high = (-LARGEST, LARGEST) if channel.range is None else channel.range
    largest = max(abs(low), abs(high)) / abs(float(channel.scale))
    exponents = math.log2(max(largest, 2 * SMALLEST)) - math.log2(SMALLEST)
    signs = 2 if low < 0 else 1
    codes = 2.0 ** (size - 1 - EXPONENTS[size])
    return signs * exponents * codes
