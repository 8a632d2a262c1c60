"""Fields of an M-Bus meter: by what they are, or by where they stand.

    volume          the volume now, in m3: pymeterbus' name of the VIF code, in its base unit
    energy_wh#1     of tariff 1        volume@1   as of key date 1        power_w/2   of subunit 2
    max.power_w     the maximum; likewise min. and error.
    3               the record of that number, from 0, whatever it is
    id, manufacturer, version, medium, status, access_number    of the telegram's head

By name, a record counts only if no further code (VIFE) changes what it means; the first one counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry.sample import ILLEGAL_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge_agent.protocols.mbus_records import Record
    from edge_agent.protocols.mbus_telegram import Telegram
    from telemetry.sample import Flag, Value

HEADER_FIELDS = ("id", "manufacturer", "version", "medium", "status", "access_number")
_NAME = re.compile(
    r"(?:(?P<function>max|min|error)\.)?(?P<quantity>[a-z][a-z0-9_]*)"
    r"(?:@(?P<storage>\d{1,4}))?(?:#(?P<tariff>\d{1,4}))?(?:/(?P<subunit>\d{1,4}))?"
)
_INDEX = re.compile(r"\d{1,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A field: a record's number, or what a record has to be."""

    field: str
    index: int | None = None
    quantity: str = ""
    function: str = ""
    storage: int = 0
    tariff: int = 0
    subunit: int = 0

    def is_in(self, record: Record) -> bool:
        """Whether the record is the one."""
        return (
            record.quantity == self.quantity
            and record.function == self.function
            and (record.storage, record.tariff, record.subunit)
            == (self.storage, self.tariff, self.subunit)
        )


def wanted(field: str) -> Wanted:
    """What a field asks for.

    Raises:
        ValueError: if it is none.
    """
    if _INDEX.fullmatch(field):
        return Wanted(field=field, index=int(field))
    match = _NAME.fullmatch(field)
    if match is None:
        raise ValueError(f"field {field!r} should be such as volume, energy_wh#1, status or 3")
    return Wanted(
        field=field,
        quantity=match["quantity"],
        function=match["function"] or "",
        storage=int(match["storage"] or 0),
        tariff=int(match["tariff"] or 0),
        subunit=int(match["subunit"] or 0),
    )


def pick(
    readout: Sequence[Telegram], asked: Sequence[Wanted], *, is_whole: bool = False
) -> Mapping[str, Value | Flag]:
    """What the telegrams say of the fields; of a whole readout, the others are flagged."""
    records = [record for said in readout for record in said.records]
    found: dict[str, Value | Flag] = {}
    for each in asked:
        is_of_head = each.quantity in HEADER_FIELDS
        said = readout[0].header.get(each.quantity) if is_of_head else _record(records, each)
        if said is not None:
            found[each.field] = said
        elif is_whole:
            found[each.field] = ILLEGAL_ADDRESS
    return found


def _record(records: Sequence[Record], each: Wanted) -> Value | Flag | None:
    if each.index is not None:
        return records[each.index].value if each.index < len(records) else None
    return next((record.value for record in records if each.is_in(record)), None)
