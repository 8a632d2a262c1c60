"""Registers to values: each channel's decoder is put together once, and called for every reply.

    words ─take─► raw (unsigned) ─sentinel?─► number ─scale─► value ─range?─► value | Flag | Doubted

Scaling is exact: `raw * scale + offset` is one fraction of whole numbers, divided once, and Python
rounds that division correctly. So 2301 at scale 0.1 is the float that 230.1 is, for any raw value.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from device_profiles.registers import Type, natural_order
from telemetry.sample import (
    INT_MAX,
    INT_MIN,
    NOT_A_NUMBER,
    NOT_VALID,
    OUT_OF_RANGE,
    OVERFLOW,
    SENTINEL,
    UNKNOWN_CODE,
    Flag,
    Quality,
    Value,
)

if TYPE_CHECKING:
    from device_profiles.model import Channel


class Doubted(NamedTuple):
    """A value that is kept, and the reason to doubt it."""

    value: Value
    flag: Flag


Words = Sequence[int]
"""A channel's own registers (0 to 65535 each), or its one bit."""

Decoder = Callable[[Words], Value | Flag | Doubted]

_Number = int | float
_FLOATS = {2: struct.Struct(">e"), 4: struct.Struct(">f"), 8: struct.Struct(">d")}
_DIGITS = {2: (3, 4, 5), 4: (6, 7, 8, 9), 8: ()}
"""How many decimal digits may be needed to tell one number of that many bytes from the next."""


def decoder(channel: Channel) -> Decoder:
    """What turns the channel's registers into its value, or into the flag that says why not."""
    if channel.type is Type.STR:
        return _text(channel)
    take = _taker(channel)
    if channel.type is Type.BOOL:
        return lambda words: take(words) == 1
    read = _reader(channel)
    finish = _finisher(channel)
    sentinels = _sentinels(channel)
    if not sentinels and read is None:
        return lambda words: finish(take(words))

    def decode(words: Words) -> Value | Flag | Doubted:
        raw = take(words)
        if raw in sentinels:
            return sentinels[raw]
        number = raw if read is None else read(raw)
        return number if isinstance(number, Flag) else finish(number)

    return decode


def _text(channel: Channel) -> Decoder:
    fields = struct.Struct(f"{'<' if channel.order == 'BA' else '>'}{channel.width}H")

    def decode(words: Words) -> Value | Flag | Doubted:
        try:
            # what follows the first NUL is whatever stood in the device's memory
            return fields.pack(*words).partition(b"\0")[0].decode().rstrip()
        except UnicodeDecodeError:
            return NOT_VALID

    return decode


def _taker(channel: Channel) -> Callable[[Words], int]:
    """Words to the unsigned number in them, most significant byte first, and cut out."""
    take = _whole(channel)
    match channel.type:
        case Type.BOOL if channel.bit is not None:
            lowest, count = channel.bit, 1
        case Type.U8H:
            lowest, count = 8, 8
        case Type.U8L:
            lowest, count = 0, 8
        case _ if channel.bits is not None:
            lowest, count = 0, 0
        case _:
            return take
    if channel.bits is not None:
        lowest, count = lowest + channel.bits[0], channel.bits[1]
    mask = (1 << count) - 1
    return lambda words: take(words) >> lowest & mask


def _whole(channel: Channel) -> Callable[[Words], int]:
    natural = natural_order(channel.type)
    if channel.order in ("", natural) and channel.width == 1:
        return itemgetter(0)
    if channel.order in ("", natural) and channel.width == 2:  # noqa: PLR2004 - most are
        return lambda words: words[0] << 16 | words[1]
    order = channel.order or natural
    pack = struct.Struct(f">{channel.width}H").pack
    arrange = itemgetter(*(order.index(letter) for letter in natural))
    return lambda words: int.from_bytes(bytes(arrange(pack(*words))), "big")


def _sentinels(channel: Channel) -> dict[int, Flag]:
    reasons = {raw: Flag(Quality.BAD, reason) for raw, reason in channel.nan_reasons.items()}
    return dict.fromkeys(channel.nan, SENTINEL) | reasons


def _reader(channel: Channel) -> Callable[[int], _Number | Flag] | None:
    """The unsigned number as what its type says; None where they are the same."""
    kind = channel.type
    bits = kind.number_bits
    if kind.is_float:
        return _float_reader(bits // 8)
    if kind in (Type.BCD16, Type.BCD32):
        return _decimal_digits
    if kind in (Type.I16, Type.I32, Type.I64):
        sign, modulus = 1 << (bits - 1), 1 << bits
        return lambda raw: raw - modulus if raw >= sign else raw
    return None


def _float_reader(size: int) -> Callable[[int], _Number | Flag]:
    unpack = _FLOATS[size].unpack

    def read(raw: int) -> _Number | Flag:
        binary = raw.to_bytes(size, "big")
        number: float = unpack(binary)[0]
        return _shortest(number, binary) if math.isfinite(number) else NOT_A_NUMBER

    return read


def _shortest(number: float, binary: bytes) -> float:
    """The decimal that the device means: 230.1, where its 32 bits are 230.10000610351562.

    It is the shortest one that the same bytes stand for, so nothing is lost; 6 digits always
    survive in 32 bits, and 9 always tell them apart (3 and 5 in 16). A whole number is what it
    is: a counter's last digits are not rounded away.
    """
    if number.is_integer():
        return number
    pack = _FLOATS[len(binary)].pack
    for digits in _DIGITS[len(binary)]:
        decimal = float(f"{number:.{digits}g}")
        try:
            if pack(decimal) == binary:
                return decimal
        except OverflowError:  # rounded up beyond the largest
            continue
    return number


def _decimal_digits(raw: int) -> _Number | Flag:
    try:
        return int(f"{raw:x}")
    except ValueError:
        return NOT_VALID


def _finisher(channel: Channel) -> Callable[[_Number], Value | Flag | Doubted]:
    if channel.enum:
        texts = channel.enum
        return lambda number: texts.get(number, UNKNOWN_CODE)  # type: ignore[arg-type]
    scale = _scaler(channel)
    if channel.range is None:
        return scale
    low, high = channel.range

    def finish(number: _Number) -> Value | Flag | Doubted:
        value = scale(number)
        if isinstance(value, Flag) or low <= value <= high:
            return value
        return Doubted(value, OUT_OF_RANGE)

    return finish


def _scaler(channel: Channel) -> Callable[[_Number], _Number | Flag]:
    if channel.is_scaled:
        return _fraction(channel)
    if channel.type is Type.U64:
        return lambda number: number if INT_MIN <= number <= INT_MAX else OVERFLOW
    return lambda number: number


def _fraction(channel: Channel) -> Callable[[_Number], _Number | Flag]:
    """`raw * scale + offset` as `(raw * times + plus) / by`, all three whole numbers."""
    scale, offset = Fraction(channel.scale), Fraction(channel.offset)
    by = math.lcm(scale.denominator, offset.denominator)
    times, plus = int(scale * by), int(offset * by)
    if channel.type.is_float:
        return _float_fraction(float(times), float(plus), float(by))
    if times == 1 and plus == 0:
        return lambda number: number / by
    return lambda number: (number * times + plus) / by


def _float_fraction(times: float, plus: float, by: float) -> Callable[[_Number], _Number | Flag]:
    def scale(number: _Number) -> _Number | Flag:
        value = (number * times + plus) / by
        return value if math.isfinite(value) else OVERFLOW

    return scale
