"""A channel: one value of a device, where the device says it and what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictBool

from device_profiles.meaning import Channel, Stored
from device_profiles.registers import ADDRESS_MAX, MAX_REGISTERS, Table, Type, natural_order

if TYPE_CHECKING:
    from collections.abc import Iterator


class RegisterChannel(Channel):
    """A value in Modbus registers.

    Attributes:
        address: of its first register or bit, as sent on the wire (0 to 65535).
        order: which byte of the value stands where on the wire, `A` being the most significant;
            `CDAB` is a 32-bit value with the low register first. Strings take `AB` or `BA`.
        length: registers of a string.
        layout: which half of each register has the characters of a string.
        bit: which bit of its register a bool is, 0 the least significant.
        bits: lowest bit and how many, of an unsigned integer.
        nan: unsigned, after ordering and cutting out bits.
        sf: the channel with the power of ten that scales it (SunSpec), read in the same round.
        resets: reading it changes it, so it is read neither twice nor on a guess.
    """

    table: Table
    address: Annotated[int, Field(ge=0, le=ADDRESS_MAX)]
    type: Type
    order: str = ""
    length: Annotated[int, Field(ge=1, le=MAX_REGISTERS)] | None = None
    layout: Literal["both", "upper", "lower"] = "both"
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    bits: tuple[int, int] | None = None
    sf: str | None = None
    resets: StrictBool = False

    @property
    def width(self) -> int:
        """How many registers it takes, or one bit."""
        return self.length or self.type.registers

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.width

    @property
    def field_bits(self) -> int:
        """How many bits its raw number has."""
        return self.bits[1] if self.bits else self.type.number_bits

    @property
    def is_scaled(self) -> bool:
        """Whether the value differs from the raw number."""
        return super().is_scaled or self.sf is not None

    @property
    def raw(self) -> Stored:
        """The type of what the device says, before it is scaled or named."""
        if self.type is Type.BOOL:
            return "bool"
        if self.type.is_text:
            return "str"
        return "float" if self.type.is_float else "int"

    def _problems_of_place(self) -> Iterator[str]:
        if self.end > ADDRESS_MAX + 1:
            yield f"{self.width} registers from {self.address} end beyond {ADDRESS_MAX}"
        if self.table.is_bits and (self.type is not Type.BOOL or self.bit is not None):
            yield f"a {self.table} is one bit: type bool, and no bit"
        if self.type is Type.BOOL and not self.table.is_bits and self.bit is None:
            yield "a bool in a register needs its bit, 0 to 15"
        if self.bit is not None and self.type is not Type.BOOL:
            yield f"bit is for bool; a part of {self.type} is bits: [lowest, how many]"
        yield from self._problems_of_bytes()

    def _problems_of_bytes(self) -> Iterator[str]:
        if self.type.has_length and self.length is None:
            yield f"a {self.type} needs its length, in registers"
        if self.length is not None and not self.type.has_length:
            yield f"a {self.type} has no length: it is {self.type.registers} registers wide"
        if self.order and sorted(self.order) != sorted(natural_order(self.type)):
            yield f"order {self.order!r} is no permutation of {natural_order(self.type)}"
        if self.layout != "both" and not self.type.is_characters:
            yield f"layout is for characters; {self.type} has none"
        if self.bits is not None and not self._bits_fit(*self.bits):
            yield f"bits {list(self.bits)} do not fit into {self.type}"

    def _bits_fit(self, lowest: int, count: int) -> bool:
        return lowest >= 0 and count >= 1 and lowest + count <= self.type.unsigned_bits

    def _problems_of_scale(self) -> Iterator[str]:
        yield from super()._problems_of_scale()
        if self.sf is not None and super().is_scaled:
            yield "sf takes the place of scale and offset"
        if self.sf is not None and self.raw != "int":
            yield f"sf is for integers, not {self.type}"

    def _problems_of_codes(self) -> Iterator[str]:
        yield from super()._problems_of_codes()
        if (self.nan or self.nan_reasons) and not self.type.number_bits:
            yield f"nan does not apply to {self.type}"
        for raw in (*self.nan, *self.nan_reasons):
            if not 0 <= raw < 1 << self.field_bits:
                yield f"nan {raw} is no raw value of {self.field_bits} bits"
        for code in self.enum:
            if not self._codes[0] <= code <= self._codes[1]:
                kind = f"{self.bits[1]} bits of {self.type}" if self.bits else self.type
                low, high = self._codes
                yield f"enum {code} is no value of {kind}: {low} to {high}"
            elif code & ((1 << self.field_bits) - 1) in (*self.nan, *self.nan_reasons):
                yield f"enum {code} is a nan, too"
        for bit in self.flags:
            if bit >= self.field_bits:
                yield f"flag {bit} is beyond its {self.field_bits} bits"

    @property
    def _codes(self) -> tuple[int, int]:
        """The lowest and the highest whole number that it can say."""
        bits = self.field_bits
        if self.type.is_decimal:
            return 0, 10 ** (bits // 4) - 1
        return (
            (-(1 << bits - 1), (1 << bits - 1) - 1) if self.type.is_signed else (0, (1 << bits) - 1)
        )

    def _problems_of_access(self) -> Iterator[str]:
        yield from super()._problems_of_access()
        if self.write is not None:
            yield from self.write.misfits(self.table, self.width)


class FieldChannel(Channel):
    """A value that a protocol knows by a name of its own.

    Attributes:
        field: the protocol's name of it.
        type: what the protocol says it is, before it is scaled or named.
    """

    field: Annotated[str, Field(min_length=1)]
    type: Stored

    @property
    def raw(self) -> Stored:
        """The type of what the device says, before it is scaled or named."""
        return self.type

    def _problems_of_place(self) -> Iterator[str]:
        yield from ()

    def _problems_of_access(self) -> Iterator[str]:
        if self.access.is_written or self.write is not None:
            yield "access and write are Modbus'; over other protocols a channel is only read"


AnyChannel = RegisterChannel | FieldChannel
