"""Bytes and the text that they write: names, bits, network addresses, and instants.

Whatever is no text of its type raises ValueError, both ways.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final

from device_profiles import clocks
from device_profiles.registers import Type

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_profiles.channel import RegisterChannel

_MAC_BYTES: Final = 6


def reader(channel: RegisterChannel) -> Callable[[bytes], str]:
    """What turns the channel's bytes into its text."""
    match channel.type:
        case Type.STR:
            pick = _half(channel)
            return lambda data: _until_nul(data[pick]).decode().rstrip()
        case Type.BITSTRING:
            return lambda data: "".join(f"{byte:08b}" for byte in data)
        case Type.IP4:
            return lambda data: str(IPv4Address(data))
        case Type.IP6:
            return lambda data: str(IPv6Address(data))
        case Type.EUI48:
            return lambda data: data.hex(":")
        case kind:
            return clocks.READERS[kind]


def bytes_of(channel: RegisterChannel, text: str) -> bytes:
    """The channel's bytes that say `text`."""
    match channel.type:
        case Type.STR:
            return in_halves(channel, text.encode())
        case Type.BITSTRING:
            return _bits(text, 2 * channel.width)
        case Type.IP4:
            return IPv4Address(text).packed
        case Type.IP6:
            return IPv6Address(text).packed
        case Type.EUI48:
            data = bytes.fromhex(text.replace(":", ""))
            if len(data) != _MAC_BYTES:
                raise ValueError(f"{len(data)} bytes are no MAC address")
            return data
        case kind:
            return clocks.WRITERS[kind](text)


def characters(channel: RegisterChannel) -> Callable[[bytes], bytes]:
    """What takes the characters out of the channel's bytes, up to the first NUL."""
    pick = _half(channel)
    return lambda data: _until_nul(data[pick])


def in_halves(channel: RegisterChannel, data: bytes) -> bytes:
    """The channel's bytes that hold these characters, padded with NUL."""
    placed = bytearray(2 * channel.width)
    room = len(placed[_half(channel)])
    if len(data) > room:
        raise ValueError(f"{len(data)} bytes; it holds {room}")
    placed[_half(channel)] = data.ljust(room, b"\0")
    return bytes(placed)


def _half(channel: RegisterChannel) -> slice:
    """Which of the bytes are characters."""
    match channel.layout:
        case "upper":
            return slice(0, None, 2)
        case "lower":
            return slice(1, None, 2)
        case _:
            return slice(None)


def _until_nul(data: bytes) -> bytes:
    """What follows the first NUL is whatever stood in the device's memory."""
    return data.partition(b"\0")[0]


def _bits(text: str, size: int) -> bytes:
    if len(text) != 8 * size:
        raise ValueError(f"{len(text)} bits; it holds {8 * size}")
    return int(text, 2).to_bytes(size, "big")
