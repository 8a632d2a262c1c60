"""What could be written to a device: declared and shown to people, never executed."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from device_profiles.registers import Table
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE_ONE_REGISTER: Final = 6
FUNCTIONS: Final = {Table.COIL: (5, 15), Table.HOLDING: (WRITE_ONE_REGISTER, 16)}
"""What writes each table (Modbus Application Protocol V1.1b3, §6); the others cannot be written."""


class Access(StrEnum):
    """What can be done with a channel."""

    READ = "r"
    WRITE = "w"
    """It cannot be read, so no plan has it."""
    BOTH = "rw"

    @property
    def is_read(self) -> bool:
        """Whether it can be read."""
        return self is not Access.WRITE

    @property
    def is_written(self) -> bool:
        """Whether it can be written."""
        return self is not Access.READ


class Write(Settings):
    """What writing a channel would have to obey.

    Attributes:
        function: Modbus' (5 and 15 for coils, 6 and 16 for holding registers).
        min: lowest value, in the channel's unit.
        max: highest value.
        step: values between must be whole multiples of it.
        confirm: how a write is known to have happened.
        danger: why it is not to be tried lightly, such as `changes-address`.
    """

    function: Literal[5, 6, 15, 16]
    min: float | None = None
    max: float | None = None
    step: Annotated[float, Field(gt=0)] | None = None
    confirm: Literal["readback"] | None = None
    danger: str = ""

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self

    def misfits(self, table: Table, width: int) -> Iterator[str]:
        """Why such a channel cannot be written so."""
        known = FUNCTIONS.get(table, ())
        if self.function not in known:
            able = " or ".join(map(str, known)) or "nothing"
            yield f"function {self.function} does not write a {table} register; {able} does"
        elif self.function == WRITE_ONE_REGISTER and width > 1:
            yield f"function {self.function} writes one register; this is {width} wide"


class Command(Settings):
    """A request beyond reading and writing, such as a reset.

    Attributes:
        hex: its bytes, without address and checksum.
        danger: why it is not to be tried lightly.
    """

    id: Annotated[str, Field(pattern=r"^[a-z]+(_[a-z0-9]+)*$")]
    hex: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{2} ?)+$")]
    danger: Annotated[str, Field(min_length=1)]
