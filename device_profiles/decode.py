"""Registers to values: each channel's decoder is put together once, and called for every reply.

    words ─take─► raw (unsigned) ─sentinel?─► number ─scale─► value ─range?─► value | Flag | Doubted
    words ─take─► bytes ────────────────────► text

`octets` takes, `numerals` reads numbers, `scaling` scales them, `texts` and `clocks` read texts.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from device_profiles import numerals, scaling, texts
from device_profiles.octets import Words, field, octets, unsigned
from device_profiles.registers import Type
from telemetry.sample import (
    NOT_VALID,
    OUT_OF_RANGE,
    SENTINEL,
    UNKNOWN_CODE,
    Flag,
    Quality,
    Value,
)

if TYPE_CHECKING:
    from device_profiles.channel import RegisterChannel
    from device_profiles.numerals import Number
    from device_profiles.scaling import Scaler


class Doubted(NamedTuple):
    """A value that is kept, and the reason to doubt it."""

    value: Value
    flag: Flag


Decoder = Callable[[Words], Value | Flag | Doubted]

Raw = TypeVar("Raw", int | float, Fraction)
_Finisher = Callable[["Number"], Value | Flag | Doubted]


def decoder(channel: RegisterChannel) -> Decoder:
    """What turns the channel's registers into its value, or into the flag that says why not.

    Of a channel with `sf` it takes the channel's own registers, then that one register.
    """
    if channel.type is Type.BOOL:
        take = _taker(channel)
        return lambda words: take(words) == 1
    if channel.type.is_text:
        return _text(channel)
    if channel.sf is not None:
        return _scaled_by_exponent(channel)
    if channel.type is Type.DEC:
        return _written(channel)
    return _number(channel, _scaler(channel))


def _text(channel: RegisterChannel) -> Decoder:
    take, read = octets(channel), texts.reader(channel)

    def decode(words: Words) -> Value | Flag | Doubted:
        try:
            return read(take(words))
        except ValueError:
            return NOT_VALID

    return decode


def _written(channel: RegisterChannel) -> Decoder:
    take, pick = octets(channel), texts.characters(channel)
    finish = _ranged(channel, scaling.written(channel.scale, channel.offset))

    def decode(words: Words) -> Value | Flag | Doubted:
        number = numerals.written(pick(take(words)))
        return number if isinstance(number, Flag) else finish(number)

    return decode


def _scaled_by_exponent(channel: RegisterChannel) -> Decoder:
    """One decoder for each exponent that there can be, found by the register as it comes."""
    decoders = {
        exponent & 0xFFFF: _number(channel, _power(channel, exponent))
        for exponent in numerals.EXPONENTS
    }

    def decode(words: Words) -> Value | Flag | Doubted:
        decode_own = decoders.get(words[-1])
        return SENTINEL if decode_own is None else decode_own(words[:-1])

    return decode


def _number(channel: RegisterChannel, scale: Scaler) -> Decoder:
    take, read = _taker(channel), numerals.reader(channel.type)
    finish, sentinels = _finisher(channel, scale), _sentinels(channel)
    if not sentinels and read is None:
        return lambda words: finish(take(words))

    def decode(words: Words) -> Value | Flag | Doubted:
        raw = take(words)
        if raw in sentinels:
            return sentinels[raw]
        number = raw if read is None else read(raw)
        return number if isinstance(number, Flag) else finish(number)

    return decode


def _taker(channel: RegisterChannel) -> Callable[[Words], int]:
    """Words to the unsigned number in them, most significant byte first, and cut out."""
    take = unsigned(channel)
    lowest, count = field(channel)
    if channel.table.is_bits or (lowest, count) == (0, 16 * channel.width):
        return take
    mask = (1 << count) - 1
    return lambda words: take(words) >> lowest & mask


def _sentinels(channel: RegisterChannel) -> dict[int, Flag]:
    reasons = {raw: Flag(Quality.BAD, reason) for raw, reason in channel.nan_reasons.items()}
    return dict.fromkeys(channel.nan, SENTINEL) | reasons


def _finisher(channel: RegisterChannel, scale: Scaler) -> _Finisher:
    if channel.enum:
        names = channel.enum
        return lambda number: names.get(number, UNKNOWN_CODE)  # type: ignore[arg-type]  # whole
    if channel.flags:
        return _flags(channel)
    return _ranged(channel, scale)


def _ranged(
    channel: RegisterChannel, scale: Callable[[Raw], float | int | Flag]
) -> Callable[[Raw], Value | Flag | Doubted]:
    if channel.range is None:
        return scale
    low, high = channel.range

    def finish(number: Raw) -> Value | Flag | Doubted:
        value = scale(number)
        if isinstance(value, Flag) or low <= value <= high:
            return value
        return Doubted(value, OUT_OF_RANGE)

    return finish


def _flags(channel: RegisterChannel) -> _Finisher:
    """The names of the bits that are set, from the lowest; a bit without a name is not hidden."""
    bits = [(1 << n, channel.flags.get(n, f"bit{n}")) for n in range(channel.field_bits)]

    def finish(number: Number) -> str:
        return ",".join(name for bit, name in bits if int(number) & bit) or "none"

    return finish


def _scaler(channel: RegisterChannel) -> Scaler:
    if channel.is_scaled:
        return scaling.scaled(channel.type, channel.scale, channel.offset)
    return scaling.unscaled(channel.type)


def _power(channel: RegisterChannel, exponent: int) -> Scaler:
    return scaling.scaled(channel.type, Decimal(1).scaleb(exponent), Decimal(0))
