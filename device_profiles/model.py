"""A device profile: which channels a device model has, and how its registers become values.

Schema `device-profile/1`. Everything that can be checked without the device is checked here, so
that behind it decoding cannot fail and planning cannot leave what the device answers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from device_profiles.behaviour import Group, Limits, Serial, Timing
from device_profiles.channel import Channel, ChannelKind, Stored
from device_profiles.evidence import Example, Source
from device_profiles.registers import Table, Type, natural_order
from telemetry.names import CHANNEL, DEVICE, is_name
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry.settings import Place

__all__ = [
    "Channel",
    "ChannelKind",
    "Defaults",
    "Example",
    "Group",
    "Limits",
    "Profile",
    "Serial",
    "Source",
    "Stored",
    "Table",
    "Timing",
    "Type",
]


class Defaults(Settings):
    """What channels have unless they say otherwise; `order` only where it has the right length."""

    table: Table | None = None
    type: Type | None = None
    order: str | None = None
    scale: Decimal | None = None
    group: str | None = None


class Profile(Settings):
    """A device model.

    Attributes:
        id: of the model; never changed.
        revision: rises with each change of a published profile.
        device_class: what it is (`class` in the file), such as electricity-meter.
        measurement: the table that its samples are stored in.
        verify: facts that nobody has confirmed on hardware.
        unit: the Modbus address it leaves the factory with.
        quirks: what an operator should know.
    """

    format: Annotated[Literal["device-profile/1"], Field(alias="schema")]
    id: str
    revision: Annotated[int, Field(ge=1)]
    title: Annotated[str, Field(min_length=1)]
    device_class: Annotated[str, Field(alias="class", pattern=r"^[a-z]+(-[a-z]+)*$")]
    measurement: str
    protocol: Literal["modbus"] = "modbus"
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    verify: tuple[str, ...] = ()
    unit: Annotated[int, Field(ge=1, le=247)] = 1
    serial: Serial = Serial()
    limits: Limits = Limits()
    timing: Timing = Timing()
    groups: Annotated[dict[str, Group], Field(min_length=1)]
    defaults: Defaults = Defaults()
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]
    examples: Annotated[tuple[Example, ...], Field(min_length=1)]
    quirks: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, document: Any) -> Any:  # noqa: ANN401 - YAML can be anything
        match document:
            case {"defaults": dict(defaults), "channels": list(channels)}:
                known = {key: defaults[key] for key in Defaults.model_fields if key in defaults}
                return {**document, "channels": [_inheriting(known, entry) for entry in channels]}
            case _:
                return document

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        problems = [*self._problems(), *self._problems_of_examples()]
        if problems:
            raise ValidationError.from_exception_data(
                "Profile",
                [
                    # the message is context: a template would read braces in it
                    InitErrorDetails(
                        type=PydanticCustomError("profile", "{problem}", {"problem": message}),
                        loc=place,
                        input=self.id,
                    )
                    for place, message in problems
                ],
            )
        return self

    def _problems(self) -> Iterator[tuple[Place, str]]:
        if not is_name(DEVICE, self.id):
            yield ("id",), f"{self.id!r} should be such as eastron-sdm630"
        if not is_name(CHANNEL, self.measurement):
            yield ("measurement",), f"{self.measurement!r} should be such as electricity_meter"
        first: dict[str, int] = {}
        for index, channel in enumerate(self.channels):
            place: Place = ("channels", index)
            if first.setdefault(channel.id, index) != index:
                yield place, f"id {channel.id!r} is taken by channels[{first[channel.id]}]"
            for problem in self._misfits(channel):
                yield place, problem

    def _misfits(self, channel: Channel) -> Iterator[str]:
        if channel.group not in self.groups:
            yield f"group {channel.group!r} is not among {', '.join(self.groups)}"
        if channel.width > self.limits.room(channel.table):
            room = self.limits.room(channel.table)
            yield f"{channel.id!r} is {channel.width} registers wide; one read takes {room}"
        if self.limits.bounds(channel) is None:
            ranges = [list(pair) for pair in self.limits.ranges[channel.table]]
            last = channel.end - 1
            yield f"{channel.address} to {last} is in none of the {channel.table} ranges {ranges}"

    def _problems_of_examples(self) -> Iterator[tuple[Place, str]]:
        known = {channel.id: channel for channel in self.channels}
        for index, example in enumerate(self.examples):
            end = example.address + len(example.words)
            for name in (*example.values, *example.flags):
                channel = known.get(name)
                if channel is None:
                    yield ("examples", index), f"there is no channel {name!r}"
                elif channel.table is not example.table or not (
                    example.address <= channel.address and channel.end <= end
                ):
                    yield ("examples", index), f"channel {name!r} is not within these bytes"


def _inheriting(defaults: dict[str, Any], entry: Any) -> Any:  # noqa: ANN401 - YAML
    if not isinstance(entry, dict):
        return entry
    merged = {**defaults, **entry}
    if "order" in merged and "order" not in entry and not _order_fits(merged):
        del merged["order"]
    return merged


def _order_fits(entry: dict[str, Any]) -> bool:
    kind = entry.get("type")
    return kind in set(Type) and len(str(entry["order"])) == len(natural_order(Type(kind)))
