"""One block of registers as every type and byte order that could be meant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from device_profiles.channel import RegisterChannel
from device_profiles.decode import Doubted, decoder
from device_profiles.registers import Table, Type
from edge_agent.scan.plausible import is_plausible
from telemetry.sample import Flag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from device_profiles.decode import Decoder
    from telemetry.sample import Value

USUAL = {
    1: ("AB",),
    2: ("ABCD", "CDAB"),
    3: ("ABCDEF", "EFCDAB"),
    4: ("ABCDEFGH", "GHEFCDAB"),
}
"""By registers: the high register first, or the low one."""

SWAPPED = {
    1: ("BA",),
    2: ("BADC", "DCBA"),
    3: ("BADCFE", "FEDCBA"),
    4: ("BADCFEHG", "HGFEDCBA"),
}
"""The same with the bytes of each register swapped."""

ORDERS = {width: USUAL[width] + SWAPPED[width] for width in USUAL}

TYPES = {
    1: (Type.U16, Type.I16, Type.U8H, Type.U8L, Type.BCD16, Type.F16),
    2: (Type.U32, Type.I32, Type.F32, Type.BCD32),
    3: (Type.U48, Type.I48),
    4: (Type.U64, Type.I64, Type.F64, Type.BCD64),
}
"""Numbers, by the registers that they take."""

CLOCKS = (Type.UNIX32, Type.YMDHMS3, Type.IEC870, Type.YMDHMS6)
"""Times; only those that are a date at all are shown."""

PRINTABLE = range(0x20, 0x7F)

PADDING = 0
"""What fills the rest of a text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the registers from `address` on mean as one type in one order of bytes."""

    address: int
    registers: int
    type: Type
    order: str
    value: Value
    plausible: bool


def readings(address: int, words: Sequence[int], *, year: int) -> list[Reading]:
    """Every reading of a block, at every address in it; `year`, this one, is for clocks."""
    found: list[Reading] = []
    for start in range(len(words)):
        for width, order, kind in _forms():
            if start + width <= len(words):
                taken = words[start : start + width]
                found += _reading(address + start, kind, order, taken, year)
    return [*_unless_unswapped(found), *_texts(address, words, year)]


def _unless_unswapped(found: Sequence[Reading]) -> Iterator[Reading]:
    """The same, but swapped bytes are plausible only where those as they come are not."""
    rivals = {_rival(each) for each in found if each.plausible and not _is_swapped(each)}
    for each in found:
        beaten = _is_swapped(each) and not each.type.is_float and _rival(each) in rivals
        yield replace(each, plausible=False) if beaten else each


def _rival(reading: Reading) -> tuple[int, int]:
    """The registers, of which only one reading can be right."""
    return reading.address, reading.registers


def _is_swapped(reading: Reading) -> bool:
    return reading.order in SWAPPED[reading.registers] if reading.order else False


def _forms() -> Iterator[tuple[int, str, Type]]:
    for width, orders in ORDERS.items():
        for order in orders:
            for kind in TYPES[width]:
                # A byte is one of a register's two, whatever their order.
                if not (kind in (Type.U8H, Type.U8L) and order == "BA"):
                    yield width, order, kind
    for kind in CLOCKS:
        yield kind.registers, "", kind


def _reading(
    address: int, kind: Type, order: str, words: Sequence[int], year: int
) -> Iterator[Reading]:
    """The reading, unless these registers mean nothing as that type."""
    value = _decoder(kind, order, None)(words)
    if not isinstance(value, Flag | Doubted):
        plausible = is_plausible(kind, value, words, year=year)
        yield Reading(address, len(words), kind, order, value, plausible)


def _texts(address: int, words: Sequence[int], year: int) -> Iterator[Reading]:
    """The longest runs of registers with printable characters, high or low byte first."""
    at = 0
    for is_text, run in groupby(words, key=_is_characters):
        taken = list(run)
        if is_text:
            for order in ORDERS[1]:
                value = _decoder(Type.STR, order, len(taken))(taken)
                if isinstance(value, str) and is_plausible(Type.STR, value, taken, year=year):
                    yield Reading(address + at, len(taken), Type.STR, order, value, plausible=True)
        at += len(taken)


def _is_characters(word: int) -> bool:
    """Whether both bytes are printable, or one is and the other fills up."""
    data = word.to_bytes(2)
    return any(byte in PRINTABLE for byte in data) and all(
        byte in PRINTABLE or byte == PADDING for byte in data
    )


@cache
def _decoder(kind: Type, order: str, length: int | None) -> Decoder:
    channel = RegisterChannel(
        id="reading", table=Table.HOLDING, address=0, type=kind, order=order, length=length
    )
    return decoder(channel)
