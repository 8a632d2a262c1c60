"""Which reading of some registers a measured value may look like; a hint, never a proof.

Zeros look like anything, so they are not highlighted. What remains is judged by its size:

    a register       below 0x8000, or a small negative number; BCD of three digits or more
    whole numbers    at most 300 million in two registers, 1e12 in more (in three, only what needs
                     three); negative ones at most ten million; never a multiple of 65536, which
                     is a small number read the wrong way
    floats           between 0.001 and ten million, either sign; the same in four registers
    BCD              every half byte a digit, and the first register not zero
    text             four printable characters or more
    clocks           a true date from 2010 to next year; seconds since 1970 only near today's

Where a reading of the bytes as they come is plausible, whole numbers and BCD with swapped bytes
do not count: few devices swap. A float of 16 bits never counts: nearly any register would pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_profiles.registers import Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.sample import Value

NOT_THERE = frozenset({0x7FFF, 0x8000, 0xFFFF})
"""What devices put into a register that has no value."""

LARGEST_WORD = 0x8000

MOST_NEGATIVE_WORD = -16_384
"""Of a register: what is below is rather a large positive number."""

LARGEST = {2: 300e6, 3: 1e12, 4: 1e12}
"""Of a whole number, by its registers: 300 MWh in Wh, 188000 lx in mlx, 101 kPa in mPa."""

MOST_NEGATIVE = -10e6

ONE_WORD = 1 << 16

SMALLEST_FLOAT, LARGEST_FLOAT = 1e-3, 1e7

LEAST_BCD = 100

BCD_OF_A_REGISTER = 10_000
"""How many numbers a register holds as BCD."""

LEAST_CHARACTERS = 4

NEAR = 2
"""Years that a clock may be off; without a year, seconds since 1970 pass for any large number."""

OLDEST = 2010
"""The first year of clocks that have a calendar; devices stand for about fifteen years."""


def is_plausible(kind: Type, value: Value, words: Sequence[int], *, year: int) -> bool:
    """Whether a measured value may look so; `words` as they came, `year` is this one."""
    if not any(words):
        return False
    if isinstance(value, str):
        return _is_plausible_text(kind, value, year)
    match kind:
        case Type.U16 | Type.I16:
            sane = words[0] not in NOT_THERE and MOST_NEGATIVE_WORD <= value < LARGEST_WORD
        case Type.U32 | Type.I32 | Type.U48 | Type.I48 | Type.U64 | Type.I64:
            sane = MOST_NEGATIVE <= value <= LARGEST[len(words)] and value % ONE_WORD != 0
        case Type.BCD16 | Type.BCD32 | Type.BCD64:
            sane = value >= max(LEAST_BCD, BCD_OF_A_REGISTER ** (len(words) - 1))
        case Type.F32 | Type.F64:
            sane = SMALLEST_FLOAT <= abs(value) <= LARGEST_FLOAT
        case _:
            sane = False
    return sane and not _is_said_with_less(kind, value)


def _is_said_with_less(kind: Type, value: float) -> bool:
    """Whether the unsigned type says the same, or one of fewer registers."""
    if kind is Type.U48:
        return value < ONE_WORD**2
    return kind in (Type.I16, Type.I32, Type.I48, Type.I64) and value >= 0


def _is_plausible_text(kind: Type, text: str, year: int) -> bool:
    if kind is Type.UNIX32:
        return abs(_year(text) - year) <= NEAR
    if kind.is_time:
        return OLDEST <= _year(text) <= year + 1
    return kind is Type.STR and len(text) >= LEAST_CHARACTERS and _is_ascii(text)


def _is_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _year(text: str) -> int:
    """Of a time as clocks are read, which is ISO 8601."""
    return int(text[:4])
