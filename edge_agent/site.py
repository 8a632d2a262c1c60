"""A configuration with its profiles: every device, and the reads that its rounds consist of.

A round is what is read of one device at one interval; groups that share an interval are one round.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from device_profiles.loader import UnknownProfile, find
from device_profiles.model import ModbusProfile
from edge_agent.bus.plan import Cost, plan
from edge_agent.bus.settings import Line
from edge_agent.config import AgentConfig
from telemetry import announce, settings
from telemetry.envelope import Device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from device_profiles.model import Profile, RegisterChannel
    from edge_agent.bus.plan import Request
    from edge_agent.bus.settings import AnyBus
    from edge_agent.config import DeviceSettings

HEARTBEAT = 60.0
"""Seconds: a silent device is asked, and flagged, at least as often (see `bus.health`)."""


Plans = dict[tuple[str, float | None, Cost], dict[float, "tuple[Request, ...]"]]
"""The reads at each interval, for devices of one profile, own interval and cost: they share them.

50 devices of 20 channels take 0.7 MB less so.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """What is read of a device every `interval` seconds."""

    device: str
    interval: float
    requests: tuple[Request, ...]

    @property
    def channels(self) -> tuple[RegisterChannel, ...]:
        """Every channel that it brings."""
        return tuple(channel for request in self.requests for channel in request.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDevice:
    """A device with its profile; `response` (seconds): how long it may take to begin to answer."""

    settings: DeviceSettings
    profile: ModbusProfile
    rounds: tuple[Round, ...]
    cost: Cost
    response: float
    heartbeat: float

    @property
    def id(self) -> str:
        """Its id."""
        return self.settings.id

    @property
    def envelope_device(self) -> Device:
        """What travels with its samples."""
        p = self.profile
        return Device(self.id, p.id, p.revision, p.measurement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All of it, and a hash of the file that it came from."""

    config: AgentConfig
    devices: tuple[SiteDevice, ...]
    digest: str

    def on(self, bus: str) -> tuple[SiteDevice, ...]:
        """The devices of one bus."""
        return tuple(device for device in self.devices if device.settings.bus == bus)


def version() -> str:
    """The agent's own."""
    return metadata.version("city-telemetry")


def load(path: Path) -> Site:
    """The site that a configuration file describes.

    Raises:
        SettingsError: if something is wrong with the file or a profile, with the lines.
    """
    config = settings.load(path, AgentConfig)
    text = path.read_text(encoding="utf-8")
    profiles, problems = _profiles(config, text, str(path))
    if problems:
        raise settings.SettingsError(problems)
    buses = {bus.id: bus for bus in config.buses}
    plans: Plans = {}
    devices = tuple(
        site_device(device, buses[device.bus], profiles[device.profile], plans)
        for device in config.devices
    )
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Site(config=config, devices=devices, digest=digest)


def site_device(
    device: DeviceSettings, bus: AnyBus, profile: ModbusProfile, plans: Plans | None = None
) -> SiteDevice:
    """A device's rounds on its bus; `plans` holds the reads of devices like it, or will."""
    plans = {} if plans is None else plans
    cost = _cost(bus, profile)
    alike = (profile.id, device.interval, cost)
    if alike not in plans:
        plans[alike] = _plan(device, profile, cost)
    reads = plans[alike]
    return SiteDevice(
        settings=device,
        profile=profile,
        rounds=tuple(
            Round(device=device.id, interval=interval, requests=requests)
            for interval, requests in reads.items()
        ),
        cost=cost,
        response=bus.timeout or profile.timing.response_timeout,
        heartbeat=device.heartbeat or max(HEARTBEAT, *reads),
    )


def model(profile: Profile) -> announce.Model:
    """A profile as a collector needs to know it."""
    channels = {
        c.id: announce.Channel(c.unit, c.stored, c.kind.value, c.label) for c in profile.channels
    }
    return announce.Model(profile.revision, profile.measurement, channels)


def _profiles(
    config: AgentConfig, text: str, name: str
) -> tuple[dict[str, ModbusProfile], list[str]]:
    """The profiles by id, and what is wrong with them."""
    directories = [] if config.profiles_dir is None else [config.profiles_dir]
    _, lines = settings.read_yaml(text, name)
    profiles: dict[str, ModbusProfile] = {}
    problems: dict[str, list[str]] = {}
    for index, device in enumerate(config.devices):
        if device.profile in profiles or device.profile in problems:
            continue
        place = ("devices", index, "profile")
        where = f"{name}:{lines.get(place, 1)}: {settings.spell(place)}"
        try:
            profile = find(device.profile, directories)
            if isinstance(profile, ModbusProfile):
                profiles[device.profile] = profile
            else:
                problems[device.profile] = [f"{where} — speaks {profile.protocol}, not Modbus"]
        except UnknownProfile as error:
            problems[device.profile] = [f"{where} — {error}"]
        except settings.SettingsError as error:
            problems[device.profile] = error.problems
    return profiles, [problem for part in problems.values() for problem in part]


def _cost(bus: AnyBus, profile: ModbusProfile) -> Cost:
    if isinstance(bus, Line):
        return Cost.serial(bus.baud, char_bits=bus.wire.bits, turnaround=profile.timing.turnaround)
    return Cost.tcp()


def _plan(
    device: DeviceSettings, profile: ModbusProfile, cost: Cost
) -> dict[float, tuple[Request, ...]]:
    """The reads at each interval, the shortest first."""
    intervals = _intervals(device, profile)
    return {
        interval: plan(_members(profile, intervals, interval), profile.limits, cost)
        for interval in sorted(set(intervals.values()))
    }


def _intervals(device: DeviceSettings, profile: ModbusProfile) -> dict[str, float]:
    """Each group's interval: the site's own is for the fastest, the others are never faster."""
    own = {name: group.interval for name, group in profile.groups.items() if _used(profile, name)}
    if device.interval is None:
        return own
    fastest = min(own.values())
    return {
        name: device.interval if interval == fastest else max(interval, device.interval)
        for name, interval in own.items()
    }


def _used(profile: ModbusProfile, group: str) -> bool:
    return any(channel.group == group for channel in profile.channels)


def _members(
    profile: ModbusProfile, intervals: dict[str, float], interval: float
) -> Iterator[RegisterChannel]:
    return (c for c in profile.channels if intervals[c.group] == interval)
