"""What Modbus registers can hold: tables, types, their widths, and the order of their bytes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

ADDRESS_MAX: Final = 65_535
"""The last address of a table (Modbus Application Protocol V1.1b3, §4.4)."""

MAX_REGISTERS: Final = 125
"""Most registers one read may ask for (Modbus Application Protocol V1.1b3, §6.3)."""

MAX_BITS: Final = 2000
"""Most coils or discrete inputs one read may ask for (Modbus Application Protocol, §6.1)."""


class Table(StrEnum):
    """The four address spaces of a Modbus device (Modbus Application Protocol, §4.3)."""

    COIL = "coil"
    DISCRETE = "discrete"
    HOLDING = "holding"
    INPUT = "input"

    @property
    def is_bits(self) -> bool:
        """Whether an address is one bit rather than a register of 16."""
        return self in (Table.COIL, Table.DISCRETE)


class Parity(StrEnum):
    """The parity bit of a serial character."""

    NONE = "N"
    EVEN = "E"
    ODD = "O"


class Type(StrEnum):
    """How registers become a raw value."""

    BOOL = "bool"
    """A coil, a discrete input, or one bit of a register."""
    U8H = "u8h"
    """The high byte of a register."""
    U8L = "u8l"
    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    U64 = "u64"
    I64 = "i64"
    F16 = "f16"
    F32 = "f32"
    F64 = "f64"
    BCD16 = "bcd16"
    """Four decimal digits, one in each half byte."""
    BCD32 = "bcd32"
    STR = "str"
    """UTF-8, padded with NUL."""

    @property
    def registers(self) -> int:
        """How many registers (or bits, in a table of bits) it takes; a string says itself."""
        return max(1, self.number_bits // 16)

    @property
    def number_bits(self) -> int:
        """The bits of the number; 0 for what is none."""
        if self in (Type.BOOL, Type.STR):
            return 0
        return int("".join(letter for letter in self if letter.isdigit()))

    @property
    def unsigned_bits(self) -> int:
        """The bits of an unsigned integer, from which a part can be cut; 0 for all else."""
        return self.number_bits if self[0] == "u" else 0

    @property
    def is_float(self) -> bool:
        """Whether it is an IEEE 754 number."""
        return self[0] == "f"

    @property
    def is_number(self) -> bool:
        """Whether it can be scaled."""
        return self.number_bits > 0

    @property
    def is_integer(self) -> bool:
        """Whether it is a whole number."""
        return self.is_number and not self.is_float


def natural_order(kind: Type) -> str:
    """The bytes of a value as they follow each other when the most significant comes first."""
    return "ABCDEFGH"[: 2 * kind.registers]
