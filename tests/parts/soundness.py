"""Whether some bytes, whole, are one good frame of a protocol: by other code than ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crccheck.checksum import ChecksumXor8  # type: ignore[import-untyped] # no type hints
from crccheck.crc import (  # type: ignore[import-untyped] # it has no type hints
    Crc16Mcrf4XX,
    CrcArc,
    CrcX25,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def plantower(part: bytes) -> bool:
    return part[:2] == b"BM" and sum(part[:-2]).to_bytes(2) == part[-2:]


def sds011(part: bytes) -> bool:
    return len(part) == 10 and sum(part[2:8]) % 256 == part[8] and part[9] == 0xAB


def mhz19(part: bytes) -> bool:
    return len(part) == 9 and part[0] == 0xFF and sum(part[1:]) % 256 == 0


def a02(part: bytes) -> bool:
    return len(part) == 4 and sum(part[:3]) % 256 == part[3]


def sps30(part: bytes) -> bool:
    plain = part.strip(b"\x7e").replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x31", b"\x11")
    plain = plain.replace(b"\x7d\x33", b"\x13").replace(b"\x7d\x5d", b"\x7d")
    return sum(plain) % 256 == 255


def dlt645(part: bytes) -> bool:
    return part[0] == 0x68 and part[-1] == 0x16 and sum(part[:-2]) % 256 == part[-2]


def mbus(part: bytes) -> bool:
    return part[0] == 0x68 and part[-1] == 0x16 and sum(part[4:-2]) % 256 == part[-2]


def iec62056(part: bytes) -> bool:
    if part[0] == 0x02:
        return part[-2] == 0x03 and bool(ChecksumXor8.calc(part[1:-1]) == part[-1])
    text, mark, crc = part.rpartition(b"!")
    return bool(f"{CrcArc.calc(text + mark):04X}" == crc.decode("latin-1").upper()[:4])


def umb(part: bytes) -> bool:
    return bool(Crc16Mcrf4XX.calc(part[:-3]).to_bytes(2, "little") == part[-3:-1])


def ab3418(part: bytes) -> bool:
    plain = part.strip(b"\x7e").replace(b"\x7d\x5e", b"\x7e").replace(b"\x7d\x5d", b"\x7d")
    return bool(CrcX25.calc(plain[:-2]).to_bytes(2, "little") == plain[-2:])


SOUND: dict[str, Callable[[bytes], bool]] = {
    "a02": a02,
    "ab3418": ab3418,
    "dlt645": dlt645,
    "iec62056-21": iec62056,
    "mbus": mbus,
    "mhz19": mhz19,
    "plantower": plantower,
    "sds011": sds011,
    "sps30": sps30,
    "umb": umb,
}
"""By protocol, for those that have a checksum; four bytes at the least are asked about."""
