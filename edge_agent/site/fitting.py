"""Whether a device of a configuration can be on its bus, and be read as it asks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from device_profiles.model import ModbusProfile
from device_profiles.registers import ADDRESS_MAX
from edge_agent.bus.inquiry import inquiries
from edge_agent.bus.settings import SerialBus, SerialOverTcpBus
from edge_agent.protocols import PROTOCOLS
from edge_agent.sampling import spike
from edge_agent.sampling.settings import misfits as misfits_of_channels

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from device_profiles.model import AnyProfile
    from edge_agent.bus.rounds import Round
    from edge_agent.bus.settings import AnyBus
    from edge_agent.config import DeviceSettings


def misfits(device: DeviceSettings, bus: AnyBus, profile: AnyProfile) -> Iterator[tuple[str, str]]:
    """Why such a device cannot be on that bus: the key at fault, and what is wrong."""
    yield from misfits_of_channels(profile.channels, device.channels)
    speaks_modbus = not isinstance(bus, SerialBus | SerialOverTcpBus)
    if isinstance(profile, ModbusProfile):
        if not speaks_modbus:
            says = f"{profile.id} speaks Modbus, and bus {bus.id!r} is {bus.transport}"
            yield "bus", f"{says}; it needs one of modbus-rtu, modbus-tcp and so on"
        if device.address is not None:
            yield "address", f"{profile.id} speaks Modbus, whose addresses are units: say unit"
        yield from _misplaced(device.offset, profile)
        return
    if speaks_modbus:
        needs = "it needs serial or serial-over-tcp"
        says = f"{profile.id} speaks {profile.protocol}, and bus {bus.id!r} is {bus.transport}"
        yield "bus", f"{says}; {needs}"
    if "unit" in device.model_fields_set:
        yield "unit", f"{profile.id} speaks {profile.protocol}, not Modbus: say address"
    if device.offset:
        yield "offset", f"{profile.id} speaks {profile.protocol}, which has no registers to move"
    if profile.protocol not in PROTOCOLS:
        yield "profile", f"nothing here speaks {profile.protocol} yet"
        return
    try:
        inquiries(PROTOCOLS[profile.protocol], address_of(device, profile), profile.channels)
    except ValueError as error:
        yield "profile" if device.address is None else "address", str(error)


def _misplaced(offset: int, profile: ModbusProfile) -> Iterator[tuple[str, str]]:
    """Why the registers of such a device cannot begin there."""
    if profile.addressing is not None and not offset:
        says = f"where SunSpec model {profile.addressing.sunspec} begins depends on the device"
        yield "offset", f"{says}; `edge-agent scan` of its bus finds the offset"
    elif profile.end + offset > ADDRESS_MAX + 1:
        most = ADDRESS_MAX + 1 - profile.end
        yield "offset", f"is at most {most}: the last register of {profile.id} is {profile.end - 1}"


def placed(device: DeviceSettings, profile: AnyProfile) -> AnyProfile:
    """The profile with its registers where this device has them."""
    if isinstance(profile, ModbusProfile) and device.offset:
        return profile.moved(device.offset)
    return profile


def address_of(device: DeviceSettings, profile: AnyProfile) -> str:
    """Where a device is on its bus, as its protocol spells that."""
    if isinstance(profile, ModbusProfile):
        return str(device.unit)
    return profile.address if device.address is None else device.address


def too_slow(rounds: Collection[Round], heartbeat: float) -> Iterator[tuple[str, str]]:
    """What cannot be kept because of how often a device is read: the key, and why."""
    slowest = max((i for each in rounds if math.isfinite(i := each.interval)), default=0.0)
    if heartbeat < slowest:
        says = f"each channel cannot be sent every {heartbeat:g} s"
        yield "heartbeat", f"{says}; the slowest are read every {slowest:g} s"
    for each in rounds:
        for channel in each.channels:
            if channel.tests and channel.tests.spike and each.interval > spike.INTERVAL_MAX:
                says = f"a spike test holds each value until the next, {each.interval:g} s here"
                yield f"channels.{channel.id}", f"{says}; {spike.INTERVAL_MAX:g} s is the most"
