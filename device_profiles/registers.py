"""What Modbus registers can hold: tables, types, their widths, and the order of their bytes."""

from __future__ import annotations

import re
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


_NUMBER: Final = re.compile(r"(?:[uif]|bcd)(\d+)[hl]?")


class Type(StrEnum):
    """How registers become a raw value."""

    BOOL = "bool"
    """A coil, a discrete input, or one bit of a register."""
    U8H = "u8h"
    """The high byte of a register."""
    U8L = "u8l"
    I8H = "i8h"
    I8L = "i8l"
    U16 = "u16"
    I16 = "i16"
    U24 = "u24"
    """Three bytes of two registers."""
    I24 = "i24"
    U32 = "u32"
    I32 = "i32"
    U48 = "u48"
    I48 = "i48"
    U64 = "u64"
    I64 = "i64"
    F16 = "f16"
    F32 = "f32"
    F64 = "f64"
    BCD16 = "bcd16"
    """Four decimal digits, one in each half byte."""
    BCD32 = "bcd32"
    BCD64 = "bcd64"
    DEC = "dec"
    """A number written out in ASCII, such as `-12.50`."""
    SUNSSF = "sunssf"
    """A scale factor: the power of ten by which others are scaled (SunSpec Device Information
    Model Specification V1.1)."""
    STR = "str"
    """UTF-8, padded with NUL or blanks."""
    BITSTRING = "bitstring"
    """All bits as 0 and 1, the most significant first."""
    IP4 = "ip4"
    IP6 = "ip6"
    EUI48 = "eui48"
    """A MAC address, in the last six bytes of four registers as SunSpec has it."""
    UNIX32 = "unix32"
    """Seconds since 1970 by the device's clock."""
    IEC870 = "iec870"
    """Time in four registers, after IEC 60870-5-4: year, month and day, hour and minute,
    milliseconds."""
    YMDHMS3 = "ymdhms3"
    """Time in six bytes: year of the century, month, day, hour, minute, second."""
    YMDHMS6 = "ymdhms6"
    """Time in six registers: year, month, day, hour, minute, second."""

    @property
    def registers(self) -> int:
        """How many registers it takes, or one bit; what `has_length` says itself."""
        return _REGISTERS.get(self) or max(1, -(-self.number_bits // 16))

    @property
    def size(self) -> int:
        """The bytes that are part of the value; what `has_length` uses all it takes."""
        return _USED.get(self, 2 * self.registers)

    @property
    def number_bits(self) -> int:
        """The bits of the raw number; 0 for what is none."""
        if self is Type.SUNSSF:
            return 16
        match = _NUMBER.fullmatch(self)
        return int(match[1]) if match else 0

    @property
    def unsigned_bits(self) -> int:
        """The bits of an unsigned integer, from which a part can be cut; 0 for all else."""
        return self.number_bits if self[0] == "u" else 0

    @property
    def has_length(self) -> bool:
        """Whether the channel says how many registers it takes."""
        return self in (Type.STR, Type.DEC, Type.BITSTRING)

    @property
    def is_characters(self) -> bool:
        """Whether its bytes are characters, which may stand in one half of each register."""
        return self in (Type.STR, Type.DEC)

    @property
    def is_text(self) -> bool:
        """Whether its value is text."""
        return self is not Type.BOOL and not self.is_number

    @property
    def is_time(self) -> bool:
        """Whether its value is an instant by the device's clock, as text."""
        return self in (Type.UNIX32, Type.IEC870, Type.YMDHMS3, Type.YMDHMS6)

    @property
    def is_float(self) -> bool:
        """Whether it can have a fraction before it is scaled."""
        return self is Type.DEC or (self[0] == "f" and self.is_number)

    @property
    def is_signed(self) -> bool:
        """Whether it is an integer in two's complement."""
        return self is Type.SUNSSF or (self[0] == "i" and self.is_number)

    @property
    def is_decimal(self) -> bool:
        """Whether each half byte is a decimal digit."""
        return self in (Type.BCD16, Type.BCD32, Type.BCD64)

    @property
    def is_number(self) -> bool:
        """Whether it can be scaled."""
        return self is Type.DEC or self.number_bits > 0

    @property
    def is_integer(self) -> bool:
        """Whether it is a whole number."""
        return self.is_number and not self.is_float


_REGISTERS: Final = {
    Type.IP4: 2,
    Type.IP6: 8,
    Type.EUI48: 4,
    Type.UNIX32: 2,
    Type.IEC870: 4,
    Type.YMDHMS3: 3,
    Type.YMDHMS6: 6,
}
"""The types that are no numbers, where one register is not enough."""

_USED: Final = {Type.U24: 3, Type.I24: 3, Type.EUI48: 6}
"""The types that leave the first of their bytes unused, and how many they use."""

UNUSED: Final = "-"
"""What stands in an order for a byte that is not part of the value."""


def natural_order(kind: Type) -> str:
    """The bytes of a value as they follow each other when the most significant comes first."""
    return "ABCDEFGHIJKLMNOP"[: kind.size].rjust(2 * kind.registers, UNUSED)
