"""Binary floats that come low byte first, as the decimals that the device means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from device_profiles.numerals import reader
from device_profiles.registers import Type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from telemetry.sample import Flag

_READERS: Final = cast(
    "Mapping[int, Callable[[int], float | Flag]]", {4: reader(Type.F32), 8: reader(Type.F64)}
)


def little_endian(data: bytes) -> float | Flag:
    """The number in 4 or 8 bytes; a flag for NaN and infinity."""
    return _READERS[len(data)](int.from_bytes(data, "little"))
