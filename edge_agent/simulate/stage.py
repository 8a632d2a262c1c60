"""Everything that a scenario needs, gathered: its file, its recordings, its devices' profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_profiles.encode import NotEncodable
from device_profiles.loader import UnknownProfile, find
from device_profiles.model import ModbusProfile
from edge_agent.simulate.recording import BadRecording, Recording, parse
from edge_agent.simulate.replay import Replay, UnknownChannel
from edge_agent.simulate.scenario import RtuBus, Scenario, TcpBus
from edge_agent.simulate.slave import Identity
from edge_agent.simulate.sunspec import NoRoom
from edge_agent.simulate.unit import Unit
from edge_agent.simulate.wiring import BadWiring, signals
from telemetry import settings
from telemetry.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge_agent.simulate.scenario import SimulatedDevice


@dataclass(frozen=True, slots=True)
class Staged:
    """A bus with the devices that answer on it, by unit."""

    bus: TcpBus | RtuBus
    units: dict[int, Unit]


def load(path: Path) -> list[Staged]:
    """The buses of the scenario at `path`, ready to be served.

    Raises:
        SettingsError: if the scenario, a recording or a profile does not fit; says all of it.
    """
    scenario = settings.load(path, Scenario)
    recordings = _recordings(path, scenario)
    folders = tuple(path.parent / folder for folder in scenario.profiles)
    problems: list[str] = []
    stage = []
    for bus in scenario.buses:
        units: dict[int, Unit] = {}
        for device in bus.devices:
            try:
                units[device.unit] = _unit(device, recordings, folders)
            except (BadWiring, UnknownProfile, UnknownChannel, NotEncodable, NoRoom) as error:
                problems.append(f"{path}: bus {bus.id}, device {device.id}: {error}")
            except SettingsError as error:
                problems += error.problems
        stage.append(Staged(bus, units))
    if problems:
        raise SettingsError(problems)
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


def _unit(
    device: SimulatedDevice, recordings: Mapping[str, Recording], folders: tuple[Path, ...]
) -> Unit:
    profile = find(device.profile, folders)
    if not isinstance(profile, ModbusProfile):
        raise BadWiring(f"profile {profile.id!r} speaks {profile.protocol}, not Modbus")
    replay = Replay(
        profile,
        signals(device.channels, recordings),
        offset=device.offset,
        events=device.events,
        illegal=device.faults.illegal,
    )
    who = device.identity
    identity = None if who is None else Identity(who.vendor, who.product, who.revision)
    return Unit(replay, device.faults, identity)
