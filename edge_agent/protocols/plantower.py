"""Plantower particle sensors: PMS1003, 3003, 5003, 5003S, 5003T, 5003ST, 7003, A003.

    42 4D │ length, 2 bytes │ words of 16 bits, high byte first … │ sum of all bytes, 2 bytes

The length tells the family. Within 32 bytes the models use the same words for different things:
words 11 and 12 are counts of large particles, but temperature and humidity in a PMS5003T, and
word 13 is formaldehyde in a PMS5003S. Which a sensor is, its profile says, by the fields it asks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.protocols.exchange import Shape, asked, single_exchange
from telemetry.sample import NOT_VALID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_agent.protocols.conversation import Fields, Question

HEAD = 4
SYNC = b"\x42\x4d"

READ = bytes.fromhex("424de200000171")
"""Asks a sensor in passive mode for one frame."""

REQUESTS = {"active": b"", "passive": READ}
"""By address: a sensor has none, so it tells the mode. The factory's is active: about 1 Hz."""

_MASSES = {
    name: (at, ">H")
    for at, name in zip(
        range(4, 16, 2), ("pm1_cf1", "pm25_cf1", "pm10_cf1", "pm1", "pm25", "pm10"), strict=True
    )
}
_COUNTS = {
    name: (at, ">H")
    for at, name in zip(
        range(16, 28, 2), ("n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10_0"), strict=True
    )
}
LAYOUTS = {
    24: _MASSES,
    32: {
        **_MASSES,
        **_COUNTS,
        "temperature": (24, ">h"),
        "humidity": (26, ">H"),
        "hcho": (28, ">H"),
        "version": (28, ">B"),
        "error": (29, ">B"),
    },
    40: {
        **_MASSES,
        **_COUNTS,
        "hcho": (28, ">H"),
        "temperature": (30, ">h"),
        "humidity": (32, ">H"),
        "version": (36, ">B"),
        "error": (37, ">B"),
    },
}
"""Where a frame of so many bytes has its fields, and how they are packed.

Masses are in ug/m3 (`_cf1`: for standard particles in a factory, without: in the atmosphere),
counts in particles larger than that many um in 0.1 l, temperature in 0.1 Cel, humidity in 0.1 %RH,
formaldehyde in ug/m3.
"""

FIELDS = tuple(LAYOUTS[32])


@dataclass(frozen=True, slots=True)
class Plantower:
    """The protocol; an address is `active` (or empty) or `passive`."""

    def questions(self, address: str, fields: Sequence[str]) -> tuple[Question, ...]:
        """One exchange: hear the next frame, or ask for it.

        Raises:
            ValueError: if the address is no mode, or a field is not known.
        """
        request = REQUESTS.get(address or "active")
        if request is None:
            raise ValueError(f"address {address!r} should be {' or '.join(REQUESTS)}")
        return (single_exchange(request, SHAPE, _decode, asked(fields, FIELDS)),)


def _size(begun: bytes) -> int | None:
    if len(begun) < HEAD:
        return None
    size = HEAD + int.from_bytes(begun[2:HEAD])
    return size if size in LAYOUTS else 0


def _is_sound(frame: bytes) -> bool:
    return sum(frame[:-2]) == int.from_bytes(frame[-2:])


def _decode(frame: bytes) -> Fields:
    """All zero, the version too: the sensor has not measured since it was switched on."""
    layout = LAYOUTS[len(frame)]
    if not any(frame[HEAD:-2]):
        return dict.fromkeys(layout, NOT_VALID)
    return {name: struct.unpack_from(form, frame, at)[0] for name, (at, form) in layout.items()}


SHAPE = Shape(sync=SYNC, size=_size, longest=max(LAYOUTS), is_sound=_is_sound)
