"""How a device behaves on the bus: what one read may ask, its pace, its serial port, its groups."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StrictBool,
    WithJsonSchema,
)

from device_profiles.registers import ADDRESS_MAX, MAX_BITS, MAX_REGISTERS, Parity, Table
from telemetry.quantities import DURATION, Seconds, seconds
from telemetry.settings import Settings

if TYPE_CHECKING:
    from device_profiles.channel import RegisterChannel


def _in_order(pair: tuple[int, int]) -> tuple[int, int]:
    if not 0 <= pair[0] <= pair[1] <= ADDRESS_MAX:
        raise ValueError(f"should be [first, last] address, of 0 to {ADDRESS_MAX}")
    return pair


Range = Annotated[tuple[int, int], AfterValidator(_in_order)]
"""First and last address."""


class Limits(Settings):
    """What one read may ask of this device.

    Attributes:
        max_gap: most registers or bits between two channels that one read may bridge.
        ranges: first and last address that the device answers, by table; a table that is not
            named answers everywhere.
        one_channel_per_request: a read that holds more than one channel is refused.
        coherent: values of a group belong together only if they come from one read.
    """

    max_registers: Annotated[int, Field(ge=1, le=MAX_REGISTERS)] = MAX_REGISTERS
    max_bits: Annotated[int, Field(ge=1, le=MAX_BITS)] = MAX_BITS
    max_gap: Annotated[int, Field(ge=0)] = MAX_BITS
    ranges: dict[Table, tuple[Range, ...]] = Field(default_factory=dict)
    one_channel_per_request: StrictBool = False
    coherent: StrictBool = False

    def moved(self, offset: int) -> Self:
        """The same of a device whose registers begin at `offset`."""
        ranges = {
            table: tuple((low + offset, min(high + offset, ADDRESS_MAX)) for low, high in of_table)
            for table, of_table in self.ranges.items()
        }
        return self.model_copy(update={"ranges": ranges})

    def room(self, table: Table) -> int:
        """The most registers or bits of one read."""
        return self.max_bits if table.is_bits else self.max_registers

    def bounds(self, channel: RegisterChannel) -> tuple[int, int] | None:
        """First and last address of the range that holds the whole channel, or None."""
        if channel.table not in self.ranges:
            return 0, ADDRESS_MAX
        for low, high in self.ranges[channel.table]:
            if low <= channel.address and channel.end - 1 <= high:
                return low, high
        return None


class Timing(Settings):
    """The device's pace.

    Attributes:
        response_timeout: longest time to its first byte.
        turnaround: usual time to its first byte. The default is the lower of the 100 to 200 ms
            that Modbus over Serial Line V1.02 §2.4.1 names as typical.
        pause: silence that it needs between a reply and the next request, beyond Modbus' own.
    """

    response_timeout: Annotated[Seconds, Field(gt=0, le=60)] = 1.0
    turnaround: Annotated[Seconds, Field(ge=0, le=10)] = 0.1
    pause: Annotated[Seconds, Field(ge=0, le=10)] = 0.0


class Serial(Settings):
    """What its serial port can be set to; the first of each is how it leaves the factory."""

    baud: Annotated[
        tuple[Annotated[int, Field(ge=300, le=4_000_000)], ...], Field(min_length=1)
    ] = (9600,)
    parity: Annotated[tuple[Parity, ...], Field(min_length=1)] = (Parity.NONE,)
    data_bits: Literal[7, 8] = 8
    stop_bits: Literal[1, 2] = 1


def interval(text: object) -> object:
    """Seconds in `10s`; infinity for `once`: when the device is first heard, and not again.

    Raises:
        ValueError: if it is neither `once` nor a duration.
    """
    return math.inf if text in ("once", math.inf) else seconds(text)


Interval = Annotated[
    float,
    BeforeValidator(interval),
    PlainSerializer(lambda s: "once" if math.isinf(s) else s, when_used="json"),
    WithJsonSchema({"anyOf": [{"const": "once"}, DURATION]}),
]
"""Seconds between two reads, written with their unit, or `once`."""


class Group(Settings):
    """Channels that are read together: how often, unless the site says otherwise."""

    interval: Annotated[Interval, Field(gt=0)]
