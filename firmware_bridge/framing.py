"""Frames on a serial line: COBS around a packet and its CRC-16, ended by a zero byte.

    frame = COBS( packet + CRC-16/XMODEM(packet), high byte first ) + 00

COBS leaves no zero inside a frame, so a zero is always an end: a reader that comes in the middle,
or that has lost bytes, is right again at the next zero. smpclient speaks the same frames
(`smpclient.transport.serial.framing.cobs`, 7.3), after Intercreate's MCUboot.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from enum import StrEnum

from cobs import cobs  # type: ignore[import-untyped] # it has no type hints

DELIMITER = b"\x00"

CRC_BYTES = 2

MAX_PACKET = 4093
"""Largest packet, in bytes: up to 32,751 bits this CRC finds every error of up to three bits.

Its polynomial is (x + 1) times a primitive one of degree 15: it repeats after 32,767 bits.
"""

MAX_ENCODED = MAX_PACKET + CRC_BYTES + -(-(MAX_PACKET + CRC_BYTES) // 254)
"""Most bytes between two zeros: COBS adds one in 254, rounded up (Cheshire and Baker, 1997)."""


class Damage(StrEnum):
    """What was wrong between two zeros."""

    ENCODING = "encoding"
    """Not COBS: bytes were lost, or these never were a frame."""
    CHECKSUM = "checksum"
    """Bytes came in altered, or these never were a frame."""
    TOO_SHORT = "too_short"
    """No room for a packet beside the checksum."""
    TOO_LONG = "too_long"
    """More bytes without a zero than the longest frame has; they were not kept."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes that are no frame; `size` is how many stood between the zeros."""

    damage: Damage
    size: int


class PacketSize(ValueError):
    """A packet is empty, or larger than `MAX_PACKET`."""


def frame(packet: bytes) -> bytes:
    """The bytes that carry `packet` on the line.

    Raises:
        PacketSize: if it is empty or larger than `MAX_PACKET`.
    """
    if not 0 < len(packet) <= MAX_PACKET:
        raise PacketSize(f"{len(packet)} bytes; a frame carries 1 to {MAX_PACKET}")
    return bytes(cobs.encode(packet + _checksum(packet))) + DELIMITER


class Deframer:
    """Finds the packets in a stream, however it is cut into chunks; keeps one frame at the most.

    Attributes:
        damaged: how many frames were damaged since the beginning.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self._pending = bytearray()
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes | Damaged]:
        """What ends within `chunk`, in order: packets whose checksum holds, and what is damaged."""
        found: list[bytes | Damaged] = []
        *ends, rest = chunk.split(DELIMITER)
        for piece in ends:
            self._keep(piece)
            if self._size:
                found.append(self._finish())
        self._keep(rest)
        return found

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= MAX_ENCODED:
            self._pending += piece
        else:
            self._pending.clear()

    def _finish(self) -> bytes | Damaged:
        size, encoded = self._size, bytes(self._pending)
        self._size = 0
        self._pending.clear()
        found = _open(encoded) if size <= MAX_ENCODED else Damage.TOO_LONG
        if isinstance(found, Damage):
            self.damaged += 1
            return Damaged(found, size)
        return found


def _open(encoded: bytes) -> bytes | Damage:
    try:
        decoded: bytes = cobs.decode(encoded)
    except cobs.DecodeError:
        return Damage.ENCODING
    packet, checksum = decoded[:-CRC_BYTES], decoded[-CRC_BYTES:]
    if not packet:
        return Damage.TOO_SHORT
    return packet if checksum == _checksum(packet) else Damage.CHECKSUM


def _checksum(packet: bytes) -> bytes:
    """CRC-16/XMODEM: polynomial 1021 (hex), from zero, nothing reflected."""
    return binascii.crc_hqx(packet, 0).to_bytes(CRC_BYTES, "big")
