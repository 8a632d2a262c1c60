"""The agent's configuration: one YAML file, checked as a whole before anything starts.

What one part says of another (a device's bus, a name taken twice) is checked here too, so that
each error names its line.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from device_profiles.registers import ADDRESS_MAX
from edge_agent.bus.settings import AnyBus, PortBus, TcpBus, TlsBus, UdpBus
from edge_agent.delivery.settings import OutboxSettings, UplinkSettings
from edge_agent.ids import AgentId, Name
from edge_agent.sampling.settings import ChannelSettings
from telemetry.names import DEVICE, is_name
from telemetry.quantities import Seconds
from telemetry.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry.settings import Place

DATA_DIR = Path("/var/lib/city-telemetry/agent")
"""What must outlive the process: the outbox and the last state."""

HEALTH_SUFFIX = "-health"
"""A device's counters are samples of a device of its own: `meter-1-health`."""

GATEWAY = "gateway"
"""The device whose samples are the gateway's own vitals."""


class Identity(Settings):
    """Which gateway this is: its id, its site's id, and where it stands (WGS 84)."""

    id: AgentId
    site: Name | None = None
    position: (
        tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]
        | None
    ) = None


class DeviceSettings(Settings):
    """One device.

    Attributes:
        unit: its Modbus address.
        address: the same in other protocols, as each spells it; the profile's, if not given.
        offset: is added to every register's address, where a device's registers begin elsewhere
            than those of its profile; `edge-agent scan` finds that of a SunSpec device.
        interval: how often its fastest group is read, instead of what its profile says.
        heartbeat: how often at the least each channel is sent; derived from the intervals.
        report: whether every reading is sent, or what has changed.
        channels: what the site says of single channels.
    """

    id: Name
    bus: str
    unit: int = 1
    address: str | None = None
    offset: Annotated[int, Field(ge=0, le=ADDRESS_MAX)] = 0
    profile: str
    interval: Annotated[Seconds, Field(ge=0.01, le=86_400)] | None = None
    label: str = ""
    heartbeat: Annotated[Seconds, Field(gt=0)] | None = None
    report: Literal["all", "changes"] = "all"
    channels: dict[str, ChannelSettings] = Field(default_factory=dict)


class ClockSettings(Settings):
    """Whether the kernel says that the time is true, or the host vouches for it.

    `trusted` is for a container or a virtual machine that may not ask its kernel.
    """

    source: Literal["kernel", "trusted"] = "kernel"


class VitalsSettings(Settings):
    """How often the gateway's own samples are taken; 0 is never."""

    interval: Annotated[Seconds, Field(ge=0, le=86_400)] = 60.0


class StatusSettings(Settings):
    """Where `edge-agent status` finds the running agent's state, and how old that may be.

    A directory in memory (/run) spares the flash; without one it is `data_dir`.
    """

    directory: Path | None = None
    interval: Annotated[Seconds, Field(ge=0.2, le=10)] = 5.0


class AgentConfig(Settings):
    """The whole file."""

    agent: Identity
    data_dir: Path = DATA_DIR
    profiles_dir: Path | None = None
    buses: tuple[Annotated[AnyBus, Field(discriminator="transport")], ...] = ()
    devices: tuple[DeviceSettings, ...] = ()
    outbox: OutboxSettings = OutboxSettings()
    uplink: UplinkSettings = UplinkSettings()
    clock: ClockSettings = ClockSettings()
    vitals: VitalsSettings = VitalsSettings()
    status: StatusSettings = StatusSettings()

    @property
    def status_dir(self) -> Path:
        """Where the running agent's state is."""
        return self.status.directory or self.data_dir

    @property
    def outbox_path(self) -> Path:
        """The outbox file."""
        return self.outbox.path or self.data_dir / "outbox.db"

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        problems = [
            # The message is passed as context: a template would read braces in it.
            InitErrorDetails(
                type=PydanticCustomError("agent", "{problem}", {"problem": message}),
                loc=place,
                input=None,
            )
            for place, message in self._problems()
        ]
        if problems:
            raise ValidationError.from_exception_data("AgentConfig", problems)
        return self

    def _problems(self) -> Iterator[tuple[Place, str]]:
        yield from _taken("buses", [bus.id for bus in self.buses])
        yield from _taken("devices", [device.id for device in self.devices])
        yield from self._shared_ports()
        for index, device in enumerate(self.devices):
            for key, message in self._misfits(device):
                yield ("devices", index, key), message

    def _shared_ports(self) -> Iterator[tuple[Place, str]]:
        first: dict[str, str] = {}
        for index, bus in enumerate(self.buses):
            if not isinstance(bus, PortBus):
                continue
            owner = first.setdefault(str(bus.port), bus.id)
            if owner != bus.id:
                yield ("buses", index, "port"), f"{bus.port} is taken by bus {owner!r}"

    def _misfits(self, device: DeviceSettings) -> Iterator[tuple[str, str]]:
        health = device.id + HEALTH_SUFFIX
        if device.id == GATEWAY or device.id.endswith(HEALTH_SUFFIX):
            yield "id", f"{device.id!r} is a name of the agent's own samples"
        elif not is_name(DEVICE, health):
            longest = 40 - len(HEALTH_SUFFIX)
            yield "id", f"{device.id!r} is longer than {longest}; its counters are {health!r}"
        bus = next((bus for bus in self.buses if bus.id == device.bus), None)
        if bus is None:
            known = ", ".join(bus.id for bus in self.buses) or "none"
            yield "bus", f"there is no bus {device.bus!r}; known are {known}"
        yield from _unit_misfit(device.unit, bus)


def _unit_misfit(unit: int, bus: AnyBus | None) -> Iterator[tuple[str, str]]:
    """Units as Modbus has them: 0 is everybody on a line; 0 and 255 are the TCP device itself."""
    networked = isinstance(bus, TcpBus | UdpBus | TlsBus)
    if networked and unit in (0, 255):
        return
    if unit > 247:  # noqa: PLR2004 - Modbus over Serial Line V1.02, §2.2
        yield "unit", "should be at most 247" + (", or 255" * networked)
    elif unit < 1:
        yield "unit", "should be at least 1; 0 addresses every device on a serial line"


def _taken(part: str, ids: list[str]) -> Iterator[tuple[Place, str]]:
    for index, name in enumerate(ids):
        if name in ids[:index]:
            yield (part, index, "id"), f"{name!r} is taken by {part}[{ids.index(name)}]"
