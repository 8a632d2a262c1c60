"""The fixed data structure of old M-Bus meters: two counters (The M-Bus, 4.8, §6.2 and §8.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from edge_agent.protocols.conversation import Refused
from edge_agent.protocols.mbus_records import Record
from edge_agent.protocols.mbus_values import bcd, scaled
from telemetry.sample import Flag

LENGTH: Final = 16
BINARY: Final = 0x80
"""Bit of the status: the counters are binary, not BCD."""

SAME_BUT_PAST: Final = 0x3E
"""A unit code: the other counter's unit; this one is of the last key date."""

UNITS: Final = (
    (range(0x02, 0x0B), "energy_wh", 0),
    (range(0x0B, 0x14), "energy_j", 3),
    (range(0x14, 0x1D), "power_w", 0),
    (range(0x1D, 0x26), "power_j_h", 3),
    (range(0x26, 0x2F), "volume", -6),
    (range(0x2F, 0x38), "volume_flow", -6),
    (range(0x38, 0x39), "flow_temperature", -3),
    (range(0x39, 0x3A), "units_for_hca", 0),
)
"""Codes, the quantity, and the power of ten of the first code; each further code is ten times."""


def fixed_records(data: bytes, step: int) -> tuple[str, int, tuple[Record, ...]]:
    """The meter's number, its status, and both counters.

    Args:
        data: what stands behind the telegram's CI.
        step: -1 if numbers come high byte first, otherwise 1.

    Raises:
        Refused: if the data are not 16 bytes.
    """
    if len(data) != LENGTH:
        raise Refused(f"the meter's fixed data have {len(data)} bytes, not {LENGTH}")
    number, status = data[:4][::step][::-1].hex().upper(), data[5]
    first, second = (code & 0x3F for code in data[6:8])
    past = second == SAME_BUT_PAST
    counters = (
        _counter(data[8:12][::step], first, status),
        _counter(data[12:16][::step], first if past else second, status, storage=int(past)),
    )
    return number, status, counters


def _counter(data: bytes, code: int, status: int, storage: int = 0) -> Record:
    number = int.from_bytes(data, "little") if status & BINARY else bcd(data)
    for codes, quantity, power in UNITS:
        if code in codes:
            factor = Decimal(10) ** (power + code - codes[0])
            said = number if isinstance(number, Flag) else scaled(number, factor)
            return Record(quantity=quantity, storage=storage, value=said)
    return Record(storage=storage, value=number)
