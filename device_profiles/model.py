"""A device profile: which channels a device model has, and how its bytes become values.

Schema `device-profile/1`. Everything that can be checked without the device is checked here, so
that behind it decoding cannot fail and planning cannot leave what the device answers.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from device_profiles import references
from device_profiles.addressing import Addressing
from device_profiles.behaviour import Group, Limits, Serial, Timing
from device_profiles.channel import FieldChannel, RegisterChannel
from device_profiles.defaults import Defaults, FieldDefaults, RegisterDefaults, inherited
from device_profiles.evidence import Example, RegisterExample, Source
from device_profiles.identify import Identify, KnownRegister, Probe
from device_profiles.meaning import Channel
from device_profiles.repeat import Entries, times
from device_profiles.writing import Command
from telemetry.names import CHANNEL, DEVICE, is_name
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry.settings import Place

FieldProtocol = Literal[
    "plantower",
    "sds011",
    "sps30",
    "mhz19",
    "a02",
    "wxt",
    "megatec",
    "dlt645",
    "iec62056-21",
    "mbus",
    "umb",
    "ab3418",
]
"""The protocols other than Modbus."""


class Profile(Settings):
    """A device model, whatever protocol it speaks.

    Attributes:
        id: of the model; never changed.
        revision: rises with each change of a published profile.
        device_class: what it is (`class` in the file), such as electricity-meter.
        measurement: the table that its samples are stored in.
        verify: facts that nobody has confirmed on hardware.
        commands: what else it could be told; declared for people, never executed.
        quirks: what an operator should know.
    """

    format: Annotated[Literal["device-profile/1"], Field(alias="schema")]
    id: str
    revision: Annotated[int, Field(ge=1)]
    title: Annotated[str, Field(min_length=1)]
    device_class: Annotated[str, Field(alias="class", pattern=r"^[a-z]+(-[a-z]+)*$")]
    measurement: str
    protocol: str
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    verify: tuple[str, ...] = ()
    serial: Serial = Serial()
    timing: Timing = Timing()
    identify: Probe | None = None
    groups: Annotated[dict[str, Group], Field(min_length=1)]
    defaults: Defaults = Defaults()
    channels: tuple[Channel, ...]
    examples: tuple[Example, ...]
    commands: tuple[Command, ...] = ()
    quirks: tuple[str, ...] = ()

    @property
    def unverified(self) -> tuple[str, ...]:
        """Every fact of it that nobody has confirmed on hardware."""
        of_channels = (f"{c.id}.{fact}" for c in self.channels for fact in c.verify)
        return (*self.verify, *of_channels)

    @property
    def readable(self) -> tuple[Channel, ...]:
        """The channels that can be read at all."""
        return tuple(channel for channel in self.channels if channel.access.is_read)

    @model_validator(mode="wrap")
    @classmethod
    def _checked(
        cls,
        document: Any,  # noqa: ANN401 - YAML can be anything
        handler: ModelWrapValidatorHandler[Self],
    ) -> Self:
        profile = handler(inherited(document))
        problems = list(profile.problems())
        if problems:
            entries = _entries(document)
            raise ValidationError.from_exception_data(
                "Profile", [_error(_at(place, entries), message) for place, message in problems]
            )
        return profile

    @abstractmethod
    def problems(self) -> Iterator[tuple[Place, str]]:
        """Where its parts do not fit together, and why."""
        if not is_name(DEVICE, self.id):
            yield ("id",), f"{self.id!r} should be such as eastron-sdm630"
        if not is_name(CHANNEL, self.measurement):
            yield ("measurement",), f"{self.measurement!r} should be such as electricity_meter"
        yield from references.among_channels(self.channels, self.groups)
        yield from references.of_examples(self.examples, self.channels)
        if self.identify is not None:
            yield from references.of_probe(self.identify, self.channels)


class ModbusProfile(Profile):
    """A device that is read by Modbus.

    Attributes:
        unit: the Modbus address it leaves the factory with.
        addressing: what address 0 is, where that is not the device's own register 0.
    """

    protocol: Literal["modbus"] = "modbus"
    unit: Annotated[int, Field(ge=1, le=247)] = 1
    addressing: Addressing | None = None
    limits: Limits = Limits()
    identify: Identify | None = None
    defaults: RegisterDefaults = RegisterDefaults()
    channels: Annotated[tuple[RegisterChannel, ...], Entries]
    examples: Annotated[tuple[RegisterExample, ...], Field(min_length=1)]

    @property
    def known_register(self) -> KnownRegister | None:
        """The register that tells the model, if one does."""
        if self.addressing is not None:
            return self.addressing.register
        return None if self.identify is None else self.identify.read

    @property
    def end(self) -> int:
        """The address behind its last channel."""
        return max(channel.end for channel in self.channels)

    def moved(self, offset: int) -> Self:
        """The same with its addresses as they are in a device whose registers begin at `offset`.

        The examples stay where they were, and `end + offset` is within what can be addressed.
        """
        known, identify = self.known_register, self.identify
        if known is not None:
            read = known.model_copy(update={"address": known.address + offset})
            identify = (identify or Identify.model_construct()).model_copy(update={"read": read})
        channels = (c.model_copy(update={"address": c.address + offset}) for c in self.channels)
        return self.model_copy(
            update={
                "addressing": None,
                "channels": tuple(channels),
                "limits": self.limits.moved(offset),
                "identify": identify,
            }
        )

    def problems(self) -> Iterator[tuple[Place, str]]:
        """Where its parts do not fit together, and why."""
        yield from super().problems()
        yield from references.among_registers(self.channels, self.limits)
        yield from references.of_bytes(self.examples, self.channels)
        if self.identify is not None:
            yield from references.of_identity(self.identify, self.channels, self.limits)
        if self.addressing is not None:
            yield from self.addressing.problems(self.channels)
            if self.identify is not None and self.identify.read is not None:
                yield ("identify", "read"), "a SunSpec model is known by its ID register already"


class FieldProfile(Profile):
    """A device that is read by another protocol, which knows its values by name.

    Attributes:
        address: as its protocol spells it, that it leaves the factory with; empty where the
            protocol has none.
    """

    protocol: FieldProtocol
    address: str = ""
    defaults: FieldDefaults = FieldDefaults()
    channels: Annotated[tuple[FieldChannel, ...], Entries]
    examples: Annotated[tuple[Example, ...], Field(min_length=1)]

    def problems(self) -> Iterator[tuple[Place, str]]:
        """Where its parts do not fit together, and why."""
        yield from super().problems()


AnyProfile = ModbusProfile | FieldProfile


def model_of(document: object) -> type[ModbusProfile | FieldProfile]:
    """The model that a document follows, by its protocol."""
    protocol = document.get("protocol") if isinstance(document, dict) else None
    return FieldProfile if protocol in get_args(FieldProtocol) else ModbusProfile


def _error(place: Place, message: str) -> InitErrorDetails:
    # the message is context: a template would read braces in it
    problem = PydanticCustomError("profile", "{problem}", {"problem": message})
    return InitErrorDetails(type=problem, loc=place, input=None)


def _entries(document: Any) -> list[int]:  # noqa: ANN401 - YAML can be anything
    """Of each channel, the index of the entry that it came from."""
    entries = document["channels"] if isinstance(document, dict) else ()
    return [index for index, entry in enumerate(entries) for _ in range(times(entry))]


def _at(place: Place, entries: list[int]) -> Place:
    match place:
        case ("channels", int(index), *rest):
            return ("channels", entries[index], *rest)
        case _:
            return place
