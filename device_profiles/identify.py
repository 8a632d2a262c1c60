"""How a device is recognised on a bus: by what it says of itself, by a register, or by values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from device_profiles.channel import RegisterChannel
from device_profiles.encode import encode
from device_profiles.registers import ADDRESS_MAX, MAX_REGISTERS, Table, Type
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry.sample import Value


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]
"""A regular expression that the whole of a text must match."""


class Nameplate(Settings):
    """What a device says to function 43/14 (Modbus Application Protocol V1.1b3, §6.21)."""

    vendor: Pattern | None = None
    product: Pattern | None = None
    revision: Pattern | None = None

    def fits(self, objects: Mapping[int, str]) -> bool:
        """Whether these objects, by id, are such a device's."""
        wanted = enumerate((self.vendor, self.product, self.revision))
        return all(
            pattern is None or re.fullmatch(pattern, objects.get(number, "")) is not None
            for number, pattern in wanted
        )

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not any((self.vendor, self.product, self.revision)):
            raise ValueError("should name vendor, product or revision")
        return self


class KnownRegister(Settings):
    """A register that holds the same in every device of the model; see `RegisterChannel`.

    Attributes:
        equals: the value it has, or the values of which it has one.
        regex: what its text matches, whole.
    """

    table: Table
    address: Annotated[int, Field(ge=0, le=ADDRESS_MAX)]
    type: Type
    length: Annotated[int, Field(ge=1, le=MAX_REGISTERS)] | None = None
    order: str = ""
    layout: Literal["both", "upper", "lower"] = "both"
    equals: int | str | tuple[int | str, ...] | None = None
    regex: Pattern | None = None

    @property
    def channel(self) -> RegisterChannel:
        """What reads it."""
        return RegisterChannel(
            id="identity",
            table=self.table,
            address=self.address,
            type=self.type,
            length=self.length,
            order=self.order,
            layout=self.layout,
        )

    @property
    def examples(self) -> tuple[int | str, ...]:
        """Values that it may hold, where they are named one by one."""
        if self.equals is None:
            return ()
        return self.equals if isinstance(self.equals, tuple) else (self.equals,)

    def fits(self, value: Value) -> bool:
        """Whether the register of such a device holds this value."""
        if self.regex is not None:
            return re.fullmatch(self.regex, str(value)) is not None
        return value in self.examples

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if (self.equals is None) == (self.regex is None):
            raise ValueError("should have either equals or regex")
        if self.type is Type.BOOL:
            raise ValueError("one bit tells no device from another")
        channel = self.channel
        if self.equals == ():
            raise ValueError("equals should name a value")
        for value in self.examples:
            encode(channel, value)
        return self


class Probe(Settings):
    """Recognition by values: all these channels answer, each within its range."""

    probe: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise ValueError(f"should have {' or '.join(type(self).model_fields)}")
        return self


class Identify(Probe):
    """How a Modbus device is recognised; what is named must all hold."""

    fc43: Nameplate | None = None
    read: KnownRegister | None = None
