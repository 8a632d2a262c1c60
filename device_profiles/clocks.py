"""Bytes and the instant that they write, as ISO 8601 by the device's clock: no zone is known.

Whatever is no instant (a month 13, a clock never set) raises ValueError, both ways.
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from device_profiles.registers import Type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a device's clock has no zone
_FIRST_YEAR: Final = 1900
_CENTURY: Final = 2000
_SHORT_YEARS: Final = 100
"""A year below is of this century; one from here to 255 counts from 1900, as C's tm_year does."""

_INVALID: Final = 0x80


def _unix32(data: bytes) -> str:
    return _spelled(_EPOCH + timedelta(seconds=int.from_bytes(data, "big")))


def _iec870(data: bytes) -> str:
    """After IEC 60870-5-4, as Schneider's meters have it (their format TI081).

    Day of the week and summer time are not looked at; a clock that calls itself invalid is.
    """
    _, year, month, day, hour, minute, milliseconds = struct.unpack(">6BH", data)
    if minute & _INVALID:
        raise ValueError("the device calls its clock invalid or not synchronised")
    seconds, rest = divmod(milliseconds, 1000)
    instant = datetime(  # noqa: DTZ001 - a device's clock has no zone
        _CENTURY + (year & 0x7F),
        month & 0x0F,
        day & 0x1F,
        hour & 0x1F,
        minute & 0x3F,
        seconds,
        1000 * rest,
    )
    return instant.isoformat(timespec="milliseconds")


def _ymdhms3(data: bytes) -> str:
    return _fields(*data)


def _ymdhms6(data: bytes) -> str:
    return _fields(*struct.unpack(">6H", data))


def _fields(year: int, *rest: int) -> str:
    month, day, hour, minute, second = rest
    instant = datetime(_full(year), month, day, hour, minute, second)  # noqa: DTZ001 - as above
    return _spelled(instant)


def _full(year: int) -> int:
    if year < _SHORT_YEARS:
        return _CENTURY + year
    if year < 0x100:  # noqa: PLR2004 - what one byte holds
        return _FIRST_YEAR + year
    if year < _FIRST_YEAR:
        raise ValueError(f"{year} is no year")
    return year


def _spelled(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


def _to_unix32(text: str) -> bytes:
    seconds = (_read(text) - _EPOCH) // timedelta(seconds=1)
    return struct.pack(">I", seconds)


def _to_iec870(text: str) -> bytes:
    at = _read(text)
    milliseconds = 1000 * at.second + at.microsecond // 1000
    year = _of_century(at, years=0x80)
    return struct.pack(">6BH", 0, year, at.month, at.day, at.hour, at.minute, milliseconds)


def _to_ymdhms3(text: str) -> bytes:
    at = _read(text)
    return struct.pack(">6B", _of_century(at, years=_SHORT_YEARS), *_after_year(at))


def _to_ymdhms6(text: str) -> bytes:
    at = _read(text)
    return struct.pack(">6H", at.year, *_after_year(at))


def _of_century(at: datetime, *, years: int) -> int:
    if not 0 <= at.year - _CENTURY < years:
        raise ValueError(f"year {at.year} is not one of {years} from {_CENTURY}")
    return at.year - _CENTURY


def _after_year(at: datetime) -> tuple[int, int, int, int, int]:
    return at.month, at.day, at.hour, at.minute, at.second


def _read(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError("a device's clock has no zone")
    return at


READERS: Final[Mapping[Type, Callable[[bytes], str]]] = {
    Type.UNIX32: _unix32,
    Type.IEC870: _iec870,
    Type.YMDHMS3: _ymdhms3,
    Type.YMDHMS6: _ymdhms6,
}
WRITERS: Final[Mapping[Type, Callable[[str], bytes]]] = {
    Type.UNIX32: _to_unix32,
    Type.IEC870: _to_iec870,
    Type.YMDHMS3: _to_ymdhms3,
    Type.YMDHMS6: _to_ymdhms6,
}
