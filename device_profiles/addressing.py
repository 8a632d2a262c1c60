"""Where a device's registers begin, where that is not the same in each device of a model.

The addresses of a SunSpec model count from its ID register. Where that stands depends on what else
the device has: its models follow one another, each with its ID and its length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from device_profiles.identify import KnownRegister
from device_profiles.registers import ADDRESS_MAX, Table, Type
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from device_profiles.channel import RegisterChannel
    from telemetry.settings import Place

BASES = (40000, 50000, 0)
"""Where a device's SunSpec registers may begin (SunSpec Technology Overview)."""

MARKER = (0x5375, 0x6E53)
"""The registers there: `SunS`."""

HEAD = 2
"""Registers of a SunSpec model before its points: its ID and its length."""

END_ID = 0xFFFF
"""The ID that stands behind the last model (SunSpec Device Information Model, "End Model")."""


class Addressing(Settings):
    """The SunSpec model whose ID register is address 0 of the profile.

    Attributes:
        sunspec: the model's number, which its ID register holds.
        length: registers behind its ID and its length, as the model's definition has them.
    """

    sunspec: Annotated[int, Field(ge=1, lt=END_ID)]
    length: Annotated[int, Field(ge=1, le=ADDRESS_MAX)]

    @property
    def register(self) -> KnownRegister:
        """What tells the model: its ID register."""
        return KnownRegister(table=Table.HOLDING, address=0, type=Type.U16, equals=self.sunspec)

    def problems(self, channels: Sequence[RegisterChannel]) -> Iterator[tuple[Place, str]]:
        """Channels that do not stand in the model."""
        last = HEAD + self.length - 1
        for index, channel in enumerate(channels):
            if channel.table is not Table.HOLDING:
                yield ("channels", index), f"SunSpec models stand in {Table.HOLDING} registers"
            elif channel.address < HEAD or channel.end - 1 > last:
                yield ("channels", index), f"points of this model stand at {HEAD} to {last}"
