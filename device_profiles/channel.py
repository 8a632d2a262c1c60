"""A channel: one value of a device, where it stands in the registers and what it means."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from device_profiles.registers import ADDRESS_MAX, MAX_REGISTERS, Table, Type, natural_order
from telemetry.names import CHANNEL, REASON, RESERVED_CHANNELS, is_name
from telemetry.settings import Settings
from telemetry.units import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALE_MIN, SCALE_MAX = Decimal("1e-30"), Decimal("1e30")
"""Scales beyond these are typing errors, and could take a value out of a float's range."""

Stored = Literal["float", "int", "bool", "str"]
"""A channel's type in messages and stores; permanent for a series."""


class ChannelKind(StrEnum):
    """How a channel behaves in time."""

    GAUGE = "gauge"
    COUNTER = "counter"
    """Only rises, until it wraps or is reset."""
    STATE = "state"
    TEXT = "text"


class Channel(Settings):
    """One value of the device.

    Attributes:
        id: its name, never changed.
        address: of its first register or bit, as sent on the wire (0 to 65535).
        order: which byte of the value stands where on the wire, `A` being the most significant;
            `CDAB` is a 32-bit value with the low register first. Strings take `AB` or `BA`.
        length: registers of a string.
        bit: which bit of its register a bool is, 0 the least significant.
        bits: lowest bit and how many, of an unsigned integer.
        scale: the value is `raw * scale + offset`, in decimal arithmetic.
        enum: what each code means; the value is the text.
        nan: raw values (unsigned, after ordering and cutting out bits) that mean: no value.
        nan_reasons: the same, with the reason of each.
        range: lowest and highest credible value; one outside is kept, and doubted.
        unit: by its SenML name, or empty.
        group: which interval it is read at.
    """

    id: str
    table: Table
    address: Annotated[int, Field(ge=0, le=ADDRESS_MAX)]
    type: Type
    order: str = ""
    length: Annotated[int, Field(ge=1, le=MAX_REGISTERS)] | None = None
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    bits: tuple[int, int] | None = None
    scale: Decimal = Decimal(1)
    offset: Decimal = Decimal(0)
    enum: dict[int, str] = Field(default_factory=dict)
    nan: tuple[int, ...] = ()
    nan_reasons: dict[int, str] = Field(default_factory=dict)
    range: tuple[float, float] | None = None
    unit: str = ""
    kind: ChannelKind = ChannelKind.GAUGE
    group: str = "default"
    label: str = ""

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
        return self.scale != 1 or self.offset != 0

    @property
    def stored(self) -> Stored:
        """The type of its values, whatever they are: `230.0` stays a float."""
        if self.type is Type.STR or self.enum:
            return "str"
        if self.type is Type.BOOL:
            return "bool"
        return "float" if self.type.is_float or self.is_scaled else "int"

    @model_validator(mode="before")
    @classmethod
    def _default_kind(cls, entry: Any) -> Any:  # noqa: ANN401 - YAML can be anything
        if not isinstance(entry, dict) or "kind" in entry:
            return entry
        if entry.get("type") == Type.STR:
            return {**entry, "kind": ChannelKind.TEXT}
        is_state = entry.get("type") == Type.BOOL or entry.get("enum")
        return {**entry, "kind": ChannelKind.STATE} if is_state else entry

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        if not is_name(CHANNEL, self.id):
            yield f"id {self.id!r} should be snake_case, such as voltage_l1"
        if self.id in RESERVED_CHANNELS:
            yield f"id {self.id!r} is the stores' own; choose another"
        if self.unit and self.unit not in UNITS:
            yield f"unit {self.unit!r} is not in the table of SenML units"
        if self.end > ADDRESS_MAX + 1:
            yield f"{self.width} registers from {self.address} end beyond {ADDRESS_MAX}"
        yield from self._problems_of_type()
        yield from self._problems_of_value()

    def _problems_of_type(self) -> Iterator[str]:
        if self.table.is_bits and (self.type is not Type.BOOL or self.bit is not None):
            yield f"a {self.table} is one bit: type bool, and no bit"
        if self.type is Type.BOOL and not self.table.is_bits and self.bit is None:
            yield "a bool in a register needs its bit, 0 to 15"
        if self.bit is not None and self.type is not Type.BOOL:
            yield f"bit is for bool; a part of {self.type} is bits: [lowest, how many]"
        if (self.length is None) == (self.type is Type.STR):
            yield "length, in registers, belongs to str, and str needs it"
        if self.order and sorted(self.order) != sorted(natural_order(self.type)):
            yield f"order {self.order!r} is no permutation of {natural_order(self.type)}"
        if self.bits is not None and not self._bits_fit(*self.bits):
            yield f"bits {list(self.bits)} do not fit into {self.type}"

    def _bits_fit(self, lowest: int, count: int) -> bool:
        room = self.type.unsigned_bits
        return lowest >= 0 and count >= 1 and lowest + count <= room

    def _problems_of_value(self) -> Iterator[str]:
        if self.is_scaled and not self.type.is_number:
            yield f"scale and offset do not apply to {self.type}"
        if self.enum and (not self.type.is_integer or self.is_scaled):
            yield "enum is for integers without scale"
        if not (self.scale.is_finite() and SCALE_MIN <= abs(self.scale) <= SCALE_MAX):
            yield f"scale {self.scale} is not between {SCALE_MIN} and {SCALE_MAX}"
        if not (self.offset.is_finite() and abs(self.offset) <= SCALE_MAX):
            yield f"offset {self.offset} is beyond {SCALE_MAX}"
        if (self.nan or self.nan_reasons) and not self.type.is_number:
            yield f"nan does not apply to {self.type}"
        for raw in (*self.nan, *self.nan_reasons):
            if not 0 <= raw < 1 << self.field_bits:
                yield f"nan {raw} is no raw value of {self.field_bits} bits"
        for reason in self.nan_reasons.values():
            if not is_name(REASON, reason):
                yield f"reason {reason!r} should be snake_case, such as stuck_on"
        yield from self._problems_of_range()

    def _problems_of_range(self) -> Iterator[str]:
        if self.range is None:
            return
        if self.stored not in ("float", "int"):
            yield f"range does not apply to values of {self.stored}"
        if not self.range[0] <= self.range[1]:
            yield f"range {list(self.range)} should be [lowest, highest]"
