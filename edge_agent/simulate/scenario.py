"""A simulation as its YAML file states it: buses, their devices, and what feeds each channel.

Files of recordings stand relative to the scenario; the link of a pty, as an agent's port, relative
to the working directory. Times count from when the simulation is ready.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PositiveFloat,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from device_profiles.registers import Parity
from edge_agent.bus.wire import Wire
from edge_agent.simulate.slave import MAX_OBJECT
from telemetry.names import DEVICE
from telemetry.quantities import Seconds
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Address = Annotated[int, Field(ge=0, le=0xFFFF)]
Lasting = Annotated[Seconds, Field(gt=0)]
Name = Annotated[str, Field(pattern=f"^{DEVICE.pattern}$")]
Baud = Annotated[int, Field(ge=300, le=921_600)]
ObjectText = Annotated[str, Field(max_length=MAX_OBJECT, pattern=r"^[ -~]*$")]


class RecordingFile(Settings):
    """A CSV file whose first line names its columns; `time` is the column of times."""

    file: Path
    time: str
    start: str | None = None
    """The recorded time that is second 0; the first row's, if it is not said."""


class SeriesSource(Settings):
    """A column, as recorded: cell · `factor` + `offset`."""

    kind: Literal["series"]
    recording: str
    column: str
    factor: float = 1.0
    offset: float = 0.0


class LoadSource(Settings):
    """Electrical load by a stated model, for want of a recording.

    base + daily · (1 + cos(2π · (hour - peak) / 24)) / 2 + per_degree · |temperature - comfort|
    """

    kind: Literal["load"]
    temperature: SeriesSource
    """In °C; its rows' times give the hour."""
    base: float
    daily: float = 0.0
    peak: Annotated[float, Field(ge=0, lt=24)] = 19.0
    per_degree: float = 0.0
    comfort: float = 20.0


class CycleStep(Settings):
    """A value, and for how many seconds it holds."""

    value: Scalar
    seconds: Lasting = Field(alias="for")


class CycleSource(Settings):
    """Values one after the other, over and over, in seconds of the simulation."""

    kind: Literal["cycle"]
    steps: Annotated[tuple[CycleStep, ...], Field(min_length=1)]


class SumSource(Settings):
    """`factor` · (the sum of channels above it) + `offset`."""

    kind: Literal["sum"]
    of: Annotated[tuple[str, ...], Field(min_length=1)]
    factor: float = 1.0
    offset: float = 0.0


class TotalSource(Settings):
    """`start` + `factor` · what a channel above it has added up to, in its unit times seconds.

    `of: 1` counts seconds. At `wrap` it begins again at 0, as a register does when it is full.
    """

    kind: Literal["total"]
    of: str | StrictInt
    factor: float = 1.0
    start: float = 0.0
    wrap: PositiveFloat | None = None


class ConstantSource(Settings):
    """Always the same; a bare value in the file is this too."""

    kind: Literal["constant"]
    value: Scalar


def _bare_value(source: Any) -> Any:  # noqa: ANN401 - whatever the file says
    return source if isinstance(source, dict) else {"kind": "constant", "value": source}


Source = Annotated[
    SeriesSource | LoadSource | CycleSource | SumSource | TotalSource | ConstantSource,
    Field(discriminator="kind"),
]


class Window(Settings):
    """From second `at` on, for some seconds, or for good."""

    at: Annotated[Seconds, Field(ge=0)] = 0.0
    seconds: Lasting = Field(default=float("inf"), alias="for")

    def holds(self, at: float) -> bool:
        """Whether `at` is within."""
        return self.at <= at < self.at + self.seconds


class Event(Window):
    """While it lasts, channels say these values instead."""

    set: Annotated[dict[str, Scalar], Field(min_length=1)]


class Lapses(Settings):
    """What goes wrong with any device."""

    silent: tuple[Window, ...] = ()
    delay: Annotated[Seconds, Field(ge=0)] = 0.0
    """How long it takes to answer."""


class Faults(Lapses):
    """What goes wrong with a slave."""

    illegal: tuple[tuple[Address, Address], ...] = ()
    """Ranges of wire addresses that it refuses, in every table."""


class DeviceIdentity(Settings):
    """What it answers to 43/14; without it the device does not know that function."""

    vendor: ObjectText
    product: ObjectText
    revision: ObjectText


class _Device(Settings):
    id: Name
    profile: str
    channels: dict[str, Annotated[Source, BeforeValidator(_bare_value)]] = Field(
        default_factory=dict
    )
    events: tuple[Event, ...] = ()
    faults: Lapses = Lapses()


class SimulatedDevice(_Device):
    """A slave: its profile says where its channels stand; those not named here read as 0.

    On an rtu bus it hears and speaks at its `baud` only, else at that of its bus, and anybody at
    another one gets garbage, as on a real line. Parity cannot be simulated: a pty drops it.
    """

    unit: Annotated[int, Field(ge=1, le=247)]
    offset: Address = 0
    """Where its registers begin; a SunSpec model, if it is not said, behind the common model."""
    baud: Baud | None = None
    identity: DeviceIdentity | None = None
    faults: Faults = Faults()


class SpeakingDevice(_Device):
    """A device that does not speak Modbus: its profile says what its fields are."""

    address: str | None = None
    """As its protocol spells it; the one that it leaves the factory with, if it is not said."""


def _differ(devices: Sequence[_Device], name: str) -> None:
    used = [getattr(device, name) for device in devices]
    for value in used:
        if used.count(value) > 1:
            raise ValueError(f"devices share the {name} {value}")


class _Bus(Settings):
    id: Name
    devices: Annotated[tuple[SimulatedDevice, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _units_differ(self) -> _Bus:
        for name in ("id", "unit"):
            _differ(self.devices, name)
        return self


class TcpBus(_Bus):
    """Modbus TCP: every device behind one port; port 0 takes a free one."""

    kind: Literal["tcp"]
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)]

    @model_validator(mode="after")
    def _has_no_speed(self) -> TcpBus:
        for device in self.devices:
            if device.baud is not None:
                raise ValueError(f"device {device.id} has a baud; a TCP port has no speed")
        return self


class RtuBus(_Bus):
    """Modbus RTU on a pty, which an agent opens by `link`."""

    kind: Literal["rtu"]
    link: Path
    baud: Baud | None = None
    """How fast the wire is, in bits a second; without it devices answer at any speed, at once."""
    parity: Parity = Parity.NONE

    def wire(self, own: int | None) -> Wire | None:
        """How long characters take with a device that has its `own` baud, or not."""
        baud = own or self.baud
        if baud is None:
            return None
        return Wire(baud, bits=10 if self.parity is Parity.NONE else 11)


class SerialBus(Settings):
    """Devices of other protocols on a pty, which an agent opens by `link`."""

    id: Name
    kind: Literal["serial"]
    link: Path
    baud: Baud | None = None
    """How fast the wire is, in bits a second; without it devices answer at any speed, at once."""
    devices: Annotated[tuple[SpeakingDevice, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_differ(self) -> SerialBus:
        _differ(self.devices, "id")
        return self

    @property
    def wire(self) -> Wire | None:
        """How long characters take: ten bits, as 8N1 and 7E1 have."""
        return None if self.baud is None else Wire(self.baud, bits=10)


class Scenario(Settings):
    """A whole simulation."""

    schema_: Literal["simulation/1"] = Field(alias="schema")
    speed: PositiveFloat = 1.0
    """Recorded seconds a second: 3600 replays an hour a second."""
    profiles: tuple[Path, ...] = ()
    """Folders of profiles beside the catalogue, relative to the scenario."""
    recordings: dict[str, RecordingFile] = Field(default_factory=dict)
    buses: Annotated[
        tuple[Annotated[TcpBus | RtuBus | SerialBus, Field(discriminator="kind")], ...],
        Field(min_length=1),
    ]
