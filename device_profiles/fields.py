"""What a protocol's field means: the same steps as from registers, from the raw value on.

raw ─sentinel?─► number ─scale─► value ─range?─► value | Flag | Doubted
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from device_profiles import scaling
from device_profiles.decode import Doubted
from device_profiles.meaning import FLAG_BITS
from telemetry.sample import (
    NOT_A_NUMBER,
    NOT_VALID,
    OUT_OF_RANGE,
    OVERFLOW,
    SENTINEL,
    UNKNOWN_CODE,
    Flag,
    Quality,
    Value,
    is_storable,
)

if TYPE_CHECKING:
    from device_profiles.channel import FieldChannel

Interpreter = Callable[[Value | Flag], Value | Flag | Doubted]


def interpreter(channel: FieldChannel) -> Interpreter:
    """What turns what the protocol says into the channel's value, or the flag that says why not.

    What is of another type than the channel's is not valid; a whole number is a float too.
    """
    mean = _meaning(channel)
    sentinels: dict[Value, Flag] = dict.fromkeys(channel.nan, SENTINEL)
    for raw, reason in channel.nan_reasons.items():
        sentinels[raw] = Flag(Quality.BAD, reason)

    def interpret(said: Value | Flag) -> Value | Flag | Doubted:
        if isinstance(said, Flag):
            return said
        raw = float(said) if channel.type == "float" and type(said) is int else said
        if type(raw).__name__ != channel.type:
            return NOT_VALID
        if isinstance(raw, float) and not math.isfinite(raw):
            return NOT_A_NUMBER
        return sentinels.get(raw) or mean(raw)

    return interpret


def _meaning(channel: FieldChannel) -> Callable[[Value], Value | Flag | Doubted]:
    if channel.enum:
        names = channel.enum
        return lambda raw: names.get(int(raw), UNKNOWN_CODE)
    if channel.flags:
        names = {bit: channel.flags.get(bit, f"bit{bit}") for bit in range(FLAG_BITS)}
        return lambda raw: ",".join(n for bit, n in names.items() if int(raw) >> bit & 1) or "none"
    if not channel.is_number:
        return lambda raw: raw if is_storable(raw) else NOT_VALID
    return _number(channel)


def _number(channel: FieldChannel) -> Callable[[Value], Value | Flag | Doubted]:
    scale = scaling.written(channel.scale, channel.offset) if channel.is_scaled else None
    low, high = channel.range or (-math.inf, math.inf)

    def mean(raw: Value) -> Value | Flag | Doubted:
        # a float's shortest decimal is the number that the device wrote
        value = raw if scale is None else scale(Fraction(repr(raw)))
        if isinstance(value, Flag | str):
            return value
        if not is_storable(value):
            return OVERFLOW
        return value if low <= value <= high else Doubted(value, OUT_OF_RANGE)

    return mean
