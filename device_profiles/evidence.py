"""Why a profile can be believed: where its facts come from, and bytes with what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from device_profiles.registers import ADDRESS_MAX, Table
from telemetry.sample import Flag
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator


class Source(Settings):
    """Where facts come from: a manual, a public repository's file, or a page."""

    manual: str = ""
    repo: str = ""
    path: str = ""
    web: str = ""
    own: str = ""
    """For a template: that it is our own, and of what."""

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not any((self.manual, self.repo, self.web, self.own)):
            raise ValueError("should name a manual, a repo, a web page, or say that it is our own")
        return self


class Example(Settings):
    """Bytes as the device sent them (or would), and what they mean.

    Attributes:
        hex: of a protocol other than Modbus: one or more whole frames, as they come.
        values: what the channels say; channels that are not named are not checked.
        flags: spelled as `bad:sentinel`.
        source: where the bytes were seen; `computed` if nowhere.
    """

    hex: str
    values: dict[str, float | int | bool | str] = Field(default_factory=dict)
    flags: dict[str, str] = Field(default_factory=dict)
    source: str

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return bytes.fromhex(self.hex)

    @model_validator(mode="after")
    def _is_bytes(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        try:
            data = self.data
        except ValueError:
            yield "hex should be bytes, two digits each"
            return
        if not data or len(data) % self._unit:
            yield f"hex should be whole: at least one, of {self._unit} bytes each"
        if not (self.values or self.flags):
            yield "should have the values or flags that the bytes mean"
        for flag in self.flags.values():
            try:
                Flag.parse(flag)
            except ValueError as error:
                yield str(error)

    @property
    def _unit(self) -> int:
        """It is a multiple of so many bytes."""
        return 1


class RegisterExample(Example):
    """Registers or bits as the device sent them.

    Attributes:
        address: of the first register or bit in `hex`.
        hex: the data bytes of a reply: registers, or bits packed as on the wire.
    """

    table: Table
    address: Annotated[int, Field(ge=0, le=ADDRESS_MAX)]

    @property
    def words(self) -> list[int]:
        """The registers, or the bits as 0 and 1."""
        if self.table.is_bits:
            return [byte >> bit & 1 for byte in self.data for bit in range(8)]
        data = self.data
        return [high << 8 | low for high, low in zip(data[::2], data[1::2], strict=True)]

    @property
    def end(self) -> int:
        """The address behind its last register or bit."""
        return self.address + len(self.words)

    @property
    def _unit(self) -> int:
        return 1 if self.table.is_bits else 2
