"""What an M-Bus record's VIF means: quantity, unit and factor, from pymeterbus' tables.

pymeterbus is imported when the first telegram comes: an agent without M-Bus meters does not carry
its 11 MB. Only its tables are used. Its parser takes a value of variable length for none, and what
follows for records of its own; and it multiplies in binary floats.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final

PLAIN_TEXT: Final = 0x7C
FIRST_EXTENSION, SECOND_EXTENSION = 0xFB, 0xFD
TABLE_OF: Final = {FIRST_EXTENSION: 0x200, SECOND_EXTENSION: 0x100}

TIMES_TEN: Final = {
    **{0x70 + nth: Decimal(10) ** (nth - 6) for nth in range(8)},
    0x7D: Decimal(1000),
}
"""VIFEs that multiply, and change nothing else (EN 13757-3, table 15)."""

NAMES: Final = {
    "date_time_general": "date_time",
    "energy_reserved": "energy_j",  # the first extension's large units
    "volume_m3": "volume",
    "mass_kg": "mass",
    "power_j": "power_j_h",
}
"""Ours, where pymeterbus' own names would not tell that it is the same quantity."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A quantity, and how its numbers become values.

    Attributes:
        quantity: pymeterbus' name of the code, in lower case.
        unit: pymeterbus' name of the base unit.
        factor: of a number, to the base unit.
        is_plain: whether no further code changes what it means, such as volume backwards.
    """

    quantity: str
    unit: str
    factor: Decimal
    is_plain: bool


@cache
def meaning(vib: bytes) -> Meaning | None:
    """What these codes mean; None if they are not known, or reserved.

    Args:
        vib: VIF and VIFEs.
    """
    further = vib[2:] if vib[0] in TABLE_OF else vib[1:]
    codes = [code & 0x7F for code in further]
    factor = Decimal(1)
    for code in codes:
        factor *= TIMES_TEN.get(code, 1)
    is_plain = all(code in TIMES_TEN for code in codes)
    if vib[0] & 0x7F == PLAIN_TEXT:
        return Meaning("variable_vif", "", factor, is_plain)
    row = _table().get(_code(vib))
    if row is None or not row[0]:
        return None
    times, unit, kind = row
    name = _name(unit, kind)
    if name.startswith(("reserved", "res_")):
        return None
    return Meaning(name, getattr(unit, "name", ""), factor * Decimal(repr(times)), is_plain)


def _name(unit: Any, kind: Any) -> str:  # noqa: ANN401 - an Enum or a text, each of them
    """Most kinds are an Enum, which has the unit in its name where there is more than one."""
    spelled = f"{kind} {getattr(unit, 'name', unit)}" if isinstance(kind, str) else kind.name
    name = re.sub("[^a-z0-9]+", "_", spelled.lower()).strip("_")
    return NAMES.get(name, name)


def _code(vib: bytes) -> int:
    if vib[0] in TABLE_OF:
        return TABLE_OF[vib[0]] | vib[1] & 0x7F
    return vib[0] & 0x7F


def _table() -> dict[int, tuple[Any, Any, Any]]:
    """Its rows have no types: a factor, a unit (an Enum), a kind (an Enum)."""
    table: dict[int, tuple[Any, Any, Any]] = importlib.import_module("meterbus").VIFTable.lut
    return table
