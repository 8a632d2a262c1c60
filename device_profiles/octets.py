"""Which bytes and bits of its registers are a value: taken out when read, placed when said.

An order has one letter for each byte as it comes over the wire, `A` the most significant of the
value, `-` one that is not part of it. So any order that a device can have is a permutation.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from device_profiles.registers import UNUSED, Type, natural_order

if TYPE_CHECKING:
    from device_profiles.channel import RegisterChannel

Words = Sequence[int]
"""A channel's own registers (0 to 65535 each), or its one bit."""


def octets(channel: RegisterChannel) -> Callable[[Words], bytes]:
    """What takes the value's bytes, most significant first, out of the channel's registers."""
    if channel.type.has_length:
        pack_all = _characters(channel).pack
        return lambda words: pack_all(*words)
    order = order_of(channel)
    pack = struct.Struct(f">{channel.width}H").pack
    pick = itemgetter(*(order.index(letter) for letter in _letters(order)))
    return lambda words: bytes(pick(pack(*words)))


def unsigned(channel: RegisterChannel) -> Callable[[Words], int]:
    """What takes the value out of the channel's registers as one unsigned number."""
    match _places(order_of(channel)):
        case [place]:
            return itemgetter(place)
        case [high, low]:
            return lambda words: words[high] << 16 | words[low]
        case [high, second, third, low]:
            return lambda words: (
                words[high] << 48 | words[second] << 32 | words[third] << 16 | words[low]
            )
        case _:
            take = octets(channel)
            return lambda words: int.from_bytes(take(words), "big")


def registers(channel: RegisterChannel, data: bytes) -> list[int]:
    """The registers that hold these bytes, most significant first; unused bytes are 0."""
    if channel.type.has_length:
        return list(_characters(channel).unpack(data))
    order = order_of(channel)
    byte_of = dict(zip(_letters(order), data, strict=True))
    placed = bytes(byte_of.get(letter, 0) for letter in order)
    return list(struct.unpack(f">{channel.width}H", placed))


def field(channel: RegisterChannel) -> tuple[int, int]:
    """The lowest bit of the channel's field in its registers, and how many bits it has."""
    if channel.type is Type.BOOL:
        return channel.bit or 0, 1
    lowest = 8 if channel.type in (Type.U8H, Type.I8H) else 0
    if channel.bits is not None:
        return lowest + channel.bits[0], channel.bits[1]
    return lowest, channel.type.number_bits


def order_of(channel: RegisterChannel) -> str:
    """The channel's order, or the natural one of its type."""
    return channel.order or natural_order(channel.type)


def _letters(order: str) -> list[str]:
    return sorted(set(order) - {UNUSED})


def _places(order: str) -> list[int]:
    """The registers, most significant first, where their bytes are in natural order; else none."""
    pairs = [order[start : start + 2] for start in range(0, len(order), 2)]
    whole = ["AB", "CD", "EF", "GH", "IJ", "KL", "MN", "OP"][: len(pairs)]
    return [pairs.index(pair) for pair in whole] if sorted(pairs) == whole else []


def _characters(channel: RegisterChannel) -> struct.Struct:
    return struct.Struct(f"{'<' if order_of(channel) == 'BA' else '>'}{channel.width}H")
