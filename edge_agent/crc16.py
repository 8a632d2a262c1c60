"""CRC-16s of serial protocols: those that take the lowest bit of each byte first."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Crc16:
    """One of them.

    Args:
        polynomial: its bits in reversed order.
        start: what the register holds before the first byte.
    """

    def __init__(self, polynomial: int, *, start: int) -> None:
        self._polynomial = polynomial
        self._start = start

    def __call__(self, data: Iterable[int]) -> int:
        """The checksum of these bytes."""
        table, crc = _table(self._polynomial), self._start
        for byte in data:
            crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
        return crc


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    return tuple(_of_byte(byte, polynomial) for byte in range(256))


def _of_byte(crc: int, polynomial: int) -> int:
    for _ in range(8):
        crc = (crc >> 1) ^ (polynomial if crc & 1 else 0)
    return crc


MODBUS = Crc16(0xA001, start=0xFFFF)
"""CRC-16/MODBUS (Modbus over Serial Line V1.02, §2.5.1.2 and appendix B)."""

ARC = Crc16(0xA001, start=0)
"""CRC-16/ARC."""

MCRF4XX = Crc16(0x8408, start=0xFFFF)
"""CRC-16/MCRF4XX; with all its bits inverted it is CRC-16/X-25 (RFC 1662, C.2)."""
