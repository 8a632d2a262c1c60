"""Everything that a scenario needs, gathered: its file, its recordings, its devices' profiles."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_profiles.encode import NotEncodable
from device_profiles.loader import UnknownProfile, find
from device_profiles.model import FieldProfile, ModbusProfile
from edge_agent.simulate.far_ends import NotPlayed
from edge_agent.simulate.recording import BadRecording, Recording, parse
from edge_agent.simulate.replay import Replay
from edge_agent.simulate.scenario import RtuBus, Scenario, SerialBus, TcpBus
from edge_agent.simulate.script import Script, UnknownChannel
from edge_agent.simulate.slave import Identity
from edge_agent.simulate.speaker import Speaker
from edge_agent.simulate.sunspec import NoRoom
from edge_agent.simulate.unit import Unit
from edge_agent.simulate.wiring import BadWiring, signals
from telemetry import settings
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edge_agent.simulate.scenario import SimulatedDevice, SpeakingDevice
    from telemetry.settings import Place


@dataclass(frozen=True, slots=True)
class StagedUnits:
    """A Modbus bus with the devices that answer on it, by unit."""

    bus: TcpBus | RtuBus
    units: dict[int, Unit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StagedLine:
    """A serial line with the devices that speak on it."""

    bus: SerialBus
    speakers: list[Speaker] = field(default_factory=list)


Staged = StagedUnits | StagedLine


class _WrongBus(ValueError):
    """A device cannot be on this bus; the message says why."""


def load(path: Path) -> list[Staged]:
    """The buses of the scenario at `path`, ready to be served.

    Raises:
        SettingsError: if the scenario, a recording or a profile does not fit; says all of it.
    """
    document, lines = settings.read_yaml(settings.read(path), str(path))
    scenario = settings.fit(document, lines, Scenario, str(path))
    folders = tuple(path.parent / folder for folder in scenario.profiles)
    setting = _Setting(path, lines, _recordings(path, scenario), folders)
    stage = [setting.staged(number, bus) for number, bus in enumerate(scenario.buses)]
    if setting.problems:
        raise SettingsError(setting.problems)
    return stage


def _recordings(path: Path, scenario: Scenario) -> dict[str, Recording]:
    recordings = {}
    problems = []
    for name, entry in scenario.recordings.items():
        file = path.parent / entry.file
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
            recordings[name] = parse(
                lines, time_column=entry.time, start=entry.start, speed=scenario.speed
            )
        except OSError as error:
            problems.append(f"{path}: recordings.{name}: {file}: {error.strerror}")
        except (BadRecording, UnicodeDecodeError) as error:
            problems.append(f"{path}: recordings.{name}: {file}: {error}")
    if problems:
        raise SettingsError(problems)
    return recordings


@dataclass(frozen=True, slots=True)
class _Setting:
    """What devices are made of, and where in the file they stand; `problems`: what did not fit."""

    path: Path
    lines: Mapping[Place, int]
    recordings: Mapping[str, Recording]
    folders: tuple[Path, ...]
    problems: list[str] = field(default_factory=list)

    def staged(self, number: int, bus: TcpBus | RtuBus | SerialBus) -> Staged:
        """The bus that stands there, with the devices that fit."""
        if isinstance(bus, SerialBus):
            line = StagedLine(bus)
            for place, talker in enumerate(bus.devices):
                with self._told(bus, (number, place)):
                    speaker = self._speaker(talker)
                    _check_company(speaker, line.speakers)
                    line.speakers.append(speaker)
            return line
        street = StagedUnits(bus)
        for place, device in enumerate(bus.devices):
            with self._told(bus, (number, place)):
                street.units[device.unit] = self._unit(device)
        return street

    @contextlib.contextmanager
    def _told(self, bus: TcpBus | RtuBus | SerialBus, at: tuple[int, int]) -> Iterator[None]:
        """Keep what is wrong with the device there, by the number of its bus and its own."""
        place: Place = ("buses", at[0], "devices", at[1])
        try:
            yield
        except SettingsError as error:
            self.problems.extend(error.problems)
        except (
            *(BadWiring, UnknownProfile, UnknownChannel, NotEncodable, NoRoom),
            *(NotPlayed, _WrongBus),
        ) as error:
            of_profile = isinstance(error, UnknownProfile | NotPlayed | _WrongBus)
            line = self.lines.get((*place, "profile") if of_profile else place, 1)
            who = f"bus {bus.id}, device {bus.devices[at[1]].id}"
            self.problems.append(f"{self.path}:{line}: {who}: {error}")

    def _unit(self, device: SimulatedDevice) -> Unit:
        profile = find(device.profile, self.folders)
        if not isinstance(profile, ModbusProfile):
            says = f"profile {profile.id!r} speaks {profile.protocol}, not Modbus"
            raise _WrongBus(f"{says}; it needs a bus of kind serial")
        replay = Replay(
            profile,
            signals(device.channels, self.recordings),
            offset=device.offset,
            events=device.events,
            illegal=device.faults.illegal,
        )
        who = device.identity
        identity = None if who is None else Identity(who.vendor, who.product, who.revision)
        return Unit(replay, device.faults, identity)

    def _speaker(self, device: SpeakingDevice) -> Speaker:
        profile = find(device.profile, self.folders)
        if not isinstance(profile, FieldProfile):
            raise _WrongBus(
                f"profile {profile.id!r} speaks Modbus; it needs a bus of kind tcp or rtu"
            )
        script = Script(signals(device.channels, self.recordings), device.events)
        return Speaker(profile, script, device.faults, device.address)


def _check_company(speaker: Speaker, others: list[Speaker]) -> None:
    """Whether such devices can share a line.

    Raises:
        _WrongBus: if one of them speaks unasked, or has the address of another.
    """
    if others and any(each.every for each in (speaker, *others)):
        raise _WrongBus("a device that speaks by itself needs a line of its own")
    if any(other.address == speaker.address for other in others):
        raise _WrongBus(f"it shares the address {speaker.address!r} with another device")
