"""Why a profile can be believed: where its facts come from, and bytes with what they mean."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from device_profiles.registers import ADDRESS_MAX, Table
from telemetry.settings import Settings


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
        address: of the first register or bit in `hex`.
        hex: the data bytes of a reply: registers, or bits packed as on the wire.
        values: what the channels say; channels that are not named are not checked.
        flags: spelled as `bad:sentinel`.
        source: where the bytes were seen; `computed` if nowhere.
    """

    table: Table
    address: Annotated[int, Field(ge=0, le=ADDRESS_MAX)]
    hex: str
    values: dict[str, float | int | bool | str] = Field(default_factory=dict)
    flags: dict[str, str] = Field(default_factory=dict)
    source: str

    @property
    def words(self) -> list[int]:
        """The registers, or the bits as 0 and 1."""
        data = bytes.fromhex(self.hex)
        if self.table.is_bits:
            return [byte >> bit & 1 for byte in data for bit in range(8)]
        return [high << 8 | low for high, low in zip(data[::2], data[1::2], strict=True)]

    @model_validator(mode="after")
    def _is_bytes(self) -> Self:
        try:
            words = self.words
        except ValueError as error:
            raise ValueError("hex should be whole registers, two digits a byte") from error
        if not words or not (self.values or self.flags):
            raise ValueError("should have bytes, and the values or flags that they mean")
        return self
