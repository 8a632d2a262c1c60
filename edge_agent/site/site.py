"""A configuration with its profiles: every device, and the reads that its rounds consist of.

A round is what is read of one device at one interval; groups that share an interval are one round.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from device_profiles.loader import UnknownProfile, find
from device_profiles.model import ModbusProfile
from edge_agent.bus.cost import Cost
from edge_agent.bus.rounds import Reads, share, timetable
from edge_agent.config import AgentConfig
from edge_agent.sampling.settings import ChannelSettings
from edge_agent.site.fitting import address_of, misfits, placed, too_slow
from edge_agent.site.reads import cost_on, reads_of
from telemetry import announce, settings
from telemetry.envelope import Device

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from device_profiles.model import AnyProfile, Profile
    from edge_agent.bus.rounds import Round, Timetable
    from edge_agent.bus.settings import AnyBus
    from edge_agent.config import DeviceSettings
    from telemetry.settings import Place

HEARTBEAT = 60.0
"""Seconds: a silent device is flagged at least as often (see `bus.health`)."""

Plans = dict[tuple[str, float | None, str, Cost, frozenset[tuple[str, ChannelSettings]]], Reads]
"""The reads of devices of one profile, own interval, address or offset, cost, and own channels:
they share them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDevice:
    """A device with its profile.

    Attributes:
        timetable: what is read of it, and when.
        cost: what that takes of its bus's time.
        response: seconds within which it begins to answer.
        heartbeat: seconds within which each of its channels is heard of.
    """

    settings: DeviceSettings
    profile: AnyProfile
    timetable: Timetable
    cost: Cost
    response: float
    heartbeat: float

    @property
    def id(self) -> str:
        """Its id."""
        return self.settings.id

    @property
    def address(self) -> str:
        """Where it is on its bus, as its protocol spells that."""
        return address_of(self.settings, self.profile)

    @property
    def rounds(self) -> tuple[Round, ...]:
        """What is read of it at each interval, the shortest first."""
        return self.timetable.apart

    @property
    def load(self) -> float:
        """The part of its bus's time that it takes."""
        return share(self.timetable, self.cost)

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
    lines = _Lines(text, str(path))
    devices = tuple(_devices(config, lines))
    _refuse(
        lines.problem(index, key, message)
        for index, device in enumerate(devices)
        for key, message in too_slow(device.rounds, device.heartbeat)
    )
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Site(config=config, devices=devices, digest=digest)


def _devices(config: AgentConfig, lines: _Lines) -> Iterator[SiteDevice]:
    """Every device, if all of them have a profile that fits their bus."""
    profiles, problems = _profiles(config, lines)
    buses = {bus.id: bus for bus in config.buses}
    fitted = [
        (index, device, buses[device.bus], profiles[device.profile])
        for index, device in enumerate(config.devices)
        if device.profile in profiles
    ]
    misfitted = (
        lines.problem(index, key, message)
        for index, device, bus, profile in fitted
        for key, message in misfits(device, bus, profile)
    )
    _refuse([*problems, *misfitted])
    plans: Plans = {}
    for _, device, bus, profile in fitted:
        yield site_device(device, bus, placed(device, profile), plans)


def _refuse(problems: Iterable[str]) -> None:
    if told := list(problems):
        raise settings.SettingsError(told)


def model(profile: Profile) -> announce.Model:
    """A profile as a collector needs to know it."""
    channels = {
        c.id: announce.Channel(c.unit, c.stored, c.kind.value, c.label) for c in profile.channels
    }
    return announce.Model(profile.revision, profile.measurement, channels)


def site_device(
    device: DeviceSettings, bus: AnyBus, profile: AnyProfile, plans: Plans | None = None
) -> SiteDevice:
    """A device's rounds on its bus; `plans` holds the reads of devices like it, or will."""
    plans = {} if plans is None else plans
    cost = cost_on(bus, profile)
    place = address_of(device, profile)
    if isinstance(profile, ModbusProfile):
        place = str(device.offset)
    alike = (profile.id, device.interval, place, cost, frozenset(device.channels.items()))
    if alike not in plans:
        plans[alike] = reads_of(device, profile, cost)
    intervals = [interval for interval in plans[alike].apart if math.isfinite(interval)]
    return SiteDevice(
        settings=device,
        profile=profile,
        timetable=timetable(device.id, plans[alike]),
        cost=cost,
        response=bus.timeout or profile.timing.response_timeout,
        heartbeat=device.heartbeat or max(HEARTBEAT, *intervals),
    )


class _Lines:
    """Where in a configuration's text something is said."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        _, self._lines = settings.read_yaml(text, name)

    def problem(self, index: int, key: str, message: str) -> str:
        """What is wrong with a device's key, as `channels.voltage`, or near it if not given."""
        place: Place = ("devices", index, *key.split("."))
        near = (place[:length] for length in range(len(place), 1, -1))
        line = next((self._lines[each] for each in near if each in self._lines), 1)
        return f"{self._name}:{line}: {settings.spell(place)} — {message}"


def _profiles(config: AgentConfig, lines: _Lines) -> tuple[dict[str, AnyProfile], list[str]]:
    """The profiles by id, and what is wrong with them."""
    directories = [] if config.profiles_dir is None else [config.profiles_dir]
    profiles: dict[str, AnyProfile] = {}
    problems: dict[str, list[str]] = {}
    for index, device in enumerate(config.devices):
        if device.profile in profiles or device.profile in problems:
            continue
        try:
            profiles[device.profile] = find(device.profile, directories)
        except UnknownProfile as error:
            problems[device.profile] = [lines.problem(index, "profile", str(error))]
        except settings.SettingsError as error:
            problems[device.profile] = error.problems
    return profiles, [problem for part in problems.values() for problem in part]
