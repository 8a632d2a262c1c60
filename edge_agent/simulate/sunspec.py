"""What stands around a simulated SunSpec model: the marker, the common model, and the end.

    base: 'SunS' │ 1, length, who it is │ ID, length, points │ 0xFFFF, 0

The common model is as long as it takes for the simulated model to begin where it should.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_profiles.addressing import BASES, END_ID, HEAD, MARKER
from device_profiles.registers import ADDRESS_MAX

if TYPE_CHECKING:
    from device_profiles.addressing import Addressing

COMMON_ID, COMMON_LENGTH = 1, 66
"""The model that every device begins with, and its registers behind ID and length (model 1)."""

NEAREST = len(MARKER) + HEAD + COMMON_LENGTH
"""Registers from the marker to the model behind the common one."""

USUAL = BASES[0] + NEAREST
"""Where the model behind the common one begins in most devices."""

TEXTS = {2: "City Telemetry", 18: "simulated", 50: "1"}
"""Maker, model and serial number, by where they stand in the common model."""


class NoRoom(ValueError):
    """No SunSpec device has its model there."""


def around(addressing: Addressing, offset: int) -> dict[int, int]:
    """The registers that lead to a model that begins at `offset`, and those that end the map.

    Raises:
        NoRoom: if marker and common model have no room before it, or the end none behind it.
    """
    end = offset + HEAD + addressing.length
    bases = [base for base in BASES if base + NEAREST <= offset]
    if not bases or end + HEAD > ADDRESS_MAX + 1:
        last = ADDRESS_MAX + 1 - 2 * HEAD - addressing.length
        raise NoRoom(f"offset: a SunSpec model begins at {NEAREST} to {last}, not at {offset}")
    common = max(bases) + len(MARKER)
    cells = dict.fromkeys(range(common, offset), 0)
    cells |= dict(enumerate(MARKER, start=max(bases)))
    cells |= {common: COMMON_ID, common + 1: offset - common - HEAD}
    for place, text in TEXTS.items():
        cells |= _characters(common + place, text)
    return cells | {offset: addressing.sunspec, offset + 1: addressing.length} | _end(end)


def _characters(address: int, text: str) -> dict[int, int]:
    padded = text.encode() + bytes(len(text) % 2)
    pairs = zip(padded[::2], padded[1::2], strict=True)
    return {address + place: high << 8 | low for place, (high, low) in enumerate(pairs)}


def _end(address: int) -> dict[int, int]:
    return {address: END_ID, address + 1: 0}
