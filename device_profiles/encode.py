"""Values to registers and fields: the inverse of decoding, for simulators and tests."""

from __future__ import annotations

import struct
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from device_profiles import numerals, texts
from device_profiles.meaning import FLAG_BITS, NO_FLAG
from device_profiles.octets import field, registers
from device_profiles.registers import Type

if TYPE_CHECKING:
    from device_profiles.channel import FieldChannel, RegisterChannel
    from device_profiles.meaning import Channel
    from telemetry.sample import Value


class NotEncodable(ValueError):
    """The channel cannot say this value."""


def encode(channel: RegisterChannel, value: Value, *, exponent: int = 0) -> list[int]:
    """The channel's registers (or bit) saying `value`; bits that are not the channel's are 0.

    Args:
        channel: what says it.
        value: what is said.
        exponent: what the `sf` register of a channel with `sf` says; that is not encoded.

    Raises:
        NotEncodable: if the value is of another type, or too large.
    """
    try:
        if channel.table.is_bits:
            return [int(bool(value))]
        return registers(channel, _bytes(channel, value, exponent))
    except (ValueError, ArithmeticError, struct.error) as error:
        raise NotEncodable(f"channel {channel.id!r} cannot say {value!r}: {error}") from error


def encode_field(channel: FieldChannel, value: Value) -> Value:
    """What the protocol has to say for the channel to be `value`.

    Raises:
        NotEncodable: if the value is of another type.
    """
    try:
        return _field(channel, value)
    except (ValueError, ArithmeticError) as error:
        raise NotEncodable(f"channel {channel.id!r} cannot say {value!r}: {error}") from error


def _bytes(channel: RegisterChannel, value: Value, exponent: int) -> bytes:
    """The value's bytes, most significant first."""
    if channel.type.is_text:
        return texts.bytes_of(channel, str(value))
    number = _number(channel, value, exponent)
    if channel.type is Type.DEC:
        return texts.in_halves(channel, f"{number.normalize():f}".encode())
    lowest, bits = field(channel)
    raw = numerals.raw_of(channel.type, number, bits)
    return (raw << lowest).to_bytes(channel.type.size, "big")


def _number(channel: RegisterChannel, value: Value, exponent: int) -> Decimal:
    """The number that the type has to write."""
    if channel.enum:
        return Decimal(_code(channel, value))
    if channel.flags:
        return Decimal(_bits_named(channel, str(value), channel.field_bits))
    if isinstance(value, str):
        raise ValueError("text is no number")  # noqa: TRY004 - becomes NotEncodable
    said = Decimal(str(float(value) if channel.type.is_float else +value))
    if channel.sf is not None:
        return said.scaleb(-exponent)
    return (said - channel.offset) / channel.scale


def _field(channel: FieldChannel, value: Value) -> Value:
    if channel.enum:
        return _code(channel, value)
    if channel.flags:
        return _bits_named(channel, str(value), FLAG_BITS)
    if channel.type == "str":
        return str(value)
    if isinstance(value, str):
        raise ValueError(f"text is no {channel.type}")  # noqa: TRY004 - becomes NotEncodable
    if channel.type == "bool":
        return bool(value)
    # a float's shortest decimal is what is meant, as it is when it is read
    number = (Fraction(repr(+value)) - Fraction(channel.offset)) / Fraction(channel.scale)
    return float(number) if channel.type == "float" else round(number)


def _code(channel: Channel, value: Value) -> int:
    codes = {text: code for code, text in channel.enum.items()}
    if value not in codes:
        raise ValueError(f"known are {', '.join(codes)}")
    return codes[str(value)]


def _bits_named(channel: Channel, text: str, count: int) -> int:
    bits = {channel.flags.get(n, f"bit{n}"): 1 << n for n in range(count)}
    names = [] if text == NO_FLAG else text.split(",")
    unknown = ", ".join(name for name in names if name not in bits)
    if unknown:
        raise ValueError(f"it has no flag {unknown}")
    return sum(bits[name] for name in set(names))
