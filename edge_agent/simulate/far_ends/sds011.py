"""A Nova Fitness particle sensor: a frame each second, or one for each query.

With a profile that has pm100 it is an SDS198. Nothing at all in the air is how it says that it has
not measured yet, so a simulated one cannot say it otherwise.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from device_profiles.encode import NotEncodable
from edge_agent.protocols.sds011 import ANYBODY, COARSE, FINE, query
from edge_agent.simulate.far_ends.far_end import UNASKED, Scripted, whole

if TYPE_CHECKING:
    from collections.abc import Collection

    from edge_agent.simulate.far_ends.far_end import Said, Sayings

EVERY = 1.0
"""Seconds between frames in active mode (SDS011 data sheet V1.3)."""

USUAL = "a160"
"""Who it is, if neither its address nor its channels say."""

_ID = re.compile("[0-9a-f]{4}")
_MAX = 0xFFFF


def far_end(address: str, fields: Collection[str]) -> Scripted:
    """A sensor that speaks by itself, or answers queries, to anybody or to its id."""
    if address in ("", "active"):
        return Scripted(lambda said: {UNASKED: _frame(fields, USUAL, said)}, every=EVERY)
    return Scripted(partial(_answers, address, fields))


def _answers(address: str, fields: Collection[str], said: Said) -> Sayings:
    has_id = _ID.fullmatch(address) is not None
    frame = _frame(fields, address if has_id else USUAL, said)
    own = frame[6:8]
    if has_id and own.hex() != address:
        raise NotEncodable(f"field 'device_id' cannot say {own.hex()!r}: it answers to {address}")
    return {query(ANYBODY): frame, query(own): frame}


def _frame(fields: Collection[str], usual: str, said: Said) -> bytes:
    device = str(said.get("device_id", usual))
    if not _ID.fullmatch(device):
        raise NotEncodable(f"field 'device_id' cannot say {device!r}: it says such as {USUAL}")
    kind, names = (COARSE, ("", "pm100")) if "pm100" in fields else (FINE, ("pm25", "pm10"))
    words = (whole(name, said.get(name, 0), 0, _MAX).to_bytes(2, "little") for name in names)
    body = b"".join(words) + bytes.fromhex(device)
    return bytes((0xAA, kind)) + body + bytes((sum(body) & 0xFF, 0xAB))
