"""Values to registers: the inverse of decoding, for simulators and tests."""

from __future__ import annotations

import struct
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from device_profiles.registers import Type, natural_order

if TYPE_CHECKING:
    from device_profiles.model import Channel
    from telemetry.sample import Value

_FLOATS = {16: ">e", 32: ">f", 64: ">d"}


class NotEncodable(ValueError):
    """The channel cannot say this value."""


def encode(channel: Channel, value: Value) -> list[int]:
    """The channel's registers (or bit) saying `value`; bits that are not the channel's are 0.

    Raises:
        NotEncodable: if the value is of another type, or too large.
    """
    try:
        if channel.type is Type.STR:
            return _text_words(channel, str(value))
        return _words(channel, _raw(channel, value))
    except (ValueError, ArithmeticError, struct.error) as error:
        raise NotEncodable(f"channel {channel.id!r} cannot say {value!r}: {error}") from error


def _text_words(channel: Channel, text: str) -> list[int]:
    data = text.encode()
    if len(data) > 2 * channel.width:
        raise ValueError(f"{len(data)} bytes; it holds {2 * channel.width}")
    data = data.ljust(2 * channel.width, b"\0")
    order = "<" if channel.order == "BA" else ">"
    return list(struct.unpack(f"{order}{channel.width}H", data))


def _words(channel: Channel, raw: int) -> list[int]:
    if channel.table.is_bits:
        return [raw]
    natural = natural_order(channel.type)
    order = channel.order or natural
    data = (raw << _field(channel)[0]).to_bytes(len(natural), "big")
    placed = bytes(data[natural.index(letter)] for letter in order)
    return list(struct.unpack(f">{channel.width}H", placed))


def _field(channel: Channel) -> tuple[int, int]:
    """The lowest bit of the channel's field in its registers, and how many bits it has."""
    if channel.type is Type.BOOL:
        return channel.bit or 0, 1
    lowest = 8 if channel.type is Type.U8H else 0
    if channel.bits is not None:
        return lowest + channel.bits[0], channel.bits[1]
    return lowest, channel.type.number_bits


def _raw(channel: Channel, value: Value) -> int:
    """The unsigned number in the channel's field."""
    number = _number(channel, value)
    bits = _field(channel)[1]
    if channel.type.is_float:
        return int.from_bytes(struct.pack(_FLOATS[bits], number), "big")
    whole = int(number.to_integral_value(ROUND_HALF_EVEN))
    if channel.type in (Type.BCD16, Type.BCD32):
        whole = int(str(whole), 16)
    least = -(1 << (bits - 1)) if channel.type in (Type.I16, Type.I32, Type.I64) else 0
    if not least <= whole < least + (1 << bits):
        raise ValueError(f"raw {whole} does not fit into {bits} bits")
    return whole & ((1 << bits) - 1)


def _number(channel: Channel, value: Value) -> Decimal:
    if channel.enum:
        codes = {text: code for code, text in channel.enum.items()}
        if value not in codes:
            raise ValueError(f"known are {', '.join(codes)}")
        return Decimal(codes[str(value)])
    if isinstance(value, str):
        raise ValueError("text is no number")  # noqa: TRY004 - becomes NotEncodable
    return (Decimal(str(float(value) if channel.type.is_float else +value)) - channel.offset) / (
        channel.scale
    )
