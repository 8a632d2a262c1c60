"""A Plantower particle sensor: a frame each second, or one for each request in passive mode.

It is of the smallest family that has every field of its profile. What nothing feeds reads 0.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING

from edge_agent.protocols.plantower import HEAD, LAYOUTS, REQUESTS, SYNC
from edge_agent.simulate.far_ends.far_end import Scripted, whole

if TYPE_CHECKING:
    from collections.abc import Collection

    from edge_agent.simulate.far_ends.far_end import Said, Sayings

EVERY = 1.0
"""Seconds between frames in active mode, about (Plantower's data sheets)."""

HAS_MEASURED = {24: (21, 0x51), 32: (28, 0x97), 40: (36, 0x97)}
"""By the size of the frame, where a byte stands that is not 0, and what it says: a version, in a
recorded PMS3003 and PMS5003. Where all is 0, the sensor has not measured."""

LIMITS = {">B": (0, 0xFF), ">H": (0, 0xFFFF), ">h": (-0x8000, 0x7FFF)}
"""What fits, by how it is packed."""


def far_end(address: str, fields: Collection[str]) -> Scripted:
    """A sensor in the mode that the address says."""
    request = REQUESTS[address or "active"]
    size = next(size for size in LAYOUTS if _has_room(size, fields))  # the last has them all
    phrase = partial(_sayings, request, size, tuple(fields))
    return Scripted(phrase, every=None if request else EVERY)


def _has_room(size: int, fields: Collection[str]) -> bool:
    """Whether all of them are in such a frame, each in bytes of its own."""
    layout = LAYOUTS[size]
    if not all(name in layout for name in fields):
        return False
    spans = (layout[name] for name in fields)
    places = [at + byte for at, form in spans for byte in range(struct.calcsize(form))]
    return len(places) == len(set(places))


def _sayings(request: bytes, size: int, fields: Collection[str], said: Said) -> Sayings:
    frame = bytearray(SYNC + (size - HEAD).to_bytes(2) + bytes(size - HEAD))
    at, version = HAS_MEASURED[size]
    frame[at] = version
    for name in fields:
        at, form = LAYOUTS[size][name]
        struct.pack_into(form, frame, at, whole(name, said.get(name, 0), *LIMITS[form]))
    frame[-2:] = sum(frame[:-2]).to_bytes(2)
    return {request: bytes(frame)}
